"""What the typed frames of several wire formats have in common: a ``type``, small indices, and strings all over.

Rules: a dialect names the running texts of a frame, and every other string is found here, so that a member a server
adds tomorrow is scanned as well.
"""

from collections.abc import Iterable, Sequence

from gateway.protocol.dialects.base import Document, Segment
from gateway.protocol.texts import TextGroup, find_texts

# Bounds what is kept for each block, item and part of a stream.
MOST_PARTS = 512
# Members whose values mean something to programs: masked, they would mean something else.
_FIXED_NAMES = frozenset({
    "approval_request_id", "call_id", "code", "encrypted_content", "file_id", "id", "item_id", "model", "name",
    "object", "previous_response_id", "role", "server_label", "service_tier", "signature", "status", "stop_reason",
    "tool_use_id", "type",
})  # fmt: skip # one word a line would fill a page


def type_of(document: object) -> str:
    """Return the type of a frame.

    Raises:
        ValueError: it is no object with a type.
    """
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str):
        raise ValueError("a frame must be an object with a 'type'")  # noqa: TRY004 one error for all that is malformed
    return kind


def object_in(document: Document, name: str) -> Document:
    """Return a member of a frame that is an object.

    Raises:
        ValueError: it is none.
    """
    value = document.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"'{name}' must be an object")  # noqa: TRY004 the same
    return value


def index_in(document: Document, name: str) -> int:
    """Return a member of a frame that says which block, item or part it is about.

    Raises:
        ValueError: it is no whole number within the bound.
    """
    index = document.get(name)
    # A bool is an int to Python, and would be the same part as 0 or 1.
    if type(index) is not int or not 0 <= index < MOST_PARTS:
        raise ValueError(f"'{name}' must be a whole number within the bound")
    return index


def other_texts(document: Document, places: Iterable[Segment]) -> tuple[list[str], Sequence[TextGroup]]:
    """Return the strings of a frame that belong to no running text: those that must stay as they are, and the others.

    Args:
        document: the frame.
        places: where its running texts stand.
    """
    running = {(id(place.container), place.key) for place in places}
    fixed: list[str] = []
    passages: list[TextGroup] = []
    for group in find_texts(document):
        parts = [part for part in group.parts if (id(part.container), part.key) not in running]
        if not group.parts or any(part.key in _FIXED_NAMES for part in parts):
            fixed.append(group.text)
        elif len(parts) == len(group.parts):
            passages.append(group)
        else:
            # Parts beside a running text are no more one text with it.
            passages += [TextGroup(part.text, (part,)) for part in parts]
    return fixed, passages
