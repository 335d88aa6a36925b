"""What of a blocked prompt counts, and what its sender is told."""

from hashlib import sha256
from typing import Any

import orjson
import pytest

from filters.findings import Action, Severity, Stage, Term
from gateway.errors import ErrorCode
from gateway.protocol.commands import AppendAudit, Command, NoteStrike, SendEnd, SendStart
from gateway.protocol.dialects.anthropic_messages import AnthropicMessages, AnthropicTokenCount
from gateway.protocol.dialects.base import Dialect
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.dialects.openai_completions import OpenAICompletions
from gateway.protocol.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.protocol.dialects.openai_moderations import OpenAIModerations
from gateway.protocol.dialects.openai_responses import OpenAIResponses
from gateway.protocol.events import AuditAppended, RequestReceived, RequestRefused, StrikeNoted
from gateway.protocol.policy import PhasePolicy, Policy, RefusalStyle
from gateway.protocol.states import State
from gateway.protocol.strikes import MOST_TEXTS, Measure, Strike, StrikeOutcome
from tests.gateway.protocol.playbook import Play, given, request, term

WARNED = StrikeOutcome(Measure.WARNED)
SUSPENDED = StrikeOutcome(Measure.SUSPENDED, 1_800_000_000_000_000)


def said(*turns: tuple[str, str]) -> bytes:
    """Return a chat request of several turns."""
    messages = [{"role": role, "content": content} for role, content in turns]
    return orjson.dumps({"model": "m", "messages": messages})


def strike(body: bytes, *keywords: str | Term, dialect: Dialect | None = None, **members: Any) -> Strike | None:  # noqa: ANN401 as given
    """Return what a request counts as, or None."""
    play = Play(given(keywords or ["forbidden"], dialect=dialect or OpenAIChat(), **members), noting=False)
    play >> RequestReceived(body)
    noted = [each.strike for each in play.commands if isinstance(each, NoteStrike)]
    assert (play.exchange.state is State.NOTING) is bool(noted)
    return noted[0] if noted else None


def test_a_blocked_prompt_counts_before_its_refusal_is_recorded() -> None:
    """The refusal waits for the strike, then for its record, and leaves behind both."""
    play = Play(given(["forbidden"]), noting=False) >> RequestReceived(request("forbidden"))
    play << [NoteStrike(Strike(Severity.HIGH, True, (sha256(b"forbidden").digest(),)))]  # noqa: FBT003 a value
    play >> StrikeNoted(StrikeOutcome(Measure.COUNTED))
    (record,) = play.commands
    assert isinstance(record, AppendAudit)
    assert record.durable
    play >> AuditAppended()
    assert isinstance(play.commands[-1], SendEnd)


def test_the_gravest_term_tells_the_severity() -> None:
    """Also where a milder one stands first; a term that only flags is none."""
    terms = [
        term("mild")._replace(severity=Severity.LOW),
        term("grave")._replace(severity=Severity.HIGH),
        term("odd", Action.FLAG)._replace(severity=Severity.HIGH),
    ]
    both, mild = strike(request("mild, grave"), *terms), strike(request("mild and odd"), *terms)
    assert both is not None
    assert both.severity is Severity.HIGH
    assert mild is not None
    assert mild.severity is Severity.LOW


@pytest.mark.parametrize("kind", ["audit", "unfiltered", ""])
def test_only_user_accounts_are_counted(kind: str) -> None:
    """A regulator's test account sends such prompts on purpose."""
    assert strike(request("forbidden"), account_kind=kind) is None


def test_what_is_only_observed_is_not_counted() -> None:
    """It was let through; who looks on must not punish."""
    assert strike(request("forbidden"), observe=True) is None


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (AnthropicTokenCount(), {"model": "m", "messages": [{"role": "user", "content": "forbidden"}]}),
        (OpenAIEmbeddings(), {"model": "m", "input": "forbidden"}),
        (OpenAIModerations(), {"model": "m", "input": "forbidden"}),
    ],
    ids=["token count", "embeddings", "moderations"],
)
def test_what_asks_for_no_content_is_not_counted(dialect: Dialect, body: dict[str, Any]) -> None:
    """The same words are counted once, where an answer is asked for."""
    assert strike(orjson.dumps(body), dialect=dialect) is None


def test_personal_data_is_no_offence() -> None:
    """A phone number that the policy blocks is the sender's own business."""
    policy = Policy(request=PhasePolicy({Stage.PERSONAL_DATA: Action.BLOCK}))
    play = Play(given(policy=policy), noting=False) >> RequestReceived(request("13812345678"))
    assert play.exchange.decision.value == "block"
    assert play.exchange.state is State.RECORDING


def test_what_is_in_shadow_is_no_offence() -> None:
    """Also where another check blocks the prompt; then no term in shadow makes the strike graver."""
    shadowed = PhasePolicy({Stage.PERSONAL_DATA: Action.BLOCK}, shadow=frozenset({Stage.KEYWORDS}))
    play = Play(given(["forbidden"], policy=Policy(request=shadowed)), noting=False)
    play >> RequestReceived(request("forbidden 13812345678"))
    assert play.exchange.decision.value == "block"
    assert play.exchange.state is State.RECORDING


def test_a_name_that_cannot_be_masked_counts_as_blocked() -> None:
    """Where a mask would be written and cannot, the prompt is blocked for its words."""
    body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "forbidden": 1})
    assert strike(body, term("forbidden", Action.MASK)) is not None
    assert strike(request("forbidden"), term("forbidden", Action.MASK)) is None


@pytest.mark.parametrize(
    ("turns", "fresh"),
    [
        ([("user", "forbidden")], True),
        ([("user", "forbidden"), ("assistant", "no"), ("user", "hello")], False),
        ([("user", "forbidden"), ("assistant", "no"), ("user", "forbidden")], True),
        ([("system", "x"), ("user", "hello"), ("assistant", "no"), ("user", "a"), ("user", "forbidden")], True),
    ],
    ids=["alone", "said before", "said again", "last of two"],
)
def test_what_was_said_before_is_told_apart(turns: list[tuple[str, str]], fresh: bool) -> None:  # noqa: FBT001 a case
    """Clients send the whole conversation with every turn."""
    found = strike(said(*turns))
    assert found is not None
    assert found.fresh is fresh


@pytest.mark.parametrize(
    ("dialect", "body", "fresh"),
    [
        (OpenAICompletions(), {"model": "m", "prompt": "forbidden"}, True),
        (OpenAIResponses(), {"model": "m", "input": "forbidden"}, True),
        (OpenAIResponses(), {"model": "m", "input": [{"role": "user", "content": "forbidden"}]}, True),
        (
            OpenAIResponses(),
            {
                "model": "m",
                "input": [
                    {"role": "user", "content": "forbidden"},
                    {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
                    {"type": "function_call_output", "call_id": "c", "output": "fine"},
                ],
            },
            False,
        ),
        (
            AnthropicMessages(),
            {
                "model": "m",
                "max_tokens": 9,
                "system": "forbidden",
                "messages": [{"role": "user", "content": "hello"}],
            },
            False,
        ),
    ],
    ids=["completion", "response", "items", "behind a call", "system"],
)
def test_each_format_has_its_turn(dialect: Dialect, body: dict[str, Any], fresh: bool) -> None:  # noqa: FBT001 a case
    """Where the format knows no conversation, all of it is the turn."""
    found = strike(orjson.dumps(body), dialect=dialect)
    assert found is not None
    assert found.fresh is fresh


def test_a_flood_of_texts_is_fresh() -> None:
    """Only so many digests are kept, so what cannot be compared counts."""
    turns = [("user", f"forbidden {number}") for number in range(MOST_TEXTS + 1)]
    found = strike(said(*turns, ("assistant", "no"), ("user", "hello")))
    assert found is not None
    assert found.fresh
    assert len(found.digests) == MOST_TEXTS


def refusal(outcome: StrikeOutcome, body: bytes, policy: Policy | None = None) -> tuple[SendStart, dict[str, Any]]:
    """Return the head of a refusal, and its document."""
    play = Play(given(["forbidden"], policy=policy or Policy()), noting=False) >> RequestReceived(body)
    play >> StrikeNoted(outcome) >> AuditAppended()
    head, end = play.commands[-2:]
    assert isinstance(head, SendStart)
    assert isinstance(end, SendEnd)
    return head, orjson.loads(end.data)


@pytest.mark.parametrize(
    ("outcome", "header", "members", "sentence"),
    [
        (StrikeOutcome(Measure.COUNTED), None, {}, ""),
        (WARNED, b"suspension", {"warning": "suspension"}, "is suspended."),
        (SUSPENDED, b"suspended", {"suspended_until": 1_800_000_000}, "you may appeal."),
    ],
    ids=["counted", "warned", "suspended"],
)
@pytest.mark.parametrize("style", RefusalStyle)
def test_a_measure_is_told(
    outcome: StrikeOutcome, header: bytes | None, members: dict[str, Any], sentence: str, style: RefusalStyle
) -> None:
    """In the header, in the member, and in words to whoever reads the answer."""
    head, document = refusal(outcome, request("forbidden", stream=False), Policy(refusal=style))
    assert dict(head.headers).get(b"x-sluice-warning") == header
    assert {key: document["sluice"].get(key) for key in members} == members
    assert not {"warning", "suspended_until"} & document["sluice"].keys() - members.keys()
    text = (
        document["error"]["message"] if style is RefusalStyle.ERROR else document["choices"][0]["message"]["content"]
    )
    assert text.endswith(sentence)


def test_a_stream_tells_it_as_well() -> None:
    """Who asked for frames reads frames."""
    play = Play(given(["forbidden"]), noting=False) >> RequestReceived(request("forbidden", stream=True))
    play >> StrikeNoted(WARNED) >> AuditAppended()
    head, end = play.commands[-2:]
    assert isinstance(head, SendStart)
    assert isinstance(end, SendEnd)
    assert (b"x-sluice-warning", b"suspension") in head.headers
    assert b"is suspended." in end.data


def test_who_was_suspended_meanwhile_is_told_that() -> None:
    """The record still says that the prompt was blocked, and is durable like that of any block."""
    play = Play(given(["forbidden"]), noting=False) >> RequestReceived(request("forbidden"))
    play >> RequestRefused(ErrorCode.END_USER_SUSPENDED, "until then", 60)
    commands: list[Command] = play.commands
    record = commands[-1]
    assert isinstance(record, AppendAudit)
    assert (record.durable, record.record.decision, record.record.error) == (True, "block", "end_user_suspended")
    play >> AuditAppended()
    head = play.commands[-2]
    assert isinstance(head, SendStart)
    assert head.status == 403
    assert (b"retry-after", b"60") in head.headers
