"""What the client is sent."""

import orjson
import pytest

from gateway.errors import ANSWERS, ErrorCode
from gateway.protocol.answers import AnswerBuilder
from gateway.protocol.commands import SendEnd, SendStart
from gateway.protocol.judge import Judge
from gateway.protocol.policy import Policy, RefusalStyle, RiskPolicy
from gateway.protocol.refusals import NOTICES, REFUSALS
from tests.gateway.protocol.playbook import RISK, ask, chunk, given, read, request, stream


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_has_its_status_and_shape(code: ErrorCode) -> None:
    """One shape, a stable code, the id of the exchange; ``Retry-After`` where trying again helps."""
    context = given()
    start, end = AnswerBuilder(context, Judge(context.standing.policy, observe=False)).error(code, "'x' is missing.")
    assert isinstance(start, SendStart)
    assert isinstance(end, SendEnd)
    headers = dict(start.headers)
    assert start.status == ANSWERS[code].status
    assert (headers.get(b"retry-after") is not None) == (ANSWERS[code].retry_after_seconds is not None)
    assert headers[b"content-length"] == str(len(end.data)).encode()
    error = orjson.loads(end.data)["error"]
    assert error["code"] == code
    assert error["message"].endswith("'x' is missing.")


@pytest.mark.parametrize(("text", "language"), [("forbidden 吗", "zh"), ("forbidden", "en")])
@pytest.mark.parametrize("own", [{}, {"zh": "不行。", "en": "No."}])
def test_a_refusal_speaks_the_language_of_the_prompt(text: str, language: str, own: dict[str, str]) -> None:
    """The policy's answer for the risk goes before the built-in one; streamed and whole say the same."""
    context = given(["forbidden"], policy=Policy(risks={RISK: RiskPolicy(answers=own)}))
    expected = own.get(language) or REFUSALS[language][-1][1]
    whole = ask(context, request(text, stream=False))
    assert whole.document["choices"][0]["message"]["content"] == expected
    assert whole.document["choices"][0]["finish_reason"] == "content_filter"
    streamed = stream(context, [], request(text))
    reading = read(streamed.body)
    assert reading.content() == expected
    assert reading.last["choices"][0]["finish_reason"] == "content_filter"
    assert reading.last["sluice"] == whole.document["sluice"]
    assert dict(streamed.start.headers)[b"content-type"].startswith(b"text/event-stream")
    assert (whole.start.status, streamed.start.status) == (200, 200)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_refusal_in_the_error_style_is_an_error(streamed: bool) -> None:  # noqa: FBT001 a parameter
    """Status 400 with the stable code, streamed or not."""
    context = given(["forbidden"], policy=Policy(refusal=RefusalStyle.ERROR))
    outcome = ask(context, request("forbidden", stream=streamed))
    assert outcome.start.status == outcome.record.status == 400
    assert outcome.document["error"]["code"] == "content_filter"
    assert outcome.document["sluice"]["risks"] == [RISK]


@pytest.mark.parametrize(("text", "language"), [("你好", "zh"), ("hi", "en")])
def test_a_notice_speaks_the_language_of_the_prompt(text: str, language: str) -> None:
    """It stands apart from what was shown, and alone where nothing was."""
    context = given(["forbidden"])
    notice = NOTICES[language][-1][1]
    shown = stream(context, [chunk("well forbidden")], request(text))
    assert read(shown.body).content().startswith(f"well \n\n{notice}\n\n")
    assert read(shown.body).last["aigc"]["ProduceID"] == "req-1"
    nothing = stream(context, [chunk("forbidden")], request(text))
    assert read(nothing.body).content() == notice
    assert "aigc" not in read(nothing.body).last


def test_heads_say_what_was_decided() -> None:
    """Request id, decision, ruleset; generated content carries its label in the head as well."""
    context = given(flags=["hi"])
    for outcome in (ask(context, request(stream=False)), stream(context, [chunk("x")])):
        headers = dict(outcome.start.headers)
        assert headers[b"x-request-id"] == b"req-1"
        assert headers[b"x-sluice-decision"] == b"flag"
        assert orjson.loads(headers[b"x-aigc-label"])["Label"] == "1"
    assert b"x-aigc-label" not in dict(ask(given(["hi"]), request(stream=False)).start.headers)
