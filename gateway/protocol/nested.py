r"""Texts inside texts: what is written with JSON escapes is found as its reader will read it.

The arguments of a tool call, the output of a function, an answer that must be JSON: a program reads these, and to it
``\u51b0\u6bd2`` is two characters. So a text with a backslash in it is read as it stands and once more without its
escapes; where that uncovers further escapes (JSON in a string of JSON), again, `LEVELS` times over.

Rules: offsets are in the text as received at every level; a finding never ends inside an escape, so a mask over it
leaves JSON valid; a place is named once, whatever levels it is read at; what a level waits for is held back like the
beginning of a term. Two strings of a JSON text are not joined: characters between them stay between them, or a city's
name and the next member's value would make a term that nobody reads.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from filters.findings import MOST_FINDINGS, Finding, Known, Term
from filters.keywords import KeywordMatcher
from gateway.protocol.escapes import EscapeReader
from gateway.protocol.gate import StreamStage

# JSON in JSON in JSON is what tools pass on. Each level doubles the backslashes it takes, and a program has to undo
# each of them to read the text.
LEVELS = 4
# Read again where escapes begin: whether a word ends here, or a phrase allows it, may depend on text already gone.
_CONTEXT_CHARACTERS = 256
_MOST_REMEMBERED = 1024  # cut back to what is needed when it is more
_ESCAPE = "\\"


class NestedStage:
    """A check of a running text that also reads what is escaped in it.

    Nothing but the check itself runs until the first backslash comes.

    Args:
        open_stage: makes the check; one for each level.
        levels: how many times escapes are undone.
    """

    __slots__ = ("_delayed", "_inner", "_levels", "_open_stage", "_plain", "_reader", "_recent", "_said", "_size")

    def __init__(self, open_stage: Callable[[], StreamStage], levels: int = LEVELS) -> None:
        self._open_stage = open_stage
        self._levels = levels
        self._plain = open_stage()
        self._inner: NestedStage | None = None
        self._reader = EscapeReader()
        self._recent = ""
        self._size = 0
        self._delayed: list[Known] = []
        self._said: set[tuple[int, int, Term]] = set()

    @property
    def frontier(self) -> int:
        """Offset up to which every level has cleared the text; never inside an escape."""
        if self._inner is None:
            return self._plain.frontier
        cleared = min(self._plain.frontier, self._reader.place(self._inner.frontier).start)
        cleared = self._reader.around(cleared).start
        return min([cleared, *(known.finding.start for known in self._delayed)])

    @property
    def pending(self) -> int:
        """Characters behind the frontier: they may be the beginning of a match."""
        return self._size - self.frontier

    @property
    def tail(self) -> str:
        """End of the text so far: enough to read on from."""
        return self._recent[-_CONTEXT_CHARACTERS:]

    def feed(self, text: str) -> list[Known]:
        """Take the next piece; return what became certain with it, in that order."""
        inner = self._inner
        if inner is None and (_ESCAPE not in text or not self._levels):
            self._remember(text)
            return self._plain.feed(text)
        inner = inner or self._begin()
        self._remember(text)
        # Text before the frontier is settled: no finding begins there, and none is said again.
        self._forget(self.frontier)
        known = self._plain.feed(text)
        return self._merge(known, inner.feed(self._reader.feed(text)))

    def finish(self) -> list[Known]:
        """End the text; return what only its end makes certain."""
        known = self._plain.finish()
        if self._inner is None:
            return known
        found = self._inner.feed(self._reader.finish())
        return self._merge(known, found + self._inner.finish())

    def clear_before(self, at: int) -> int:
        """Return the frontier as it was when the text ended at ``at``, inside the last piece."""
        cleared = self._plain.clear_before(at)
        if self._inner is None:
            return cleared
        inner = self._inner.clear_before(self._reader.read_by(at))
        return self._reader.around(min(cleared, self._reader.place(inner).start)).start

    def _remember(self, text: str) -> None:
        self._size += len(text)
        self._recent += text
        # What is still held has to be read again too: a term may begin plain and go on escaped.
        if len(self._recent) > _MOST_REMEMBERED:
            self._recent = self._recent[-(self.pending + _CONTEXT_CHARACTERS) :]

    def _begin(self) -> "NestedStage":
        self._inner = NestedStage(self._open_stage, self._levels - 1)
        self._reader = EscapeReader(self._size - len(self._recent))
        # Without a backslash it reads as it stands, so what is found in it has been said.
        self._inner.feed(self._reader.feed(self._recent))
        return self._inner

    def _forget(self, frontier: int) -> None:
        self._reader.forget(frontier)
        self._said = {said for said in self._said if said[0] >= frontier}

    def _merge(self, plain: list[Known], inner: list[Known]) -> list[Known]:
        """Bring both levels' findings to the text as received, each once."""
        reader = self._reader
        plain, self._delayed = self._delayed + plain, []
        found = [_moved(each, reader) for each in inner]
        for each in plain:
            # Inside an escape that is not complete: where its mask has to end is not known yet.
            if each.finding.end > reader.settled:
                self._delayed.append(each)
            else:
                found.append(_widened(each, reader))
        return [each for each in sorted(found, key=_order) if self._is_new(each.finding)]

    def _is_new(self, finding: Finding) -> bool:
        key = (finding.start, finding.end, finding.term)
        if key in self._said:
            return False
        self._said.add(key)
        return True


def scan_nested(matcher: KeywordMatcher, texts: Sequence[str]) -> tuple[tuple[Finding, ...], ...]:
    """Find all terms in each of several whole texts, and in what is escaped in them.

    Args:
        matcher: finds them in a text as it stands.
        texts: texts as received.

    Returns:
        The findings of each text, as `KeywordMatcher.scan_all` gives them; more than `MOST_FINDINGS` together mean
        that not all was read.
    """
    layers = [_layers(text) if _ESCAPE in text else _NO_LAYERS for text in texts]
    readings = [(number, level) for number, each in enumerate(layers) for level in range(len(each.readings))]
    if not readings:
        return matcher.scan_all(texts)
    found = matcher.scan_all([*texts, *(layers[number].readings[level] for number, level in readings)])
    together = [[_returned(each, layers[number], 0) for each in found[number]] for number in range(len(texts))]
    for (number, level), findings in zip(readings, found[len(texts) :], strict=True):
        together[number] += [_returned(each, layers[number], level + 1) for each in findings]
    # Past the bound, findings stand for what was not read: taking doubles out would hide that.
    if sum(map(len, together)) > MOST_FINDINGS:
        return tuple(map(tuple, together))
    return tuple(tuple(_once(findings)) for findings in together)


class _Layers(NamedTuple):
    """What a text reads as when its escapes are undone, level by level.

    Attributes:
        readings: the text of each level above the text itself.
        readers: the way from each of these to the one below.
    """

    readings: tuple[str, ...]
    readers: tuple[EscapeReader, ...]


_NO_LAYERS = _Layers((), ())


def _layers(text: str) -> _Layers:
    layers = _NO_LAYERS
    while _ESCAPE in text and len(layers.readers) < LEVELS:
        reader, below = EscapeReader(), text
        text = reader.feed(below) + reader.finish()
        if text == below:
            break
        layers = _Layers((*layers.readings, text), (*layers.readers, reader))
    return layers


def _returned(finding: Finding, layers: _Layers, level: int) -> Finding:
    """Bring a finding in the text of a level to the text as received."""
    known = Known(finding.end, finding)
    if level < len(layers.readers):
        known = _widened(known, layers.readers[level])
    for reader in reversed(layers.readers[:level]):
        known = _moved(known, reader)
    return known.finding


def _once(findings: list[Finding]) -> list[Finding]:
    seen = {(each.start, each.end, each.term): each for each in findings}
    return sorted(seen.values(), key=lambda each: (each.end, each.start))


def _moved(known: Known, reader: EscapeReader) -> Known:
    """Bring a finding in a reading to the text that was read."""
    finding = known.finding
    start, end = reader.place(finding.start).start, reader.place(finding.end - 1).end
    return Known(reader.place(known.at - 1).known, finding._replace(start=start, end=end))


def _widened(known: Known, reader: EscapeReader) -> Known:
    """Let a finding in the text as it stands begin and end where escapes do."""
    finding = known.finding
    first, last = reader.around(finding.start), reader.around(finding.end - 1)
    at = max(known.at, last.known)
    return Known(at, finding._replace(start=first.start, end=last.end))


def _order(known: Known) -> tuple[int, int, int]:
    return known.at, known.finding.end, known.finding.start
