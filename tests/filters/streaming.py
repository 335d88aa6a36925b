"""Streams cut in every way, for the tests of the keyword engine."""

from collections.abc import Iterable, Iterator

from filters.findings import Finding, Known
from filters.keyword_stream import KeywordStream
from filters.keywords import KeywordMatcher

# Looking at every length of a long piece would read it as many times.
_LOOKS = 4


def order(found: Iterable[Known]) -> list[tuple[int, Finding]]:
    """Return what became known in an order that all cuttings share."""
    return sorted(((known.at, known.finding) for known in found), key=repr)


def halves(text: str) -> Iterator[list[str]]:
    """Yield every cutting of a text in two."""
    return ([text[:cut], text[cut:]] for cut in range(1, len(text)))


def run(matcher: KeywordMatcher, pieces: Iterable[str]) -> tuple[list[Known], dict[int, int]]:
    """Feed a text in pieces.

    Returns:
        What was found; by length of the text, what `KeywordStream.clear_before` says of it, for some lengths in each
        piece and its end.
    """
    stream, found, clear, size = matcher.stream(), list[Known](), dict[int, int](), 0
    for piece in pieces:
        before = stream.frontier
        found += stream.feed(piece)
        assert before <= stream.frontier <= size + len(piece), "a frontier never goes back"
        inside = range(size + len(piece), size, -max(1, len(piece) // _LOOKS))
        clear |= {at: stream.clear_before(at) for at in inside}
        size += len(piece)
        assert stream.pending == size - stream.frontier
        assert not piece or clear[size] == stream.frontier
    return found + stream.finish(), clear


def shown_before_a_stop(stream: KeywordStream, pieces: Iterable[str]) -> tuple[int, Known | None]:
    """Feed a text until something is found, as a gate does that blocks everything.

    Returns:
        How many characters have left by then; the finding that became certain first, or None.
    """
    released = 0
    for piece in pieces:
        found = stream.feed(piece)
        if found:
            return _stop(stream, found, released)
        released = max(released, stream.frontier)
    found = stream.finish()
    return _stop(stream, found, released) if found else (stream.frontier, None)


def _stop(stream: KeywordStream, found: list[Known], released: int) -> tuple[int, Known]:
    first = min(known.at for known in found)
    stop = min((known for known in found if known.at == first), key=lambda known: known.finding.start)
    return max(released, min(stream.clear_before(first), stop.finding.start)), stop
