"""Where an element of an XML part begins and ends, in bytes, without building a tree of a long text.

What is put in between leaves all the rest byte for byte, which writing a tree anew would not.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from gateway.labelling.members import LabelError

_MOST_DEPTH = 256
# Each costs some hundred bytes; a sheet with more rows than this is no document to put a line into.
_MOST_PLACES = 200_000


@dataclass(slots=True)
class Place:
    """One element.

    Attributes:
        name: without its namespace.
        namespace: of the name.
        depth: how many elements it is inside of.
        attributes: names without namespaces.
        start: first byte of its opening tag.
        body: byte behind the opening tag.
        close: first byte of its closing tag; the opening tag's for one that is closed at once.
        end: byte behind the closing tag.
    """

    name: str
    namespace: str
    depth: int
    attributes: dict[str, str] = field(default_factory=dict)
    start: int = 0
    body: int = 0
    close: int = 0
    end: int = 0

    @property
    def closed_at_once(self) -> bool:
        """True for an element without content, written as one tag."""
        return self.body == self.end


def places_of(data: bytes, names: frozenset[str]) -> list[Place]:
    """Return elements of some names, in the order of their beginnings.

    Args:
        data: a part of a document, in UTF-8.
        names: without namespaces.

    Raises:
        LabelError: it is no well-formed XML, has a document type, or is in another encoding.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise LabelError(
            "the document has parts in UTF-16, into which no line is put here; save it in a newer program"
        )
    finder = _Finder(data, names)
    try:
        finder.parser.Parse(data, True)  # noqa: FBT003 the library's own signature
    except expat.ExpatError:
        raise LabelError("the document has XML that is not well-formed") from None
    return finder.found


class _Finder:
    """What the parser tells, put together."""

    def __init__(self, data: bytes, names: frozenset[str]) -> None:
        self.found: list[Place] = []
        self._data = data
        self._names = names
        self._open: list[Place | None] = []
        # UTF-8 whatever it says: positions are counted in it, and office programs write no other.
        self.parser = expat.ParserCreate("utf-8", "\n")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._close
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition("\n")
        place = None
        if local in self._names:
            at = self.parser.CurrentByteIndex
            # Of two attributes with one local name the one with a namespace counts: `r:id` refers, `id` only numbers.
            ordered = sorted(attributes.items(), key=lambda each: "\n" in each[0])
            shown = {key.rpartition("\n")[2]: value for key, value in ordered}
            place = Place(local, namespace, len(self._open), shown, at, _behind_tag(self._data, at))
            self.found.append(place)
            if len(self.found) > _MOST_PLACES:
                raise LabelError(f"the document has more than {_MOST_PLACES} rows or the like; it gets no line here")
        if len(self._open) >= _MOST_DEPTH:
            raise LabelError("the document has XML that is nested deeper than any program writes")
        self._open.append(place)

    def _close(self, _name: str) -> None:
        place = self._open.pop()
        if place is None:
            return
        if self._data[place.body - 2 : place.body] == b"/>":
            place.close, place.end = place.start, place.body
        else:
            place.close = self.parser.CurrentByteIndex
            place.end = self._data.index(b">", place.close) + 1

    def _refuse(self, *_: object) -> None:
        raise LabelError("the document has XML with a document type, which no office program writes")


def _behind_tag(data: bytes, at: int) -> int:
    """Return where an opening tag of well-formed XML ends: with the first `>` outside of quotes."""
    quote = 0
    while True:
        each = data[at]
        at += 1
        if quote:
            quote = 0 if each == quote else quote
        elif each in b"\"'":
            quote = each
        elif each == ord(">"):
            return at
