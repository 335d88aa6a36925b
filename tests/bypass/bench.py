"""A gateway between a client that may send anything and a model server that may answer anything.

`Bench.send` and `Bench.answered` put one exchange through; `shows` says whether a term can be read out of bytes in
any of the ways a reader might: as they stand, with JSON escapes undone, or joined from the pieces of a stream.
"""

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from gateway.protocol.record import ExchangeRecord
from tests import gateways
from tests.gateways import CHAT, MODEL, Gateway, gateway, scripted, whole_answer
from tests.raw_server import Do, Step

TERM, WIDE_TERM, NUMBER_TERM, MASKED_TERM = "forbidden", "禁词", "19890604123", "mild"
_HEADER = "term,kind,risk,severity,action,phase,languages,folds_off,source,licence,note,expires"
_LIST = [f"{term},literal,A.1.f,high,block,both,,,test,test,," for term in (TERM, WIDE_TERM, NUMBER_TERM)]
_LIST.append(f"{MASKED_TERM},literal,A.1.f,low,mask,both,,,test,test,,")
_REQUEST_ID = re.compile(rb"\r\nx-request-id: ([0-9a-f]{12})[0-9a-f]{20}\r\n")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
STREAM = b"text/event-stream"


@dataclass
class Seen:
    """What came of one exchange.

    Attributes:
        response: what the client got.
        model: every byte the model server got.
        record: the entry made of it.
    """

    response: httpx.Response
    model: bytes
    record: ExchangeRecord

    @property
    def outcome(self) -> str:
        """The error's code, or the decision."""
        return self.record.error or self.record.decision


@dataclass
class Bench:
    """The gateway and its model server.

    Attributes:
        gateway: the gateway.
        script: what the model server does with each connection; the answer is its second step.
        requests: what it was asked, each request whole.
    """

    gateway: Gateway
    script: list[Step]
    requests: list[bytes]

    def send(self, body: object, headers: Mapping[str, str] | None = None, path: str = CHAT) -> Seen:
        """Send a request, which the model server would answer well."""
        return self._exchange(FINE, body, path, headers or {})

    def answered(self, raw: bytes, *, stream: bool, path: str = CHAT, body: object = None) -> Seen:
        """Send a harmless request; the model server answers with these bytes of HTTP."""
        # Members of all wire formats: each takes its own, and the model server here takes any.
        said = [{"role": "user", "content": "hello"}]
        asked = body or {"model": MODEL, "messages": said, "input": said, "max_tokens": 9, "stream": stream}
        return self._exchange(raw, asked, path, {})

    def raw(self, data: bytes, *, leave: bool = False) -> tuple[bytes, bytes]:
        """Send bytes of HTTP; return what came back until the gateway closed, and what the model server got.

        Args:
            data: the bytes; the last request in them asks for the connection's end, or cannot be one.
            leave: close this side behind them, which ends what is under way.
        """
        self.script[1] = FINE
        before, began_ms = len(self.requests), time.time_ns() // 1_000_000
        address = self.gateway.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=30) as client:
            client.sendall(data)
            if leave:
                client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(65536), b""))
        # What another test left half-way may reach the model server only now; ids begin with their time.
        mine = [each for each in self.requests[before:] if _asked_at_ms(each) >= began_ms]
        return received, b"".join(mine)

    def head(self, *lines: str, path: str = CHAT) -> bytes:
        """Return the head of a request with an account's key."""
        own = [f"POST {path} HTTP/1.1", "host: localhost", *lines]
        own += [f"{name}: {value}" for name, value in self.gateway.headers().items()]
        return "\r\n".join([*own, "", ""]).encode()

    def _exchange(self, answer: bytes, body: object, path: str, headers: Mapping[str, str]) -> Seen:
        self.script[1] = answer
        before = len(self.requests)
        response = self.gateway.post(body, path=path, headers=self.gateway.headers() | dict(headers))
        record = self.gateway.record(response.headers["x-request-id"])
        return Seen(response, b"".join(self.requests[before:]), record)


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Run a bench while the block runs."""
    lists = folder / "lists"
    lists.mkdir()
    (lists / "A.1.f.csv").write_text("\n".join([_HEADER, *_LIST, ""]), "utf-8")
    script: list[Step] = [Do.READ_REQUEST, b"", Do.CLOSE]
    settings: dict[str, Any] = {"lists": {"directories": [str(lists)]}, "labels": {"position": "interface"}}
    with scripted(script) as server, gateway(folder, server.url, settings) as running:
        yield Bench(running, script, server.server.requests)


def chat_body(*messages: Any, **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Return the body of a chat request; a message that is no object is the content of one by the user."""
    said = [each if isinstance(each, dict) else {"role": "user", "content": each} for each in messages]
    return orjson.dumps({"model": MODEL, "messages": said or [{"role": "user", "content": "hello"}]} | members)


def reply(body: bytes, *, status: bytes = b"200 OK", content_type: bytes = b"application/json") -> bytes:
    """Return a whole reply of a server that closes behind it: the next exchange needs a connection of its own."""
    return gateways.reply(body, status=status + b"\r\nconnection: close", content_type=content_type)


FINE = reply(whole_answer("a fine answer"))


def stream_reply(body: bytes, content_type: bytes = STREAM) -> bytes:
    """Return a streamed reply whose body ends with the connection."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\n\r\n%b" % (content_type, body)


def frame(document: object) -> bytes:
    """Return a frame of a stream."""
    return b"data: " + orjson.dumps(document) + b"\n\n"


def delta(index: int = 0, **members: Any) -> bytes:  # noqa: ANN401 the same
    """Return a frame whose one choice has this delta."""
    return frame({"id": "c", "model": "m", "choices": [{"index": index, "delta": members, "finish_reason": None}]})


def choice(**members: Any) -> bytes:  # noqa: ANN401 the same
    """Return a frame whose one choice has these members."""
    return frame({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "ok"}} | members]})


def shows(data: bytes) -> list[str]:
    """Return the terms that can be read out of bytes."""
    return spelled([data.decode("utf-8", "replace"), *_joined(data)])


def spelled(texts: list[str]) -> list[str]:
    """Return the terms that can be read out of texts, also with JSON escapes in them."""
    readings = texts
    for _ in range(3):
        undone = [_ESCAPED.sub(lambda code: chr(int(code[1], 16)), each) for each in readings if "\\u" in each]
        readings = list(dict.fromkeys([*readings, *undone]))
    return sorted({term for term in (TERM, WIDE_TERM, NUMBER_TERM) for each in readings if term in each.lower()})


def documents_of(data: bytes) -> list[Any]:
    """Return the documents of a stream, or the one document that it is."""
    documents = []
    for line in re.split(rb"\r\n|\r|\n", data):
        try:
            documents.append(json.loads(line.removeprefix(b"data:").decode("utf-8", "replace")))
        except ValueError:
            continue
    return documents


def _asked_at_ms(request: bytes) -> int:
    """Return when the gateway took up the exchange behind a request to the model server; one without an id is new."""
    found = _REQUEST_ID.search(request)
    return int(found[1], 16) if found else time.time_ns() // 1_000_000


def _joined(data: bytes) -> list[str]:
    """Join the pieces of a stream by the path they stand at."""
    texts: dict[tuple[object, ...], str] = {}
    for document in documents_of(data):
        _walk(document, (), texts)
    return list(texts.values())


def _walk(node: object, path: tuple[object, ...], texts: dict[tuple[object, ...], str]) -> None:
    if isinstance(node, str):
        texts[path] = texts.get(path, "") + node
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        # Elements that number themselves go by that number, wherever they stand.
        index = value.get("index") if isinstance(value, dict) else None
        _walk(value, (*path, index if isinstance(index, int) else key), texts)
