"""Text completions: prompts of every form, and whole replies."""

from typing import Any

import orjson
import pytest

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.events import Event, RequestReceived, UpstreamData, UpstreamFinished, UpstreamStarted
from gateway.protocol.labels import Position
from tests.gateway.protocol.playbook import LABEL, Outcome, given, run


def request(prompt: Any = "hi", **members: Any) -> bytes:  # noqa: ANN401 any JSON
    """Build a request body."""
    return orjson.dumps({"model": "m", "prompt": prompt, **members})


def completed(*choices: Any, body: bytes = b"", **context: Any) -> Outcome:  # noqa: ANN401 the same
    """Run an exchange whose reply has these choices."""
    own = {"keywords": ["forbidden"], "masks": ["insult"], "position": Position.INTERFACE} | context
    reply = orjson.dumps({"id": "cmpl-1", "object": "text_completion", "choices": choices})
    answered: list[Event] = [UpstreamStarted(200, "application/json"), UpstreamData(reply), UpstreamFinished()]
    return run(given(**own, dialect=OpenAICompletions()), [RequestReceived(body or request()), *answered])


def choice(text: str, index: int = 0, **members: Any) -> dict[str, Any]:  # noqa: ANN401 the same
    """Build a choice."""
    return {"index": index, "text": text, "finish_reason": "stop", **members}


@pytest.mark.parametrize("prompt", ["forbidden", ["fine", "forbidden"], ["for", "bidden"]])
def test_every_prompt_is_scanned(prompt: Any) -> None:  # noqa: ANN401 the same
    """In a string or in an array, each on its own: each is completed on its own."""
    outcome = completed(choice("fine"), body=request(prompt))
    assert (outcome.decision == "block") is (prompt != ["for", "bidden"])


@pytest.mark.parametrize("member", ["suffix", "stop", "user"])
def test_what_stands_beside_the_prompt_is_scanned(member: str) -> None:
    """The model reads the suffix like the prompt."""
    assert completed(body=request("fine", **{member: "forbidden"})).decision == "block"


def test_a_blocked_prompt_is_refused_as_a_completion() -> None:
    """Clients show it like an answer, and see that the filter stopped it."""
    outcome = completed(body=request("forbidden"))
    (said,) = outcome.document["choices"]
    assert (said["finish_reason"], outcome.document["object"], outcome.document["id"]) == (
        "content_filter",
        "text_completion",
        "cmpl-req-1",
    )
    assert said["text"].startswith("Sorry")
    assert outcome.document["usage"]["total_tokens"] == 0


def test_every_choice_is_masked_and_labelled() -> None:
    """Whatever `n` and `best_of` made of one prompt, or many prompts of one request."""
    outcome = completed(choice("an insult"), choice("fine", 1), choice("", 2), position=Position.END)
    texts = [each["text"] for each in outcome.document["choices"]]
    assert texts == [f"an ******\n\n{LABEL['en']}", f"fine\n\n{LABEL['en']}", ""]
    assert outcome.document["aigc"]["Label"] == "1"


@pytest.mark.parametrize(
    ("members", "text"), [({"suffix": "}"}, "return 1"), ({"response_format": {"type": "json_object"}}, "[1]")]
)
def test_a_sentence_inside_would_break_code(members: dict[str, Any], text: str) -> None:
    """What goes between a prompt and its suffix gets its label in the members alone."""
    outcome = completed(choice(text), body=request("f() {", **members), position=Position.END)
    assert outcome.document["choices"][0]["text"] == text
    assert "aigc" in outcome.document


def test_an_echoed_prompt_is_part_of_the_reply() -> None:
    """What came back is scanned again, by the rules for replies."""
    assert completed(choice("say forbidden"), body=request("say", echo=True)).decision == "block"


@pytest.mark.parametrize(
    ("text", "tokens", "kept"),
    [
        ("fine", ["fi", "ne"], True),
        ("insult", ["ins", "ult"], False),
        ("fine", ["for", "bidden"], False),
        ("fine", "odd", True),
    ],
)
def test_probabilities_follow_the_text(text: str, tokens: Any, *, kept: bool) -> None:  # noqa: ANN401 the same
    """They leave only where nothing was masked, and where they spell nothing that would be."""
    logprobs = {"tokens": tokens, "token_logprobs": [-1], "top_logprobs": [{"x": -1}], "text_offset": [0]}
    outcome = completed(choice(text, logprobs=logprobs))
    assert outcome.document["choices"][0]["logprobs"] == (logprobs if kept else None)
    assert b"bidden" not in outcome.body


def test_a_token_not_chosen_is_read_too() -> None:
    """As a name of a member it could not be masked; with the probabilities it goes."""
    outcome = completed(choice("fine", logprobs={"tokens": ["fine"], "top_logprobs": [{"forbidden": -3}]}))
    assert outcome.document["choices"][0]["logprobs"] is None
    assert outcome.decision == "allow"


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"{", "^$"),
        (request(model=""), "'model'"),
        (request(stream="yes"), "'stream'"),
        (request([]), "'prompt'"),
        (request({"text": "x"}), "'prompt'"),
    ],
)
def test_a_wrong_request_is_told_by_name(body: bytes, match: str) -> None:
    """Only what the gateway relies on is checked."""
    with pytest.raises(RequestError, match=match):
        OpenAICompletions().parse_request(body)


def test_without_a_prompt_the_model_begins_anew() -> None:
    """Null is what the format has for it."""
    parsed = OpenAICompletions().parse_request(request(None, stream=True))
    assert (parsed.language_hint, parsed.streamed, parsed.unread) == ("", True, None)


def test_tokens_and_tensors_are_told() -> None:
    """They cannot be read here."""
    dialect = OpenAICompletions()
    for members in ({"prompt": [1, 2]}, {"prompt": "x", "prompt_embeds": "AAAA"}):
        assert dialect.parse_request(request(**members)).unread is not None


def test_a_malformed_reply_is_malformed() -> None:
    """Its choices are not what the format says."""
    assert completed("x").record.error == "upstream_malformed"


def test_withheld_probabilities_are_null() -> None:
    """Clients that asked for them look the member up; where none were, none are added."""
    document = {"choices": [{"text": "x", "logprobs": {}}, {"text": "x", "logprobs": None}, {"text": "x"}]}
    OpenAICompletions().withhold(document)
    assert document["choices"] == [{"text": "x", "logprobs": None}, {"text": "x", "logprobs": None}, {"text": "x"}]
    assert OpenAICompletions().error(ErrorCode.INTERNAL, "why")["error"]["code"] == "internal_error"
