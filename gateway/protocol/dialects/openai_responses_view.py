"""Frames of OpenAI Responses, read: which running texts they bring, and which they say once more.

A response is a list of items (messages, reasoning, calls), and some items have parts. Every running text is named by
its place in the finished response, ``(0, item, "content", part, "output_text")``, and whatever event brings it, the
same place stands for it: in its deltas, in the event that ends it, in the part, in the item, and in the response. The
last four say it once more in full.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gateway.protocol.dialects.base import Carrier, ChannelKey, Document, FrameView, Segment, Spelling, Wait
from gateway.protocol.dialects.frames import index_in, object_in, other_texts, type_of
from gateway.protocol.texts import find_texts


class Kind(NamedTuple):
    """A kind of running text.

    Attributes:
        member: its name in the finished response, and in the event that ends it.
        parts: the item's list of parts it stands in; empty for a text of the item itself.
        carrier: what it is to the reader.
    """

    member: str
    parts: str
    carrier: Carrier


# By the name in ``response.<name>.delta`` and ``response.<name>.done``.
KINDS = {
    "output_text": Kind("text", "content", Carrier.VISIBLE),
    "refusal": Kind("refusal", "content", Carrier.HIDDEN),
    "reasoning_text": Kind("text", "content", Carrier.HIDDEN),
    "reasoning_summary_text": Kind("text", "summary", Carrier.HIDDEN),
    "function_call_arguments": Kind("arguments", "", Carrier.STRUCTURED),
    "mcp_call_arguments": Kind("arguments", "", Carrier.HIDDEN),
    "custom_tool_call_input": Kind("input", "", Carrier.STRUCTURED),
    "code_interpreter_call_code": Kind("code", "", Carrier.HIDDEN),
}
# The kind of text in a part, and in an item, by their types.
PART_KINDS = {
    "output_text": "output_text",
    "refusal": "refusal",
    "reasoning_text": "reasoning_text",
    "summary_text": "reasoning_summary_text",
}
_ITEM_KINDS = {
    "function_call": "function_call_arguments",
    "mcp_call": "mcp_call_arguments",
    "custom_tool_call": "custom_tool_call_input",
    "code_interpreter_call": "code_interpreter_call_code",
}
# Run by the client: the answer is a program's. Others the server runs by itself, and says in prose what came of it.
CLIENT_CALLS = frozenset({
    "function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call",
})  # fmt: skip # one word a line would fill half a page
# Parts of an item, by the events that begin and end them.
_PARTS = {"content_part": "content", "reasoning_summary_part": "summary"}
INDEX_NAMES = {"content": "content_index", "summary": "summary_index"}
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


def view_event(document: Document, number_of: Callable[[Document, int], int]) -> FrameView:
    """Read a frame.

    Args:
        document: the frame.
        number_of: says which item of the stream an item of a response is, from the item and its position.

    Raises:
        ValueError: it has no type, or does not say which item or part it is about.
    """
    kind = type_of(document)
    name, _, step = kind.removeprefix("response.").rpartition(".")
    if step == "delta":
        frame = FrameView(list(_deltas(name, document)), [], [], [])
    elif step == "done" and name in KINDS:
        frame = _text_done(name, document)
    elif step in ("added", "done") and (name in _PARTS or name == "output_item"):
        frame = _piece_of_response(name, step, document)
    elif step == "done":
        frame = FrameView([], [], [], [_path_of_unknown(name, "", document)])
    else:
        frame = _response(kind, document, number_of)
    return _with_other_texts(kind, document, frame)


def item_places(number: int, item: Document) -> Iterator[Segment]:
    """Yield the running texts in an item."""
    kind = str(item.get("type"))
    # The type itself tells that the answer is a program's, whether the call has arguments or not.
    if kind in CLIENT_CALLS:
        yield Segment((0, number, "type"), Carrier.STRUCTURED, item, "type", kind, whole=True)
    if kind in _ITEM_KINDS:
        yield from _place(_ITEM_KINDS[kind], (0, number), item)
    for parts in INDEX_NAMES:
        listed = item.get(parts)
        for position, part in enumerate(listed if isinstance(listed, list) else ()):
            yield from part_places((0, number, parts, position), part)


def part_places(path: ChannelKey, part: object) -> Iterator[Segment]:
    """Yield the running text of a part."""
    kind = PART_KINDS.get(str(part.get("type"))) if isinstance(part, dict) else None
    if kind:
        yield from _place(kind, path, part)


def text_parts(document: Document) -> Iterator[Document]:
    """Yield whatever in a frame or a whole response may carry token probabilities."""
    yield document
    response = document.get("response")
    for item in (document.get("part"), document.get("item"), *_items(document), *_items(response)):
        if isinstance(item, dict):
            yield item
            content = item.get("content")
            yield from (part for part in (content if isinstance(content, list) else ()) if isinstance(part, dict))


def _items(response: object) -> list[Any]:
    output = response.get("output") if isinstance(response, dict) else None
    return output if isinstance(output, list) else []


def _place(name: str, path: ChannelKey, container: Any) -> Iterator[Segment]:  # noqa: ANN401 any JSON object
    member, _, carrier = KINDS[name]
    if isinstance(container.get(member), str):
        yield Segment((*path, name), carrier, container, member, container[member])


def _path(name: str, document: Document) -> ChannelKey:
    """Return the path of the text, part or item that an event is about."""
    item = (0, index_in(document, "output_index"))
    if name == "output_item":
        return item
    parts = _PARTS[name] if name in _PARTS else KINDS[name].parts
    place = (*item, parts, index_in(document, INDEX_NAMES[parts])) if parts else item
    return place if name in _PARTS else (*place, name)


def _path_of_unknown(name: str, member: str, document: Document) -> ChannelKey:
    """Return a path for a text that nothing is known of but its event, from all indices the event has."""
    indices = sorted(each for each in document if each.endswith("_index"))
    return (0, name, member, *(step for each in indices for step in (each, index_in(document, each))))


def _deltas(name: str, document: Document) -> Iterator[Segment]:
    """Yield the pieces an event brings: one, or several by name."""
    delta = document.get("delta")
    if isinstance(delta, str):
        path = _path(name, document) if name in KINDS else _path_of_unknown(name, "", document)
        carrier = KINDS[name].carrier if name in KINDS else Carrier.HIDDEN
        yield Segment(path, carrier, document, "delta", delta)
    elif isinstance(delta, dict):
        for member, text in delta.items():
            if isinstance(text, str):
                yield Segment(_path_of_unknown(name, member, document), Carrier.HIDDEN, delta, member, text)


def _text_done(name: str, document: Document) -> FrameView:
    path = _path(name, document)
    wait = Wait.PART if KINDS[name].carrier is Carrier.VISIBLE else Wait.NOT
    return FrameView([], [], [], [path], wait, list(_place(name, path[:-1], document)))


def _piece_of_response(name: str, step: str, document: Document) -> FrameView:
    """Read an event that begins or ends an item or a part of one."""
    path = _path(name, document)
    if name == "output_item":
        piece = object_in(document, "item")
        places = list(item_places(int(path[1]), piece))
    else:
        piece = object_in(document, "part")
        places = list(part_places(path, piece))
    if step == "added":
        # Begun with a text already: clients put the deltas behind it.
        return FrameView([place for place in places if place.text], [], [], [])
    wait = Wait.PART if piece.get("type") in ("message", "output_text") else Wait.NOT
    return FrameView([], [], [], [path], wait, places)


def _response(kind: str, document: Document, number_of: Callable[[Document, int], int]) -> FrameView:
    """Read an event about the whole response, or about none of its texts."""
    listed = _items(document.get("response"))
    items = [(position, item) for position, item in enumerate(listed) if isinstance(item, dict)]
    places = [place for position, item in items for place in item_places(number_of(item, position), item)]
    if kind in _ENDS:
        return FrameView([], [], [], [(0,)], Wait.LAST, places, end=True)
    return FrameView([], [], [], [], Wait.NOT, places)


def _with_other_texts(kind: str, document: Document, frame: FrameView) -> FrameView:
    """Add what belongs to no running text, and what spells one."""
    spelled = [(part, part["logprobs"]) for part in text_parts(document) if isinstance(part.get("logprobs"), list)]
    padding = document.get("obfuscation")
    spellings = [Spelling((0, kind), _joined(tokens), _strings(tokens)) for _, tokens in spelled if tokens]
    if isinstance(padding, str):
        # Random letters against those who measure frames, and no text: like tokens, they may be left out.
        spellings.append(Spelling((0, "obfuscation"), "", [padding]))
        document["obfuscation"] = ""
    for part, _ in spelled:
        part["logprobs"] = None
    texts, passages = other_texts(document, [*frame.segments, *frame.repeats])
    for part, tokens in spelled:
        part["logprobs"] = tokens
    if isinstance(padding, str):
        document["obfuscation"] = padding
    return frame._replace(texts=texts, passages=passages, spellings=spellings)


def _joined(tokens: list[Any]) -> str:
    texts = (entry.get("token") for entry in tokens if isinstance(entry, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _strings(tokens: list[Any]) -> list[str]:
    return [group.text for group in find_texts(tokens)]
