"""The table of errors."""

import pytest

from gateway.errors import ANSWERS, ErrorCode, GatewayError, RequestError, ResourceError, UpstreamError


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_an_answer(code: ErrorCode) -> None:
    """A status of an error, and a message of whole sentences without anything of the machine."""
    answer = ANSWERS[code]
    assert 400 <= answer.status < 600
    assert answer.message.endswith(".")
    assert "/v" not in answer.message
    assert "Traceback" not in answer.message


@pytest.mark.parametrize("code", [code for code in ErrorCode if ANSWERS[code].status == 503])
def test_what_passes_says_when_to_try_again(code: ErrorCode) -> None:
    """Every 503 has `Retry-After`."""
    assert ANSWERS[code].retry_after_seconds


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (GatewayError, ErrorCode.INTERNAL),
        (RequestError, ErrorCode.INVALID_REQUEST),
        (UpstreamError, ErrorCode.UPSTREAM_UNREACHABLE),
        (ResourceError, ErrorCode.AUDIT_UNAVAILABLE),
    ],
)
def test_an_error_has_the_code_of_its_kind_or_its_own(kind: type[GatewayError], code: ErrorCode) -> None:
    """Who raises may be more exact; the class is left as it is."""
    assert kind("why").code is code
    assert kind("why", ErrorCode.DRAINING).code is ErrorCode.DRAINING
    assert kind().code is code
