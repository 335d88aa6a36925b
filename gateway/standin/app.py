"""The stand-in model as a plain ASGI application.

Rules: nothing is computed between two frames; a paced reply costs one timer and one send per frame; a client that
leaves ends its reply at once; scripts of small requests are kept, so a benchmark that repeats a request pays for it
once.
"""

import asyncio
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from gateway.standin.forms import FORMS
from gateway.standin.script import DEFAULT_TOKENS_PER_SECOND, Ending, Script, compose_count, compose_form, json_script
from gateway.standin.wire import MODEL, error_body, model_body, models_body

# Four times the gateway's default, so that the gateway's limit is the one that is met first.
BODY_LIMIT_BYTES = 32 * 1024 * 1024
# 256 requests of up to 4 KiB with replies of up to 256 KiB: 65 MiB at most.
_KEPT_SCRIPTS = 256
_KEPT_REQUEST_BYTES = 4 * 1024
_KEPT_REPLY_BYTES = 256 * 1024

_COUNT_PATH = "/v1/messages/count_tokens"
# The health page is for those who wait for the start, such as a container's probe.
_PAGES = {
    "/v1/models": json_script(200, models_body()),
    f"/v1/models/{MODEL}": json_script(200, model_body()),
    "/healthz": json_script(200, b'{"status":"ok"}'),
}
_METHODS = dict.fromkeys((*FORMS, _COUNT_PATH), "POST") | dict.fromkeys(_PAGES, "GET")
_UNKNOWN_PATH = json_script(404, error_body(404, f"The stand-in serves {', '.join(_METHODS)}."))
_WRONG_METHOD = json_script(405, error_body(405, "This path does not take this method."))
_TOO_LARGE = json_script(413, error_body(413, f"The stand-in reads bodies of up to {BODY_LIMIT_BYTES} bytes."))


class StandIn:
    """A server of the OpenAI and Anthropic wire formats that answers from scripts.

    Args:
        tokens_per_second: pace of replies whose prompt does not set one; 0 answers at once.
    """

    def __init__(self, tokens_per_second: float = DEFAULT_TOKENS_PER_SECOND) -> None:
        self._tokens_per_second = tokens_per_second
        self._scripts: dict[tuple[str, bytes], Script] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of scope need nothing."""
        if scope["type"] != "http":
            return
        script = await self._choose(scope["method"], scope["path"], receive)
        if script.token_seconds == 0 and script.ending in {Ending.COMPLETE, Ending.RESET}:
            await _play(script, send)  # nothing to wait for, so no need to watch for the client's leaving
        else:
            await _play_while_connected(script, receive, send)

    async def _choose(self, method: str, path: str, receive: Receive) -> Script:
        """Find the script for a request."""
        # Before the body is read: a wrong address should not cost an upload.
        if path not in _METHODS:
            return _UNKNOWN_PATH
        if method != _METHODS[path]:
            return _WRONG_METHOD
        if path in _PAGES:
            return _PAGES[path]
        body = await _read_body(receive)
        return _TOO_LARGE if body is None else self._script(path, body)

    def _script(self, path: str, body: bytes) -> Script:
        """Return the script for a request, the kept one where there is one."""
        script = self._scripts.get((path, body))
        if script is None:
            form = FORMS.get(path)
            script = compose_form(body, self._tokens_per_second, form) if form else compose_count(body)
            # Larger ones are made anew each time, because a cache without this bound could take gigabytes.
            small = len(body) <= _KEPT_REQUEST_BYTES and script.size_bytes <= _KEPT_REPLY_BYTES
            if small and len(self._scripts) < _KEPT_SCRIPTS:
                self._scripts[path, body] = script
        return script


async def _read_body(receive: Receive) -> bytes | None:
    """Read a request's body; None when it is larger than the limit."""
    chunks: list[bytes] = []
    size = 0
    more = True
    # Ends one message behind the limit, so a length that is wrong or not announced cannot fill the memory.
    while more and size <= BODY_LIMIT_BYTES:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
    return b"".join(chunks) if size <= BODY_LIMIT_BYTES else None


async def _play_while_connected(script: Script, receive: Receive, send: Send) -> None:
    """Play a script until its end or until the client leaves, whichever is first."""
    player = asyncio.ensure_future(_play(script, send))
    # The body was read to its end, so the next message can only be the client's leaving.
    leaving = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({player, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Both, since nobody else knows of them: one left over would wait for a connection that is gone.
        leaving.cancel()
        player.cancel()
    with suppress(asyncio.CancelledError):
        await player  # raises what went wrong in it, so that a fault is seen


async def _play(script: Script, send: Send) -> None:
    """Send a script's steps, each when it is due."""
    if script.ending is Ending.SILENCE:
        await asyncio.Event().wait()
    clock = asyncio.get_running_loop().time
    started = clock()
    await send({"type": "http.response.start", "status": script.status, "headers": _headers(script)})
    for step in script.steps:
        # Due times count from the start, so that delays of the machine do not add up.
        delay = started + step.after_tokens * script.token_seconds - clock()
        if delay > 0:
            await asyncio.sleep(delay)
        await send({"type": "http.response.body", "body": step.data, "more_body": True})
    # An event that is never set costs nothing; the gateway's idle timeout is what should end this.
    if script.ending is Ending.STALL:
        await asyncio.Event().wait()
    if script.ending is Ending.COMPLETE:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    # A reset returns with the body unfinished: the server then closes the connection without the last chunk.


def _headers(script: Script) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", script.content_type)]
    if script.content_length is not None:
        headers.append((b"content-length", b"%d" % script.content_length))
    return headers
