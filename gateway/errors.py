"""Errors a client can meet, and the one place where they become answers.

    GatewayError
    ├── RequestError         the client's fault: malformed, too large, no account
    ├── UpstreamError        the model server's fault: refused, reset, too slow, malformed
    └── ResourceError        ours: audit trail or store cannot take more

A blocked prompt is not an error but a decision. Messages say what was wrong and what to do; they never quote the
user's text, a path or a stack.
"""

from enum import StrEnum
from typing import NamedTuple


class ErrorCode(StrEnum):
    """Stable codes of the error shape; documented in ``docs/errors.md``."""

    NOT_JSON = "not_json"
    INVALID_REQUEST = "invalid_request"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    BODY_UNREADABLE = "body_unreadable"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_NOT_ALLOWED = "model_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    UNKNOWN_PATH = "unknown_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    TOO_MANY_UNKNOWN_KEYS = "too_many_unknown_keys"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_EXPIRED = "account_expired"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    ACCOUNT_SUSPENDED = "account_suspended"
    END_USER_SUSPENDED = "end_user_suspended"
    POLICY_UNKNOWN = "policy_unknown"
    RATE_LIMITED = "rate_limit_exceeded"
    CONTENT_FILTER = "content_filter"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_RESET = "upstream_reset"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_MALFORMED = "upstream_malformed"
    UPSTREAM_REFUSED = "upstream_refused"
    UPSTREAM_ERROR = "upstream_error"
    LABEL_IMPOSSIBLE = "label_impossible"
    LABEL_UNAVAILABLE = "label_unavailable"
    CLIENT_DISCONNECTED = "client_disconnected"
    SCAN_FAILED = "scan_failed"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    DRAINING = "draining"
    INTERNAL = "internal_error"


class Answer(NamedTuple):
    """What a client is told about an error.

    Attributes:
        status: HTTP status.
        message: what was wrong and what to do.
        retry_after_seconds: value of ``Retry-After``; None sends none.
    """

    status: int
    message: str
    retry_after_seconds: int | None = None


ANSWERS: dict[ErrorCode, Answer] = {
    ErrorCode.NOT_JSON: Answer(400, "The request body is not valid JSON in UTF-8. Send a JSON object."),
    ErrorCode.INVALID_REQUEST: Answer(400, "The request body does not have the shape this route expects."),
    ErrorCode.BODY_TOO_LARGE: Answer(413, "The request body is larger than this gateway takes. Send less."),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: Answer(
        415, "The content-type is not one this route takes. Send 'content-type: application/json', in UTF-8."
    ),
    ErrorCode.UNSUPPORTED_ENCODING: Answer(
        415, "The content-encoding is not one this gateway reads. Send gzip, deflate, br, zstd or none."
    ),
    ErrorCode.BODY_UNREADABLE: Answer(400, "The request body is not what its content-encoding says. Send it again."),
    ErrorCode.MODEL_NOT_FOUND: Answer(404, "No model of this name is served here. Ask the operator for the names."),
    ErrorCode.MODEL_NOT_ALLOWED: Answer(403, "This account may not ask for this model. Ask the operator."),
    ErrorCode.REQUEST_TIMEOUT: Answer(408, "The request body did not arrive in time. Send it again, or send less."),
    ErrorCode.UNKNOWN_PATH: Answer(404, "There is nothing at this path. See the documentation for the routes."),
    ErrorCode.METHOD_NOT_ALLOWED: Answer(405, "This route does not take this method."),
    ErrorCode.KEY_MISSING: Answer(401, "No API key was sent. Send 'Authorization: Bearer KEY' or 'x-api-key: KEY'."),
    ErrorCode.KEY_UNKNOWN: Answer(401, "The API key is not known here. Check it, or ask the operator for one."),
    ErrorCode.TOO_MANY_UNKNOWN_KEYS: Answer(
        429, "Too many requests without a known API key came from this address. Check the key, and wait.", 60
    ),
    ErrorCode.ACCOUNT_DISABLED: Answer(403, "This account is disabled. Ask the operator."),
    ErrorCode.ACCOUNT_EXPIRED: Answer(403, "This account or key has expired. Ask the operator for a new one."),
    ErrorCode.ADDRESS_NOT_ALLOWED: Answer(403, "This account may not be used from this address."),
    ErrorCode.ACCOUNT_SUSPENDED: Answer(403, "This account is suspended: blocked content was sent repeatedly."),
    ErrorCode.END_USER_SUSPENDED: Answer(403, "This end user is suspended: blocked content was sent repeatedly."),
    # The code that OpenAI's clients know; the detail says which limit.
    ErrorCode.RATE_LIMITED: Answer(429, "Too much was asked for in a short time. Wait, then try again.", 1),
    # Not 403: the operator's mistake, which the client can only wait out.
    ErrorCode.POLICY_UNKNOWN: Answer(503, "This account's policy is not configured here. Tell the operator.", 60),
    ErrorCode.CONTENT_FILTER: Answer(400, "The request was stopped by the content policy."),
    ErrorCode.UPSTREAM_UNREACHABLE: Answer(502, "The model server could not be reached. Try again shortly."),
    ErrorCode.UPSTREAM_RESET: Answer(502, "The model server ended the reply early. Try again."),
    ErrorCode.UPSTREAM_TIMEOUT: Answer(504, "The model server did not answer in time. Try again."),
    ErrorCode.UPSTREAM_MALFORMED: Answer(502, "The model server sent a reply that could not be understood."),
    # Not 401: the client would take its own key for refused, and change it.
    ErrorCode.UPSTREAM_REFUSED: Answer(502, "The model server refused the gateway's credentials. Tell the operator."),
    ErrorCode.UPSTREAM_ERROR: Answer(502, "The model server failed on this request. Try again."),
    # 502 and not 500: what the model server made is what takes no label.
    ErrorCode.LABEL_IMPOSSIBLE: Answer(
        502, "What the model made does not take the label of AI-generated content, so it is not passed on."
    ),
    ErrorCode.LABEL_UNAVAILABLE: Answer(503, "What the model made could not be labelled in time. Try again.", 5),
    # Recorded only: the one it would be told to is gone.
    ErrorCode.CLIENT_DISCONNECTED: Answer(499, "The client went away before the answer was complete."),
    ErrorCode.SCAN_FAILED: Answer(503, "The text could not be checked in time. Try again shortly.", 2),
    ErrorCode.AUDIT_UNAVAILABLE: Answer(503, "The gateway cannot record exchanges now. Try again shortly.", 5),
    ErrorCode.STORE_UNAVAILABLE: Answer(503, "The gateway cannot look up accounts now. Try again shortly.", 5),
    ErrorCode.DRAINING: Answer(503, "The gateway is stopping. Try again.", 1),
    ErrorCode.INTERNAL: Answer(500, "The gateway failed on this request. The operator can find it by its id."),
}


class GatewayError(Exception):
    """Base of what the gateway raises on purpose; carries the code that the client is told."""

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str = "", code: ErrorCode | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class RequestError(GatewayError):
    """The client sent something that cannot be served."""

    code = ErrorCode.INVALID_REQUEST


class UpstreamError(GatewayError):
    """The model server failed us; the code says how."""

    code = ErrorCode.UPSTREAM_UNREACHABLE


class ResourceError(GatewayError):
    """Something of our own cannot take more now."""

    code = ErrorCode.AUDIT_UNAVAILABLE
