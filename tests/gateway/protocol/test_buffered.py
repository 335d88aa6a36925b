"""Whole texts: requests, and replies that are not streamed."""

import pytest

from filters.findings import MOST_FINDINGS, Action, Phase
from gateway.protocol.buffered import BufferedReply, judge_texts, label_answers, texts_of
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.judge import Judge
from gateway.protocol.labels import Position
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import Policy
from tests.gateway.protocol.playbook import LABEL, ask, given, request


def test_all_findings_are_judged_and_masks_written() -> None:
    """Also behind a block, so that the record names every risk; the gravest action is returned."""
    context = given(["bad"], ["mild"], ["odd"])
    document = {"a": "odd mild", "input": ["bad", "mild"]}
    texts = texts_of(document)
    judge = Judge(Policy(), observe=False)
    found = tuple(tuple(context.standing.ruleset.request.scan(group.text)) for group in texts.groups)
    assert judge_texts(Phase.REQUEST, texts, found, judge, Vault("req-1")) is Action.BLOCK
    assert texts.characters == len("aodd mildbadmild")
    assert document == {"a": "odd ****", "input": ["bad", "****"]}
    assert sum(each.count for each in judge.recorded) == 4


def test_nothing_found_is_no_action() -> None:
    """A document without findings is left as it is."""
    assert (
        judge_texts(Phase.REQUEST, texts_of({"a": "x"}), ((), ()), Judge(Policy(), observe=False), Vault("req-1"))
        is Action.OFF
    )


@pytest.mark.parametrize(
    ("message", "structured", "content", "outcome"),
    [
        ({"content": "hi"}, False, f"{LABEL['en']}\n\nhi\n\n{LABEL['en']}", "both"),
        ({"content": '{"a":"hi"}'}, True, '{"a":"hi"}', "members"),
        ({"content": "hi"}, True, f"{LABEL['en']}\n\nhi\n\n{LABEL['en']}", "both"),
        ({"content": "hi", "tool_calls": [{}]}, False, "hi", "members"),
        ({"content": "```py\nhi\n```"}, False, "```py\nhi\n```", "members"),
        ({"content": ""}, False, "", "none"),
        ({"content": "好\n\n" + LABEL["zh"]}, False, "好\n\n" + LABEL["zh"], "present"),
    ],
)
def test_answers_are_labelled_once(message: dict[str, object], structured: bool, content: str, outcome: str) -> None:  # noqa: FBT001 a parameter
    """Never inside structured output, never twice, never where nothing was said."""
    document = {"choices": [{"message": message}]}
    labelling = given(position=Position.BOTH).standing.labelling
    assert label_answers(OpenAIChat().answers(document), labelling, structured=structured) == outcome
    assert message["content"] == content


def test_a_reply_over_its_bound_is_let_go() -> None:
    """Law 6: it is not kept in memory."""
    reply, overflowed = BufferedReply(10), []
    for piece in (b'{"a":', b'"123456789"}'):
        reply.feed(piece)
        overflowed.append(reply.overflowed)
    assert overflowed == [False, True]
    assert reply._pieces == []


@pytest.mark.parametrize(
    ("body", "document"), [(b'{"a":1}', {"a": 1}), (b"[]", None), (b"", None), (b"<html>", None)]
)
def test_a_reply_is_a_json_object_or_none(body: bytes, document: object) -> None:
    """Whatever else a server sends is not understood."""
    reply = BufferedReply(100)
    for byte in body:
        reply.feed(bytes([byte]))
    assert reply.parse() == document


def test_a_document_full_of_terms_is_blocked() -> None:
    """Also where each of them alone would only be masked: nobody judges more than the bound."""
    context = given(masks=["bad"])
    assert ask(context, request("bad " * (MOST_FINDINGS + 10))).decision == "block"
    assert ask(context, request("bad " * 10)).forwarded["messages"][-1]["content"] == "*** " * 10
