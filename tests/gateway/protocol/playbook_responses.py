"""OpenAI Responses: what a client asks, what a model says, and a strict reader of its streams."""

from itertools import zip_longest
from typing import Any

import orjson

from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.openai_responses import OpenAIResponses
from tests.gateway.protocol.playbook import given

# Members of the events that end a text, by the kind of text.
_TEXTS = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "reasoning_summary_text": "text"}
_CALLS = {
    "function_call_arguments": "arguments",
    "custom_tool_call_input": "input",
    "mcp_call_arguments": "arguments",
}


def context(*args: Any, **members: Any) -> ExchangeContext:  # noqa: ANN401 as `given`
    """Build a context of this format."""
    return given(*args, dialect=OpenAIResponses(), **members)


def request(content: Any = "hi", *, stream: object = True, **members: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Build a request body with one user message."""
    return orjson.dumps({"model": "m", "stream": stream, "input": content} | members)


def response(*items: Any, status: str = "completed", **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Build a response."""
    body = {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m"}
    return body | {"output": list(items), "tools": [], "instructions": None} | members


class Item:
    """One item of a response, as the events that write it."""

    def __init__(self, number: int, kind: str, pieces: list[str]) -> None:
        self.number, self.pieces = number, pieces
        self.type, self.kind, self.parts = _ITEMS[kind]
        self.about: dict[str, Any] = {"item_id": f"{kind}_{number}", "output_index": number}
        if self.parts:
            self.about[f"{self.parts}_index"] = 0

    def item(self, text: str | None) -> dict[str, Any]:
        """Return the item with its text; None has no part for it yet."""
        item: dict[str, Any] = {"id": self.about["item_id"], "type": self.type}
        if self.parts:
            return item | {self.parts: [] if text is None else [self.part(text)]}
        return item | {"name": "look_up", "arguments": text or ""}

    def part(self, text: str) -> dict[str, Any]:
        """Return its part with a text."""
        if self.kind == "output_text":
            return {"type": "output_text", "text": text, "annotations": []}
        return {"type": "summary_text", "text": text}

    @property
    def text(self) -> str:
        """All of its text."""
        return "".join(self.pieces)

    @property
    def begin(self) -> list[dict[str, Any]]:
        """The events before its text."""
        added = event("output_item.added", output_index=self.number, item=self.item(None))
        part = [event(f"{_PARTS[self.parts]}.added", **self.about, part=self.part(""))] if self.parts else []
        return [added, *part]

    @property
    def say(self) -> list[dict[str, Any]]:
        """The events of its text."""
        logprobs: dict[str, Any] = {"logprobs": []} if self.kind == "output_text" else {}
        return [event(f"{self.kind}.delta", **self.about, delta=piece, **logprobs) for piece in self.pieces]

    @property
    def end(self) -> list[dict[str, Any]]:
        """The events behind its text, which say it once more."""
        done = event(f"{self.kind}.done", **self.about, **{_MEMBERS[self.kind]: self.text})
        part = [event(f"{_PARTS[self.parts]}.done", **self.about, part=self.part(self.text))] if self.parts else []
        return [done, *part, event("output_item.done", output_index=self.number, item=self.item(self.text))]


# Type of the item, name of its text's events, and the list its parts stand in.
_ITEMS = {
    "text": ("message", "output_text", "content"),
    "reasoning": ("reasoning", "reasoning_summary_text", "summary"),
    "call": ("function_call", "function_call_arguments", ""),
    "server_call": ("mcp_call", "mcp_call_arguments", ""),
}
_PARTS = {"content": "content_part", "summary": "reasoning_summary_part"}
_MEMBERS = {
    "output_text": "text",
    "refusal": "refusal",
    "reasoning_text": "text",
    "reasoning_summary_text": "text",
    "function_call_arguments": "arguments",
    "mcp_call_arguments": "arguments",
}
TERMINATOR: list[bytes] = []


def event(name: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON value
    """Build an event."""
    return {"type": f"response.{name}", "sequence_number": 0, **members}


def numbered(events: list[dict[str, Any]]) -> list[bytes]:
    """Put events into frames, numbered in their order."""
    return [
        b"event: " + each["type"].encode() + b"\ndata: " + orjson.dumps(each | {"sequence_number": at}) + b"\n\n"
        for at, each in enumerate(events)
    ]


def begin(**members: Any) -> list[dict[str, Any]]:  # noqa: ANN401 the same
    """Build the events that begin a response."""
    begun = response(status="in_progress", **members)
    return [event("created", response=begun), event("in_progress", response=begun)]


def stream_of(parts: list[tuple[str, list[str]]], *, mixed: bool = False) -> list[bytes]:
    """Build a whole stream of items, each with its pieces; mixed, they grow in turns."""
    items = [Item(number, kind, pieces) for number, (kind, pieces) in enumerate(parts)]
    if mixed:
        events = [each for item in items for each in item.begin]
        events += [each for turn in zip_longest(*(item.say for item in items)) for each in turn if each]
        events += [each for item in items for each in item.end]
    else:
        events = [each for item in items for each in (*item.begin, *item.say, *item.end)]
    whole = response(*(item.item(item.text) for item in items))
    return numbered([*begin(), *events, event("completed", response=whole)])


def said(*pieces: str) -> list[bytes]:
    """Build a whole stream of one message."""
    return stream_of([("text", list(pieces))])


class Reading:
    """A stream as a strict client reads it: events numbered without a gap, and nothing said once more differently."""

    def __init__(self, data: bytes) -> None:
        self.events: list[dict[str, Any]] = []
        self.texts: dict[tuple[Any, ...], str] = {}
        assert data.endswith(b"\n\n"), "the last frame has no end"
        for frame in data.split(b"\n\n")[:-1]:
            lines = [line for line in frame.split(b"\n") if not line.startswith(b":")]
            if lines:
                self._take(lines)

    def _take(self, lines: list[bytes]) -> None:
        name, payload = lines
        document = orjson.loads(payload.removeprefix(b"data: "))
        kind = document["type"]
        assert name == b"event: " + kind.encode()
        assert document["sequence_number"] == len(self.events)
        self.events.append(document)
        stem, _, step = kind.removeprefix("response.").rpartition(".")
        place = (document.get("output_index"), document.get("content_index", document.get("summary_index")))
        if step == "delta" and stem in _MEMBERS:
            self.texts[*place, stem] = self.texts.get((*place, stem), "") + document["delta"]
        elif step == "done" and stem in _MEMBERS:
            assert document[_MEMBERS[stem]] == self.texts.get((*place, stem), "")
        elif kind == "response.content_part.done":
            assert document["part"].get("text", "") == self.texts.get((*place, "output_text"), "")
        elif kind == "response.output_item.done":
            self._compare(document["output_index"], document["item"])
        elif kind.count(".") == 1 and "response" in document:
            for number, item in enumerate(document["response"]["output"]):
                self._compare(number, item)

    def _compare(self, number: int, item: dict[str, Any]) -> None:
        for index, each in enumerate(item.get("content") or []):
            assert each["text"] == self.texts.get((number, index, each["type"]), "")
        for index, each in enumerate(item.get("summary") or []):
            assert each["text"] == self.texts.get((number, index, "reasoning_summary_text"), "")
        if "arguments" in item:
            assert item["arguments"] == self.texts.get((number, None, f"{item['type']}_arguments"), "")

    def part(self, number: int, kind: str) -> str:
        """Return the text of one item."""
        return self.texts.get((number, 0 if _ITEMS[kind][2] else None, _ITEMS[kind][1]), "")

    @property
    def visible(self) -> str:
        """What the messages say together."""
        return self.content()

    def content(self, name: str = "output_text") -> str:
        """Return what was said in all texts of a kind."""
        return "".join(text for place, text in self.texts.items() if place[-1] == name)

    @property
    def last(self) -> dict[str, Any]:
        """The last event."""
        return self.events[-1]


def read(data: bytes) -> Reading:
    """Read a whole stream, which must end its response."""
    reading = Reading(data)
    assert reading.last["type"] in {"response.completed", "response.incomplete", "response.failed", "error"}
    return reading
