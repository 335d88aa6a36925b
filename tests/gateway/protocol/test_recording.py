"""What an exchange puts down of itself, whatever the form of the reply: record, digests, content."""

import hashlib

import orjson
import pytest

from filters.findings import Action, Phase, Stage
from gateway.errors import ErrorCode
from gateway.protocol.events import RequestReceived, RequestRefused
from gateway.protocol.evidence import ContentScope, Evidence, Excerpt
from gateway.protocol.policy import PhasePolicy, Policy, RiskPolicy
from tests.gateway.protocol.playbook import (
    DONE,
    RISK,
    Outcome,
    Play,
    arguments,
    ask,
    chunk,
    delta,
    frame,
    given,
    reply,
    request,
    stream,
)


def _evidence(outcome: Outcome) -> Evidence:
    assert outcome.exchange.asked is not None
    return outcome.exchange.asked.evidence


def _digest(*texts: str) -> bytes:
    return hashlib.sha256(b"".join(each.encode() + b"\xff" for each in texts)).digest()


def test_all_texts_of_prompt_and_whole_reply_are_kept_in_order() -> None:
    """In the order the format's page gives: an object's own, then those of what is in it, the last first."""
    messages = [{"role": "user", "content": "first"}, {"role": "user", "content": "latest"}]
    body = orjson.dumps({"model": "m", "messages": messages, "user": "alice"})
    outcome = ask(given(content=ContentScope.ALL), body, reply("an answer"))
    evidence = _evidence(outcome)
    assert evidence.end_user == "alice"
    assert evidence.prompt == ("m", "latest", "first")
    assert evidence.prompt_sha256 == _digest("m", "latest", "first")
    assert evidence.reply == ("c-1", "chat.completion", "m", "an answer")
    assert evidence.reply_sha256 == _digest(*evidence.reply)


def test_running_texts_of_a_stream_are_kept_each_for_itself() -> None:
    """In the order in which they begin."""
    frames = [chunk("it is "), delta(arguments("{}")), chunk("done"), DONE]
    evidence = _evidence(stream(given(content=ContentScope.ALL), frames))
    assert evidence.reply == ("it is done", "{}")
    parts = b"".join(hashlib.sha256(text).digest() for text in (b"it is done", b"{}"))
    assert evidence.reply_sha256 == hashlib.sha256(parts).digest()


def test_a_prompt_that_was_not_answered_has_no_reply() -> None:
    """A refusal is no text of the model's."""
    evidence = _evidence(ask(given(keywords=["forbidden"], content=ContentScope.ALL), request("forbidden")))
    assert (evidence.prompt, evidence.reply, evidence.reply_sha256) == (("m", "forbidden"), (), b"")


def test_excerpts_come_from_both_halves() -> None:
    """Of the prompt, of a whole reply, of a running text, and of what stands beside it."""
    context = given(keywords=["forbidden"], flags=["marked"])
    prompt = _evidence(ask(context, request("a forbidden thing")))
    assert prompt.excerpts == (Excerpt(Phase.REQUEST, 0, "a forbidden thing", (RISK,)),)
    whole = _evidence(ask(context, request("marked", stream=False), reply("also marked")))
    assert [(each.phase, each.text) for each in whole.excerpts] == [
        (Phase.REQUEST, "marked"),
        (Phase.RESPONSE, "also marked"),
    ]
    running = _evidence(stream(context, [chunk("it is mar"), chunk("ked"), chunk(" and more"), DONE]))
    assert [each.text for each in running.excerpts] == ["it is marked and more"]
    beside = _evidence(stream(context, [chunk("ok"), frame([], id="a marked id"), DONE]))
    assert [each.text for each in beside.excerpts] == ["a marked id"]


def test_what_the_policy_passes_over_brings_no_excerpt() -> None:
    """As it is in no record."""
    policy = Policy(risks={RISK: RiskPolicy(Action.OFF)})
    outcome = ask(
        given(keywords=["forbidden"], policy=policy), request("forbidden", stream=False), reply("forbidden")
    )
    assert (outcome.record.findings, _evidence(outcome).excerpts) == ((), ())
    running = stream(given(keywords=["forbidden"], policy=policy), [chunk("forbidden"), DONE])
    assert _evidence(running).excerpts == ()


def test_nothing_is_kept_where_none_is_wanted() -> None:
    """Digests alone are taken."""
    outcome = ask(
        given(flags=["marked"], content=ContentScope.NONE), request("marked", stream=False), reply("marked")
    )
    evidence = _evidence(outcome)
    assert (evidence.excerpts, evidence.prompt, evidence.reply) == ((), (), ())
    assert len(evidence.prompt_sha256) == len(evidence.reply_sha256) == 32


@pytest.mark.parametrize("streamed", [True, False])
def test_the_model_that_served_is_recorded_where_it_is_another(streamed: bool) -> None:  # noqa: FBT001 a parameter
    """A name the reply gives, cut like the one asked for."""
    name = "m-2026-11-" + "0" * 200
    if streamed:
        other, same = stream(given(), [frame([], model=name), DONE]), stream(given(), [chunk("x"), DONE])
    else:
        body = request(stream=False)
        other, same = ask(given(), body, reply("x", model=name)), ask(given(), body)
    assert (other.record.model, other.record.served_model) == ("m", name[:128])
    assert same.record.served_model == ""


def test_personal_data_that_is_masked_stands_in_no_excerpt() -> None:
    """The value is in no record, and in no excerpt either."""
    policy = Policy(request=PhasePolicy(actions={Stage.PERSONAL_DATA: Action.MASK}))
    outcome = ask(given(flags=["marked"], policy=policy), request("marked: 13812345678", stream=False))
    assert [each.text for each in _evidence(outcome).excerpts] == ["marked: ***********"]


def test_a_reply_without_its_label_names_the_agreement() -> None:
    """The record that has to be kept of who received it; a refusal is no such reply."""
    waived = given(keywords=["forbidden"]).standing.labelling.waived("agr-1")
    context = given(keywords=["forbidden"], labelling=waived)
    whole = ask(context, request("hi", stream=False), reply("fine"))
    running = stream(context, [chunk("fine"), DONE])
    assert [(each.record.label, each.record.agreement) for each in (whole, running)] == [("waived", "agr-1")] * 2
    refused = ask(context, request("forbidden", stream=False))
    assert (refused.record.label, refused.record.agreement) == ("none", "")


def test_who_is_turned_away_by_name_is_recorded_by_it() -> None:
    """A suspended end user is one person of the account, and the entry says which."""
    context = given(["bad"])
    known = context.standing._replace(end_user="alice", account_kind="user")
    play = Play(context, admitting=False) >> RequestReceived(request("hi"))
    play >> RequestRefused(ErrorCode.END_USER_SUSPENDED, standing=known)
    asked = play.exchange.asked
    assert asked is not None
    assert (asked.evidence.end_user, asked.record.error) == ("alice", "end_user_suspended")
