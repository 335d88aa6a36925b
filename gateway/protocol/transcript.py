"""What is remembered of one running text of a stream: its digest, and as much of the text as is kept.

Rules: the digest does not depend on how the text was cut; memory is bounded however long the text gets; excerpts are
taken at the end, since what stands beside a finding comes later, and may hold personal data that is to be hidden.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from filters.findings import Finding, Phase, Stage
from gateway.protocol.evidence import (
    KEPT_CHARACTERS,
    MOST_EXCERPTS,
    ContentScope,
    Excerpt,
    Span,
    Window,
    add_window,
    encode_text,
    hide,
)

# A frame brings a few characters: hashed together they cost a tenth of what they would one by one.
_FOLD_CHARACTERS = 1024
# Twice as long as a window: each is noted as its finding becomes known.
_TAIL_CHARACTERS = 1024
# Bounds what is remembered to be hidden; a text with more personal data gives no excerpts.
_MOST_HIDDEN = 256


class _Piece(NamedTuple):
    start: int
    text: str
    risks: tuple[str, ...]


class Transcript:
    """One running text.

    Args:
        scope: what is kept of it.

    Attributes:
        characters: its length so far, as of the last piece hashed.
    """

    __slots__ = (
        *("_cut", "_hidden", "_kept", "_open", "_pending", "_pieces", "_scope", "_sha256", "_tail"),
        "characters",
    )

    def __init__(self, scope: ContentScope) -> None:
        self._scope = scope
        self._sha256 = sha256()
        self._pieces: list[str] = []
        self._pending = 0  # characters of the pieces
        self._tail = ""
        self._open: list[Window] = []  # those whose text may not be here yet
        self._cut: list[_Piece] = []
        self._hidden: list[Span] = []
        self._kept = ""
        self.characters = 0

    def add(self, text: str) -> None:
        """Take the next piece, behind what was found in it; of every frame of a stream, so mostly it is put aside."""
        self._pieces.append(text)
        self._pending += len(text)
        if self._pending >= _FOLD_CHARACTERS:
            self._fold()

    def note(self, finding: Finding) -> None:
        """Take note of a finding, before the piece that made it certain."""
        if self._scope is not ContentScope.FLAGGED:
            return
        if finding.stage is Stage.PERSONAL_DATA:
            if len(self._hidden) <= _MOST_HIDDEN:
                self._hidden.append((finding.start, finding.end))
        elif len(self._cut) + len(self._open) < MOST_EXCERPTS:
            add_window(self._open, finding)

    def digest(self) -> bytes:
        """Return the SHA-256 of the text so far, in UTF-8."""
        self._fold()
        return self._sha256.digest()

    def kept(self) -> str:
        """Return the beginning of the text so far, where all is kept."""
        self._fold()
        return self._kept

    def excerpts(self) -> Iterator[Excerpt]:
        """Return the excerpts of the text so far."""
        self._fold()
        if len(self._hidden) > _MOST_HIDDEN:
            return
        for start, piece, risks in [*self._cut, *map(self._take, self._open)]:
            # Of a term in parts that stand far from each other, the first may be gone.
            if piece:
                yield Excerpt(Phase.RESPONSE, start, hide(piece, start, self._hidden), risks)

    def _fold(self) -> None:
        """Hash the pieces, and keep of them what is to be kept."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._pending = 0
        self._sha256.update(encode_text(text))
        self.characters += len(text)
        if self._scope is ContentScope.ALL:
            self._kept += text[: KEPT_CHARACTERS - len(self._kept)]
        elif self._scope is ContentScope.FLAGGED:
            self._tail += text
            self._cut += [self._take(window) for window in self._open if window.end <= self.characters]
            self._open = [window for window in self._open if window.end > self.characters]
            self._tail = self._tail[-_TAIL_CHARACTERS:]

    def _take(self, window: Window) -> _Piece:
        """Cut a window out of the tail, as far as it is there."""
        offset = self.characters - len(self._tail)
        start = max(window.start, offset)
        return _Piece(start, self._tail[start - offset : max(0, window.end - offset)], window.risks)
