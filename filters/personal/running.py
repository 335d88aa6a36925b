"""Secrets that are longer than any match: private keys and signed tokens.

They are found by their head, and go on for as long as the text is made of what such a secret is made of. Rules: the
head is a finding; what follows is cut into tiles of `TILE` characters, counted from the head's end, and each is a
finding of the same term. So a stream knows what to do with every character before the end has come, keeps no more
than a tile of it, and says the same however it is cut. A head that is merely spoken of costs the words behind it, up
to the first character that no key has.
"""

import re
from typing import NamedTuple

from filters.findings import Finding, Known, Stage, Term
from filters.patterns import WINDOW, Pattern, PatternStream
from filters.personal.kinds import secret

TILE = 256
"""Most characters of one finding."""
LONGEST = 16_384
"""Most characters of a secret behind its head; the largest RSA keys in use take 13,000."""
# What the end of a secret may need of the text before a piece.
_FOOT_CHARACTERS = 96


class _Form(NamedTuple):
    """A kind of running secret.

    Attributes:
        head: expression of how it begins.
        foreign: a character that no such secret has.
        foot: how it ends; None where only a foreign character ends it.
    """

    head: str
    foreign: re.Pattern[str]
    foot: re.Pattern[str] | None = None


_FORMS = {
    # RFC 7468, and what OpenSSH, OpenSSL and OpenPGP (RFC 9580 section 6.2) write in its manner. Line ends may be
    # escaped, where the key stands in a string of code; headers such as `Proc-Type: 4,ENCRYPTED` may come first.
    secret("private_key"): _Form(
        r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----",
        re.compile(r"[^A-Za-z0-9+/=\s\\:,.()\-]"),
        re.compile(r"-----END [A-Z0-9 ]{0,64}-----"),
    ),
    # RFC 7519: header and claims are JSON objects, and an object begins with the letters eyJ.
    secret("jwt"): _Form(r"\beyJ[A-Za-z0-9_\-]{10,200}\.eyJ[A-Za-z0-9_\-]{8}", re.compile(r"[^A-Za-z0-9_\-.=]")),
}


def _head(term: Term) -> Pattern:
    exact = re.compile(_FORMS[term].head, re.ASCII)
    return Pattern(term, _FORMS[term].head, lambda value, _: (0, len(value)) if exact.fullmatch(value) else None)


HEADS = tuple(_head(term) for term in _FORMS)
"""What is looked for, for the set whose findings `RunningStream` follows."""


RUNNING = frozenset(_FORMS)
"""The terms of these; `RunningStream` has to know by which length of text a head is certain."""


class _Stretch(NamedTuple):
    """What follows a head.

    Attributes:
        term: what was begun.
        start: where the head ends.
        since: length of text by which the head is certain.
        end: where it ends; None while it goes on.
        known_at: length of text by which the end is certain.
    """

    term: Term
    start: int
    since: int
    end: int | None = None
    known_at: int = 0


class RunningStream:
    """A stream of findings that follows secrets behind their head.

    Args:
        patterns: the scan that finds the heads, among other things.

    Attributes:
        frontier: offset up to which the text is settled, in code points of the text so far.
    """

    __slots__ = ("_base", "_patterns", "_seen", "_stretches", "_tail", "_tiled", "frontier")

    def __init__(self, patterns: PatternStream) -> None:
        self._patterns = patterns
        self._tail = ""
        self._base = 0  # offset of the first character kept
        self._stretches: list[_Stretch] = []  # those of the last piece; the last may be older, or going on
        self._tiled = 0  # up to where that one is said
        self._seen = 0  # up to where it was searched for its end
        self.frontier = 0

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it, in that order."""
        found = self._patterns.feed(text)
        # A head is certain when nothing that began before it goes on, so its end may be a window back.
        dropped = max(0, len(self._tail) - WINDOW - _FOOT_CHARACTERS)
        self._tail = self._tail[dropped:] + text
        self._base += dropped
        del self._stretches[:-1]
        return self._follow(found)

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        found, end = self._follow(self._patterns.finish()), self._base + len(self._tail)
        if self._goes_on:
            found += self._close(end, end)
        self.frontier = end
        return found

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, an offset inside the last piece."""
        cleared = self._patterns.clear_before(at)
        for stretch in self._stretches:
            if stretch.since <= at and (stretch.end is None or at < stretch.known_at):
                return min(cleared, at - (at - stretch.start) % TILE)
        return cleared

    @property
    def _goes_on(self) -> bool:
        return bool(self._stretches) and self._stretches[-1].end is None

    def _follow(self, found: list[Known]) -> list[Known]:
        more = self._continue() if self._goes_on else []
        for known in found:
            if known.finding.term not in _FORMS:
                more.append(known)
            else:
                more += self._begin(known)
        self.frontier = min(self._patterns.frontier, self._tiled) if self._goes_on else self._patterns.frontier
        more.sort(key=lambda known: (known.at, known.finding.end, known.finding.start))
        return more

    def _begin(self, head: Known) -> list[Known]:
        last = self._stretches[-1] if self._stretches else None
        # Seen while a secret goes on, what looks like a head is a part of it.
        if last is not None and (last.end is None or head.at < last.known_at):
            return []
        # Seen later, it may go on where that one ended.
        covered = 0 if last is None or last.end is None else last.end
        self._tiled = self._seen = start = max(head.finding.end, covered)
        self._stretches.append(_Stretch(head.finding.term, start, head.at))
        return [head] * (head.finding.end > covered) + self._continue()

    def _continue(self) -> list[Known]:
        """Follow what goes on through the text so far."""
        stretch, end = self._stretches[-1], self._base + len(self._tail)
        form, limit = _FORMS[stretch.term], stretch.start + LONGEST
        foreign = form.foreign.search(self._tail, self._seen - self._base)
        # The foot may have begun before this piece, but not before the head ended.
        since = max(stretch.start, self._seen - _FOOT_CHARACTERS, self._base)
        foot = form.foot.search(self._tail, since - self._base) if form.foot else None
        ends = [(self._base + found.end(), self._base + found.end()) for found in (foot,) if found]
        ends += [(self._base + found.start(), self._base + found.end()) for found in (foreign,) if found]
        ends += [(limit, limit)] if end >= limit else []
        self._seen = end
        return self._close(*min(ends)) if ends else self._tiles(end)

    def _close(self, end: int, known_at: int) -> list[Known]:
        stretch = self._stretches[-1]
        known_at = max(known_at, stretch.since)
        found = self._tiles(end)
        if self._tiled < end:
            found.append(self._known(self._tiled, end, known_at))
        self._stretches[-1] = stretch._replace(end=end, known_at=known_at)
        return found

    def _tiles(self, end: int) -> list[Known]:
        found = []
        while self._tiled + TILE <= end:
            self._tiled += TILE
            found.append(self._known(self._tiled - TILE, self._tiled, self._tiled))
        return found

    def _known(self, start: int, end: int, at: int) -> Known:
        stretch = self._stretches[-1]
        finding = Finding(Stage.PERSONAL_DATA, stretch.term.risk, start, end, stretch.term)
        return Known(max(at, stretch.since), finding)
