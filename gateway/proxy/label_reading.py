"""`POST /v1/labels/read`: a file in, what its AI-content label says out.

No exchange: nothing is asked of a model, nothing of the file is kept, and no entry is made. Who asks needs a key and
has a rate all the same, since reading a file costs time.
"""

import re
import tempfile
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.errors import ANSWERS, ErrorCode, GatewayError, RequestError
from gateway.labelling.describing import describe
from gateway.labelling.formats import FileReading, read_file
from gateway.labelling.members import LabelError
from gateway.protocol.dialects.openai_chat_stream import error_shape
from gateway.proxy.bodies import ClientLeftError, read_body
from gateway.proxy.endpoint import authenticate, client_address, new_request_id
from gateway.proxy.services import Services

PATH = "/v1/labels/read"

_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
# Texts have no mark of their own to tell them by, only the end of a name.
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


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
            name = request.query_params.get("name", "")
            found = await services.document_thread.run(lambda: _read_bytes(body, name))
        except GatewayError as exc:
            # Only of the client's own faults: other messages may name what is ours.
            return _failed(exc.code, str(exc) if isinstance(exc, RequestError) else "", None, headers)
        except ClientLeftError:
            return Response(status_code=400)  # nobody is there to read it
        return JSONResponse(describe(found), headers=headers)

    return [Route(PATH, read, methods=_METHODS)]


def _failed(code: ErrorCode, detail: str, retry_after_seconds: int | None, headers: dict[str, str]) -> Response:
    answer = ANSWERS[code]
    wait = retry_after_seconds or answer.retry_after_seconds
    extra = {} if wait is None else {"retry-after": str(wait)}
    return JSONResponse(error_shape(code, detail or answer.message), answer.status, headers | extra)


def _read_bytes(body: bytes, name: str) -> FileReading:
    suffix = Path(name).suffix
    with tempfile.NamedTemporaryFile(suffix=suffix if _SUFFIX.fullmatch(suffix) else "") as file:
        file.write(body)
        file.flush()
        try:
            return read_file(Path(file.name))
        except LabelError as exc:
            message = "The file is of no format that labels are read from here; docs/labels.md lists those that are."
            raise GatewayError(message, ErrorCode.UNSUPPORTED_MEDIA_TYPE) from exc
