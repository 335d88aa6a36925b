"""What of an exchange's texts goes to the audit trail beside the record: digests, and content to be encrypted.

Rules: nothing here is written as it is. The shell salts the digests, makes a pseudonym of the end user, and encrypts
the content. Texts are taken as received. Values of personal data are in no excerpt, as they are in no record; whoever
keeps all content keeps them with it. All of it is bounded.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from filters.findings import Finding, Phase, Stage
from gateway.protocol.texts import mask_text

MOST_EXCERPTS = 16
"""Excerpts kept of one half of an exchange; the record counts every finding."""
KEPT_CHARACTERS = 15_000
"""Characters kept of one half where all content is: in the worst of escapings, both still fit into one entry."""
_EXCERPT_CHARACTERS = 512
_CONTEXT_CHARACTERS = 64
# UTF-8 has no such byte, so no two lists of texts are the same bytes.
_SEPARATOR = b"\xff"

Span = tuple[int, int]


class ContentScope(StrEnum):
    """What is kept of the texts themselves."""

    NONE = "none"
    FLAGGED = "flagged"  # excerpts around findings
    ALL = "all"


class Excerpt(NamedTuple):
    """A piece of a text around what was found in it.

    Attributes:
        phase: half of the exchange.
        start: its offset in the text as received, in code points.
        text: the piece.
        risks: risk ids found there.
    """

    phase: Phase
    start: int
    text: str
    risks: tuple[str, ...]


class Evidence(NamedTuple):
    """What the shell makes digests, a pseudonym and encrypted content of.

    Attributes:
        end_user: who the request says is asking, as sent, or empty.
        prompt_sha256: digest of the prompt's texts; empty when there were none.
        reply_sha256: the same of the reply.
        excerpts: pieces around findings, where these are kept.
        prompt: the prompt's texts, where all are kept.
        reply: the same of the reply.
        cut_characters: characters of prompt and reply that went beyond what is kept.
    """

    end_user: str = ""
    prompt_sha256: bytes = b""
    reply_sha256: bytes = b""
    excerpts: tuple[Excerpt, ...] = ()
    prompt: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    cut_characters: tuple[int, int] = (0, 0)

    def __repr__(self) -> str:
        """Say nothing: it holds what must not get into a log."""
        return "Evidence(…)"


NO_EVIDENCE = Evidence()


def encode_text(text: str) -> bytes:
    """Return a text in UTF-8; half a surrogate pair, which no JSON text has, is written as it is."""
    return text.encode("utf-8", "surrogatepass")


def digest_texts(texts: Iterable[str]) -> bytes:
    """Return the SHA-256 of texts, each in UTF-8 and followed by one byte 0xFF; empty for no text."""
    pieces = [encode_text(text) for text in texts]
    return sha256(_SEPARATOR.join(pieces) + _SEPARATOR).digest() if pieces else b""


def keep(texts: Iterable[str], room: int = KEPT_CHARACTERS) -> tuple[tuple[str, ...], int]:
    """Return the texts up to a bound, and how many characters were left out."""
    kept: list[str] = []
    cut = 0
    for text in texts:
        piece = text[: max(0, room)]
        # One more for what stands between texts: thousands of short ones are bounded as well.
        room -= len(piece) + 1
        cut += len(text) - len(piece)
        if piece:
            kept.append(piece)
    return tuple(kept), cut


class Window(NamedTuple):
    """A stretch of a text that is to be kept.

    Attributes:
        start: its offset.
        end: the offset behind it.
        risks: risk ids found in it.
    """

    start: int
    end: int
    risks: tuple[str, ...]


def window_around(finding: Finding) -> Window:
    """Return what is kept around a finding: its beginning, where it is long, and a little on both sides."""
    start = max(0, finding.start - _CONTEXT_CHARACTERS)
    end = min(finding.end, finding.start + _EXCERPT_CHARACTERS - 2 * _CONTEXT_CHARACTERS) + _CONTEXT_CHARACTERS
    return Window(start, end, (finding.risk,))


def add_window(windows: list[Window], finding: Finding) -> None:
    """Add what is kept around a finding, to the window before it where the two overlap and one can hold both."""
    window = window_around(finding)
    if windows:
        last = windows[-1]
        start, end = min(last.start, window.start), max(last.end, window.end)
        if window.start <= last.end and last.start <= window.end and end - start <= _EXCERPT_CHARACTERS:
            windows[-1] = Window(start, end, tuple(sorted({*last.risks, finding.risk})))
            return
    windows.append(window)


def excerpts_of(phase: Phase, text: str, findings: Iterable[Finding]) -> Iterator[Excerpt]:
    """Return the excerpts of one whole text."""
    windows: list[Window] = []
    hidden: list[Span] = []
    for finding in findings:
        if finding.stage is Stage.PERSONAL_DATA:
            hidden.append((finding.start, finding.end))
        elif len(windows) < MOST_EXCERPTS:
            add_window(windows, finding)
    for start, end, risks in windows:
        yield Excerpt(phase, start, hide(text[start:end], start, hidden), risks)


def hide(piece: str, start: int, hidden: Iterable[Span]) -> str:
    """Mask values of personal data in a piece of a text that begins at an offset."""
    return mask_text(piece, [(first - start, last - start) for first, last in hidden])
