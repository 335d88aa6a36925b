"""OpenAI Responses: what a client asks, what a model says, and a strict reader of its streams."""

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


def responses(*args: Any, **members: Any) -> ExchangeContext:  # noqa: ANN401 as `given`
    """Build a context of this format."""
    return given(*args, dialect=OpenAIResponses(), **members)


def request(content: Any = "hi", *, stream: object = True, **members: Any) -> bytes:  # noqa: ANN401 any JSON value
    """Build a request body with one user message."""
    return orjson.dumps({"model": "m", "stream": stream, "input": content} | members)


def response(*items: Any, status: str = "completed", **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Build a response."""
    body = {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m"}
    return body | {"output": list(items), "tools": [], "instructions": None} | members


def message(*texts: str, number: int = 0, status: str = "completed") -> dict[str, Any]:
    """Build a message with a part for each text."""
    parts = [part(each) for each in texts]
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": status, "content": parts}


def part(text: str = "") -> dict[str, Any]:
    """Build a part of a message."""
    return {"type": "output_text", "text": text, "annotations": []}


class Model:
    """Writes a stream: numbers its events and remembers what it has said."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.items: list[dict[str, Any]] = []
        self.text = ""

    def event(self, kind: str, **members: Any) -> "Model":  # noqa: ANN401 any JSON value
        """Add an event."""
        document = {"type": kind, "sequence_number": len(self.frames), **members}
        self.frames.append(b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n")
        return self

    def begin(self, **members: Any) -> "Model":  # noqa: ANN401 the same
        """Begin the response."""
        begun = response(status="in_progress", **members)
        return self.event("response.created", response=begun).event("response.in_progress", response=begun)

    def begin_message(self) -> "Model":
        """Begin a message with one part."""
        number = len(self.items)
        self.text = ""
        self.event(
            "response.output_item.added", output_index=number, item=message(number=number, status="in_progress")
        )
        return self.event("response.content_part.added", **self.place, part=part())

    @property
    def place(self) -> dict[str, Any]:
        """Where the part is that is being written."""
        return {"item_id": f"msg_{len(self.items)}", "output_index": len(self.items), "content_index": 0}

    def say(self, *pieces: str, **members: Any) -> "Model":  # noqa: ANN401 the same
        """Add pieces to the part."""
        for piece in pieces:
            self.text += piece
            self.event("response.output_text.delta", **self.place, delta=piece, **({"logprobs": []} | members))
        return self

    def end_message(self, **members: Any) -> "Model":  # noqa: ANN401 the same
        """End the part and its message; each event says all of it once more."""
        self.event("response.output_text.done", **self.place, text=self.text, **({"logprobs": []} | members))
        self.event("response.content_part.done", **self.place, part=part(self.text))
        item = message(self.text, number=len(self.items))
        return self.end_item(item)

    def end_item(self, item: dict[str, Any]) -> "Model":
        """End an item."""
        self.event("response.output_item.done", output_index=len(self.items), item=item)
        self.items.append(item)
        return self

    def call(self, *pieces: str, kind: str = "function_call") -> "Model":
        """Call a tool."""
        number, name = len(self.items), {"function_call": "function_call", "mcp_call": "mcp_call"}[kind]
        item = {"id": f"fc_{number}", "type": kind, "call_id": f"call_{number}", "name": "look_up", "arguments": ""}
        self.event("response.output_item.added", output_index=number, item=item)
        about = {"item_id": item["id"], "output_index": number}
        for piece in pieces:
            self.event(f"response.{name}_arguments.delta", **about, delta=piece)
        self.event(f"response.{name}_arguments.done", **about, arguments="".join(pieces))
        return self.end_item(item | {"arguments": "".join(pieces)})

    def reason(self, *pieces: str) -> "Model":
        """Reason aloud."""
        number, whole = len(self.items), "".join(pieces)
        item: dict[str, Any] = {"id": f"rs_{number}", "type": "reasoning", "summary": []}
        self.event("response.output_item.added", output_index=number, item=item)
        about = {"item_id": item["id"], "output_index": number, "summary_index": 0}
        self.event("response.reasoning_summary_part.added", **about, part={"type": "summary_text", "text": ""})
        for piece in pieces:
            self.event("response.reasoning_summary_text.delta", **about, delta=piece)
        self.event("response.reasoning_summary_text.done", **about, text=whole)
        summary = {"type": "summary_text", "text": whole}
        self.event("response.reasoning_summary_part.done", **about, part=summary)
        return self.end_item(item | {"summary": [summary]})

    def end(self, **members: Any) -> list[bytes]:  # noqa: ANN401 the same
        """End the response; return the frames."""
        return self.event("response.completed", response=response(*self.items, **members)).frames


def said(*pieces: str) -> list[bytes]:
    """Build a whole stream of one message."""
    return Model().begin().begin_message().say(*pieces).end_message().end()


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
        if step == "delta" and stem in _TEXTS | _CALLS:
            self.texts[*place, stem] = self.texts.get((*place, stem), "") + document["delta"]
        elif step == "done" and stem in _TEXTS | _CALLS:
            assert document[(_TEXTS | _CALLS)[stem]] == self.texts.get((*place, stem), "")
        elif kind == "response.content_part.done":
            assert document["part"].get("text", "") == self.texts.get((*place, "output_text"), "")
        elif kind == "response.output_item.done":
            self._compare(document["output_index"], document["item"])
        elif step == "" and "response" in document:
            for number, item in enumerate(document["response"]["output"]):
                self._compare(number, item)

    def _compare(self, number: int, item: dict[str, Any]) -> None:
        for index, each in enumerate(item.get("content") or []):
            assert each["text"] == self.texts.get((number, index, each["type"]), "")
        for index, each in enumerate(item.get("summary") or []):
            assert each["text"] == self.texts.get((number, index, "reasoning_summary_text"), "")
        if "arguments" in item:
            names = [stem for stem in _CALLS if stem.startswith(item["type"])]
            assert item["arguments"] == self.texts.get((number, None, names[0]), "")

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
