"""Guard models: how they are asked, and how their answers are read."""

from typing import Any

import pytest

from filters.classifier.guard import guard_names, load_guard, read_moderation
from filters.classifier.scores import Score, ScorerError, Side, Window
from filters.taxonomy import load_taxonomy


def reply(text: str) -> dict[str, Any]:
    """Build a chat reply."""
    return {"choices": [{"message": {"content": text}}]}


ANSWERS = [
    ("qwen3guard", "Safety: Safe\nCategories: None", 0.0, ""),
    ("qwen3guard", "Safety: Unsafe\nCategories: Violent", 1.0, "A.1.f"),
    ("qwen3guard", "Safety: Controversial\nCategories: PII, Violent", 0.5, "A.4.e"),
    ("llama_guard", "\n\nsafe", 0.0, ""),
    ("llama_guard", "unsafe\nS11,S1", 1.0, "A.4.a"),
    ("llama_guard", "unsafe", 1.0, "A.1.h"),
    ("shieldlm", "[答案] 不安全\n[分析] 安全起见……", 1.0, "A.1.h"),
    ("shieldlm", "[Answer] safe", 0.0, ""),
    ("granite_guardian", "Yes", 1.0, "A.1.h"),
    ("granite_guardian", "<score> no </score>", 0.0, ""),
]


@pytest.mark.parametrize(("name", "text", "unsafe", "risk"), ANSWERS)
def test_an_answer_is_read(name: str, text: str, unsafe: float, risk: str) -> None:
    """The verdict, and what its label stands for."""
    score = load_guard(name).read(reply(text))
    assert (score.unsafe, score.risk) == (unsafe, risk)


@pytest.mark.parametrize("name", guard_names())
@pytest.mark.parametrize("document", [None, {}, {"choices": []}, reply("I am not sure."), reply(None)])  # type: ignore[arg-type] # nonsense
def test_an_answer_without_a_verdict_is_none(name: str, document: Any) -> None:  # noqa: ANN401 any JSON
    """And never a "safe"."""
    with pytest.raises(ScorerError):
        load_guard(name).read(document)


@pytest.mark.parametrize("name", guard_names())
@pytest.mark.parametrize("side", list(Side))
def test_a_question_holds_the_text_once_and_as_it_is(name: str, side: Side) -> None:
    """Braces in it are no placeholders; its risks are of the taxonomy."""
    guard = load_guard(name)
    body = guard.question(Window("see {text} {0}", side), "m")
    assert sum("see {text} {0}" in each["content"] for each in body["messages"]) == 1
    assert (body["model"], body["temperature"]) == ("m", 0)
    assert {*guard.labels.values(), guard.other} <= load_taxonomy().risks.keys()


@pytest.mark.parametrize(
    ("result", "score"),
    [
        ({"flagged": True, "category_scores": {"hate/x": 0.7, "violence": 0.2}}, Score(0.7, "hate/x", "A.2.i")),
        ({"flagged": True, "category_scores": {"odd": 0.3}}, Score(0.5, "odd", "A.1.h")),
        ({"flagged": True}, Score(1.0, "unsafe", "A.1.h")),
        ({"flagged": False, "category_scores": {"hate": 0.9}}, Score(0.5)),
    ],
)
def test_a_moderation_is_read(result: dict[str, Any], score: Score) -> None:
    """Its own threshold decides whether it is harm."""
    assert read_moderation({"results": [result]}) == score


@pytest.mark.parametrize("document", [None, {}, {"results": []}, {"results": [{}]}, {"results": [{"flagged": "x"}]}])
def test_what_is_no_moderation(document: Any) -> None:  # noqa: ANN401 any JSON
    """It is no answer."""
    with pytest.raises(ScorerError):
        read_moderation(document)
