"""Streams of OpenAI Responses: events about one response, its items and their parts.

What is built here leaves the texts empty where an event says one once more: whoever sends it writes there what was
shown (`gateway.protocol.outbox`), as in the model's own events.
"""

from collections.abc import Mapping

import orjson

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import ChannelKey, Document, Ending, FrameView, Identity
from gateway.protocol.dialects.frames import MOST_PARTS
from gateway.protocol.dialects.openai_responses_view import INDEX_NAMES, KINDS, PART_KINDS, view_event

# An event that repeats the whole response would be no frame any more beyond this.
_MOST_KEPT_BYTES = 1024 * 1024
_LIFE = frozenset({"response.created", "response.queued", "response.in_progress"})


class OpenAIResponsesStream:
    """One streamed reply of ``POST /v1/responses``.

    Args:
        identity: names the response where the model server did not begin one.
    """

    terminator = b""
    typed = True
    repeats = True
    sequence = "sequence_number"

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._response = own_response(identity)
        self._begun = False
        self._items: dict[int, Document] = {}  # as the reader knows them, but for what is in their running texts
        self._kept_bytes = 0
        self._open_items: set[int] = set()
        self._open_parts: set[tuple[int, int]] = set()
        self._numbers: dict[str, int] = {}  # items by their ids
        self._made: list[int] = []  # items that no event of the model's knows of

    def view(self, document: Document) -> FrameView:
        """Read a frame.

        Raises:
            ValueError: it has no type, or does not say which item or part it is about.
        """
        return view_event(document, self._number_of)

    def sent(self, document: Document) -> None:
        """Take note of the response and what is open in it."""
        kind = document["type"]
        if kind in _LIFE and isinstance(document.get("response"), dict):
            self._begun, self._response = True, document["response"]
        elif kind == "response.output_item.added":
            self._open_items.add(document["output_index"])
            self._keep(document)
        elif kind == "response.output_item.done":
            number = document["output_index"]
            self._open_items.discard(number)
            self._open_parts = {part for part in self._open_parts if part[0] != number}
            self._keep(document)
        elif kind == "response.content_part.added":
            self._begin_part(document, document["part"])
        # A delta that is no text has no place that was checked. Not all servers begin a part before its text.
        elif kind == "response.output_text.delta" and isinstance(document.get("delta"), str):
            if (document["output_index"], document["content_index"]) not in self._open_parts:
                self._begin_part(document, _text_part())
        elif kind == "response.content_part.done":
            self._open_parts.discard((document["output_index"], document["content_index"]))

    def unfinish(self, document: Document) -> bool:
        """Tell whether a frame is worth sending at a stop: one that ends something says nothing new."""
        kind = document["type"]
        return not (kind.endswith(".done") or kind == "error" or (kind not in _LIFE and "response" in document))

    def pieces(self, channel: ChannelKey, text: str) -> list[Document]:
        """Build a delta, in an item of its own where the text's part has ended."""
        name = channel[1]
        # A text that nothing is known of but its event: the path is that event's (`openai_responses_view`).
        if isinstance(name, str):
            indices = dict(zip(channel[3::2], channel[4::2], strict=True))
            delta = {channel[2]: text} if channel[2] else text
            return [_event(f"{name}.delta", **{str(each): at for each, at in indices.items()}, delta=delta)]
        kind = str(channel[-1])
        if name not in self._open_items or (kind == "output_text" and (name, channel[3]) not in self._open_parts):
            return self._message(text, "completed")
        parts = KINDS[kind].parts
        place = {INDEX_NAMES[parts]: channel[3]} if parts else {}
        return [self._delta(kind, name, place, text)]

    def ending(self, texts: Mapping[int, str], why: Ending) -> list[Document]:
        """Build the events that say the text in the open message, or in a new one, and end the response."""
        status = "incomplete" if why is Ending.FILTERED else "completed"
        text = "".join(texts.values())
        frames = [] if self._begun else [_event("created", response=self._response)]
        for number in sorted(self._open_items):
            parts = sorted(part for item, part in self._open_parts if item == number)
            if text and parts and number == max(self._open_items) and self._is_text(number, parts[-1]):
                frames.append(self._delta("output_text", number, {"content_index": parts[-1]}, text))
                text = ""
            frames += self._end_item(number, status)
        if text:
            frames += self._message(text, status)
        details = {"reason": "content_filter"} if why is Ending.FILTERED else None
        return [*frames, self._end(status, incomplete_details=details)]

    def failure(self, code: ErrorCode, message: str) -> list[Document]:
        """Build the event of a response that failed."""
        return [self._end("failed", error={"code": code, "message": message})]

    def mark(self, document: Document, members: Document) -> None:
        """Write members at the top of the last event and into its response, which is all that some clients keep."""
        document.update(members)
        response = document.get("response")
        if isinstance(response, dict):
            response.update(members)
            listed = response.get("output")
            output = listed if isinstance(listed, list) else []
            # The model's own last event does not know what was added to its response.
            made = [self._items[number] for number in self._made if number in self._items]
            response["output"] = [*output, *(item for item in made if item not in output)]

    def _number_of(self, item: Document, position: int) -> int:
        """Say which item of the stream an item of a response is: by its id, else by its place and type."""
        number = self._numbers.get(str(item.get("id")))
        if number is not None:
            return number
        there = self._items.get(position)
        # Servers leave items out; another one's text must not be written into this.
        return position if there is None or there.get("type") == item.get("type") else MOST_PARTS + position

    def _keep(self, document: Document) -> None:
        number, item = document["output_index"], document["item"]
        self._kept_bytes += len(orjson.dumps(item))
        if self._kept_bytes > _MOST_KEPT_BYTES:
            # Without it, a response that is cut lists less than was sent.
            self._items.pop(number, None)
        else:
            self._items[number] = item
        if isinstance(item.get("id"), str) and item["id"]:
            self._numbers[item["id"]] = number

    def _begin_part(self, document: Document, part: Document) -> None:
        number, index = document["output_index"], document["content_index"]
        self._open_parts.add((number, index))
        content = self._items.get(number, {}).setdefault("content", [])
        if isinstance(content, list) and len(content) == index:
            content.append(part)

    def _is_text(self, number: int, index: int) -> bool:
        return self._part(number, index).get("type") == "output_text"

    def _part(self, number: int, index: int) -> Document:
        content = self._items.get(number, {}).get("content")
        part = content[index] if isinstance(content, list) and index < len(content) else None
        return part if isinstance(part, dict) else {}

    def _delta(self, kind: str, number: int, place: Mapping[str, object], text: str) -> Document:
        event = _event(f"{kind}.delta", **self._about(number), **place, delta=text)
        # Client libraries read the member unasked.
        return event | ({"logprobs": []} if kind == "output_text" else {})

    def _about(self, number: int) -> Document:
        return {"item_id": self._items.get(number, {}).get("id", ""), "output_index": number}

    def _message(self, text: str, status: str) -> list[Document]:
        """Build a message of its own, from its beginning to its end."""
        # No frame has a higher number: a response of so many items gets its last one twice.
        number = min(max([*self._items, *self._numbers.values(), *self._open_items, -1]) + 1, MOST_PARTS - 1)
        item = own_item(self._identity, status="in_progress") | {"id": f"msg_{self._identity.request_id}_{number}"}
        part = _text_part()
        about: Document = {"item_id": item["id"], "output_index": number, "content_index": 0}
        self._made.append(number)
        return [
            _event("output_item.added", output_index=number, item=item),
            _event("content_part.added", **about, part=part),
            _event("output_text.delta", **about, delta=text, logprobs=[]),
            _event("output_text.done", **about, text="", logprobs=[]),
            _event("content_part.done", **about, part=dict(part)),
            _event("output_item.done", output_index=number, item=item | {"status": status, "content": [dict(part)]}),
        ]

    def _end_item(self, number: int, status: str) -> list[Document]:
        """Build the ends of an item and of its parts."""
        frames = []
        for _, index in sorted(part for part in self._open_parts if part[0] == number):
            part, about = self._part(number, index), {**self._about(number), "content_index": index}
            kind = PART_KINDS.get(str(part.get("type")))
            if kind:
                text: Document = {KINDS[kind].member: ""} | ({"logprobs": []} if kind == "output_text" else {})
                frames.append(_event(f"{kind}.done", **about, **text))
            frames.append(_event("content_part.done", **about, part=part))
        item = self._items.get(number, {"type": "message"}) | {"status": status}
        return [*frames, _event("output_item.done", output_index=number, item=item)]

    def _end(self, status: str, **members: object) -> Document:
        """Build the event that ends the response; it lists the items that were sent."""
        listed = sorted(self._items.items())
        own = [item | ({"status": status} if number in self._open_items else {}) for number, item in listed]
        response = self._response | {"status": status, "output": own} | members
        return _event(status, response=response)


def own_response(identity: Identity) -> Document:
    """Return a response made here, without output."""
    return {
        # The id a user reports from the answer is the one the audit entry has.
        "id": f"resp_{identity.request_id}",
        "object": "response",
        "created_at": identity.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": identity.model,
        "output": [],
        # Client libraries read these unasked.
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def own_item(identity: Identity, *, status: str) -> Document:
    """Return a message made here, without content."""
    own = f"msg_{identity.request_id}"
    return {"id": own, "type": "message", "role": "assistant", "status": status, "content": []}


def _text_part() -> Document:
    # Client libraries read these unasked.
    return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def _event(name: str, **members: object) -> Document:
    # The number is moved behind those that were sent (`Outbox`).
    return {"type": f"response.{name}", "sequence_number": 0, **members}
