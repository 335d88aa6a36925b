"""`POST /v1/labels/read`: a file in, what its AI-content label says out, and if asked the file with our members.

With ``propagate_id`` the answer holds the file as it is passed on (Labelling Measures Art. 6), in base64, since an
answer is JSON. No exchange: nothing is asked of a model, nothing of the file is kept, and no entry is made. Who asks
needs a key and has a rate all the same, since reading a file costs time.
"""

import base64
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.errors import ANSWERS, ErrorCode, GatewayError, RequestError
from gateway.labelling.describing import describe
from gateway.labelling.formats import propagate_label, read_file
from gateway.labelling.members import LabelError
from gateway.labelling.propagation import Knowledge
from gateway.protocol.dialects.openai_chat_stream import error_shape
from gateway.proxy.bodies import ClientLeftError, read_body
from gateway.proxy.endpoint import authenticate, client_address, new_request_id
from gateway.proxy.services import Services

PATH = "/v1/labels/read"

_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
# Texts have no mark of their own to tell them by, only the end of a name.
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_SWITCHES = {"": False, "false": False, "0": False, "true": True, "1": True}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query asks for.

    Attributes:
        suffix: end of the file's name; empty without one.
        knowledge: what the platform knows of the content besides its metadata.
        propagator: code or name that is written.
        propagate_id: number of the content; None writes nothing.
    """

    suffix: str
    knowledge: Knowledge
    propagator: str
    propagate_id: str | None


def _asked(query: Mapping[str, str], propagator: str) -> _Asked:
    suffix = Path(query.get("name", "")).suffix
    knowledge = Knowledge(declared=_switch(query, "declared"), traces=_switch(query, "traces"))
    return _Asked(suffix if _SUFFIX.fullmatch(suffix) else "", knowledge, propagator, query.get("propagate_id"))


def _switch(query: Mapping[str, str], name: str) -> bool:
    value = _SWITCHES.get(query.get(name, "").lower())
    if value is None:
        raise RequestError(f"{name} is neither true nor false", ErrorCode.INVALID_REQUEST)
    return value


def label_routes(services: Services) -> list[Route]:
    """Return the route.

    Args:
        services: the parts that serve.
    """

    async def read(request: Request) -> Response:
        at_us = time.time_ns() // 1000
        headers = {"x-request-id": new_request_id(at_us), "cache-control": "no-store"}
        headers |= {
            str(name, "ascii"): str(value, "ascii") for name, value in services.cors.headers(request.headers.raw)
        }
        if request.method == "OPTIONS":
            # Browsers ask it without a key.
            allowed = services.cors.preflight(request.headers.raw, b"POST, OPTIONS")
            headers |= {str(name, "ascii"): str(value, "latin-1") for name, value in allowed}
            return Response(status_code=204, headers=headers | {"allow": "POST, OPTIONS"})
        if request.method != "POST":
            headers["allow"] = "POST, OPTIONS"  # RFC 9110 section 15.5.6
            return _failed(ErrorCode.METHOD_NOT_ALLOWED, "", None, headers)
        try:
            scope = dict(request.scope)
            account = await authenticate(services, scope, client_address(scope, services), at_us)
            # Before the body: what it costs to read is what the limit protects.
            entered = services.admission.enter(account, at_us)
            if entered is not None and (refused := entered.refusal) is not None:
                return _failed(refused.code, refused.detail, refused.retry_after_seconds, headers)
            body = await read_body(request.headers.raw, request.receive, services, is_json=False)
            asked = _asked(request.query_params, services.labelling.producer)
            answer = await services.document_thread.run(lambda: _answer(body, asked))
        except GatewayError as exc:
            # Only of the client's own faults: other messages may name what is ours.
            return _failed(exc.code, str(exc) if isinstance(exc, RequestError) else "", None, headers)
        except ClientLeftError:
            return Response(status_code=400)  # nobody is there to read it
        return JSONResponse(answer, headers=headers)

    return [Route(PATH, read, methods=_METHODS)]


def _failed(code: ErrorCode, detail: str, retry_after_seconds: int | None, headers: dict[str, str]) -> Response:
    answer = ANSWERS[code]
    wait = retry_after_seconds or answer.retry_after_seconds
    extra = {} if wait is None else {"retry-after": str(wait)}
    return JSONResponse(error_shape(code, detail or answer.message), answer.status, headers | extra)


def _answer(body: bytes, asked: _Asked) -> dict[str, Any]:
    # A folder of its own: what is written gets its name beside the file.
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in" + asked.suffix), Path(folder, "out" + asked.suffix)
        source.write_bytes(body)
        try:
            answer = describe(read_file(source), asked.knowledge)
        except LabelError as exc:
            message = "The file is of no format that labels are read from here; docs/labels.md lists those that are."
            raise RequestError(message, ErrorCode.UNSUPPORTED_MEDIA_TYPE) from exc
        if asked.propagate_id is None:
            return answer
        try:
            propagate_label(source, target, asked.propagator, asked.propagate_id, asked.knowledge)
        except LabelError as exc:
            raise RequestError(f"the file cannot be passed on: {exc}", ErrorCode.INVALID_REQUEST) from exc
        # Read anew: a manifest that does not fit any more is told, too.
        passed = describe(read_file(target)) | {"file": base64.b64encode(target.read_bytes()).decode("ascii")}
        return answer | {"propagated": passed}
