"""`docs/errors.md`, rendered from `gateway.errors`: what the client reads and what the operator does about it."""

from gateway.errors import ANSWERS, ErrorCode

HEAD = """\
# Errors

<!-- Rendered by `make docs` from gateway/errors.py and gateway/error_reference.py; change those, not this page. -->

An error has a stable `code` in the error shape of the wire format the client speaks. The message says what was wrong
and what to do; it never quotes the user's text, a path or a stack. Every answer carries `x-request-id`, by which the
operator finds the exchange in the log and the audit trail.

| code | status | `Retry-After` | the client reads | what the operator does |
|---|---|---|---|---|
"""

# Kept from the messages in gateway.errors: a client should not read how the operator's machine is set up.
FOR_OPERATORS: dict[ErrorCode, str] = {
    ErrorCode.NOT_JSON: "Nothing; the client's program sends something else than JSON.",
    ErrorCode.INVALID_REQUEST: "Nothing, unless a client that works elsewhere meets it: then report the wire format.",
    ErrorCode.BODY_TOO_LARGE: "Raise `server.body_limit_bytes` when such requests are legitimate.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "Nothing; the client must say that it sends JSON, and send it in UTF-8.",
    ErrorCode.UNSUPPORTED_ENCODING: "Nothing; the client compresses in a way that is not read here.",
    ErrorCode.BODY_UNREADABLE: "Nothing, unless a proxy in front changes bodies.",
    ErrorCode.MODEL_NOT_FOUND: "Add the name to `models` of an upstream that speaks this wire format.",
    ErrorCode.MODEL_NOT_ALLOWED: "Add the model to the account's own, when it may ask for it.",
    ErrorCode.REQUEST_TIMEOUT: "Look at the network between client and gateway; a body has one minute to arrive.",
    ErrorCode.UNKNOWN_PATH: "Check the base URL given to clients; what is not scanned is not forwarded.",
    ErrorCode.METHOD_NOT_ALLOWED: "Nothing; the client calls the route with the wrong method.",
    ErrorCode.KEY_MISSING: "Give the client a key: `sluice accounts create`.",
    ErrorCode.KEY_UNKNOWN: "Compare with `sluice accounts list`; a lost key is replaced, not recovered.",
    ErrorCode.TOO_MANY_UNKNOWN_KEYS: "Find the client: it guesses, or has a wrong key. Where all clients share an"
    " address, set `server.trusted_proxies`; else raise `server.unknown_keys_per_minute`.",
    ErrorCode.ACCOUNT_DISABLED: "Enable the account again when the reason is gone.",
    ErrorCode.ACCOUNT_EXPIRED: "Create a new account or key with a later expiry.",
    ErrorCode.ADDRESS_NOT_ALLOWED: "Check the account's allowed networks and `server.trusted_proxies`.",
    ErrorCode.ACCOUNT_SUSPENDED: "Look at `sluice strikes history`; lift a suspension that is wrong, see"
    " [strikes.md](strikes.md).",
    ErrorCode.END_USER_SUSPENDED: "The same; the account's other end users are served.",
    ErrorCode.POLICY_UNKNOWN: "Add the account's policy to `[policies]`, or give the account another one.",
    ErrorCode.RATE_LIMITED: "Raise the number under `[limits]` when the use is legitimate.",
    ErrorCode.CONTENT_FILTER: "Nothing; the policy did what it says. A false block is seen in the audit entry.",
    ErrorCode.UPSTREAM_UNREACHABLE: "Check that the model server runs and that `base_url` of the upstream is right.",
    ErrorCode.UPSTREAM_RESET: "Look into the model server's log at that time.",
    ErrorCode.UPSTREAM_TIMEOUT: "Look at its load; raise `first_byte_seconds`, `idle_seconds` or `total_seconds`.",
    ErrorCode.UPSTREAM_MALFORMED: "Check that `base_url` leads to an API of that wire format, not to a web page.",
    ErrorCode.UPSTREAM_REFUSED: "Check the upstream's API key: `api_key_env` or `api_key_file`.",
    ErrorCode.UPSTREAM_ERROR: "Look into the model server's log at that time.",
    ErrorCode.LABEL_IMPOSSIBLE: "The log says why (`file_not_labelled`), the audit entry what (`lack`); see"
    " [labels.md](labels.md#what-takes-no-label). `file_labels` of the policy decides whether such files pass.",
    ErrorCode.LABEL_UNAVAILABLE: "Look at the gateway's load; `file_labels` of the policy decides as well.",
    ErrorCode.CLIENT_DISCONNECTED: "Nothing; it stands in the audit trail only.",
    ErrorCode.SCAN_FAILED: "Look at the gateway's load; `fail_mode` decides whether such text passes or not.",
    ErrorCode.AUDIT_UNAVAILABLE: "Free space on the disk of `audit.directory` and check its permissions.",
    ErrorCode.STORE_UNAVAILABLE: "Check the database of `store.url`.",
    ErrorCode.DRAINING: "Nothing; the gateway is being stopped and finishes what is under way.",
    ErrorCode.INTERNAL: "Find the request id in the log and report what stands there.",
}


def render_errors() -> str:
    """Return the page."""
    # Over the enumeration: a new code without advice fails here, before a page can lack it.
    return HEAD + "".join(_row(code) for code in ErrorCode)


def _row(code: ErrorCode) -> str:
    answer = ANSWERS[code]
    wait = "" if answer.retry_after_seconds is None else f"{answer.retry_after_seconds} s"
    return f"| `{code}` | {answer.status} | {wait} | {answer.message} | {FOR_OPERATORS[code]} |\n"
