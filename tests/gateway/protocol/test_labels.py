"""AI-content labels on text."""

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from gateway.protocol.commands import SendData, SendEnd
from gateway.protocol.events import AuditAppended, UpstreamData
from gateway.protocol.labels import AnswerText, Labelling, Position, has_elements, language_of
from tests.gateway.protocol.playbook import (
    DONE,
    LABEL,
    Play,
    ask,
    chunk,
    finish,
    given,
    joined,
    read,
    reply,
    request,
    stream,
)


def labelling(position: Position = Position.END) -> Labelling:
    """Build a labelling."""
    return Labelling("91110000X", position, LABEL)


def answer(*pieces: str, structured: bool = False) -> AnswerText:
    """Build an answer that was shown in pieces."""
    text = AnswerText(structured=structured)
    for piece in pieces:
        text.add(piece)
    return text


def test_the_seven_members_are_those_of_the_standard() -> None:
    """GB 45438-2025 Annex E: names, order, and producer equal to propagator at first writing."""
    assert list(labelling().members("req-1").items()) == [
        ("Label", "1"),
        ("ContentProducer", "91110000X"),
        ("ProduceID", "req-1"),
        ("ReservedCode1", ""),
        ("ContentPropagator", "91110000X"),
        ("PropagateID", "req-1"),
        ("ReservedCode2", ""),
    ]


@pytest.mark.parametrize(
    ("position", "opening", "closing", "outcome"),
    [
        (Position.END, "", "\n\n" + LABEL["zh"], "end"),
        (Position.START, LABEL["zh"] + "\n\n", "", "start"),
        (Position.BOTH, LABEL["zh"] + "\n\n", "\n\n" + LABEL["zh"], "both"),
        (Position.INTERFACE, "", "", "interface"),
    ],
)
def test_a_label_stands_where_it_should_once(position: Position, opening: str, closing: str, outcome: str) -> None:
    """Asked a second time, the answer owes no label any more."""
    text = answer("你好")
    assert text.opening(labelling(position)) == opening
    assert text.closing(labelling(position)) == closing
    assert text.opening(labelling(position)) + text.closing(labelling(position)) == ""
    assert text.outcome(labelling(position)) == outcome


@pytest.mark.parametrize("position", Position)
def test_an_empty_or_structured_answer_is_not_labelled(position: Position) -> None:
    """Nothing was shown, or a label would break what a program reads."""
    assert answer(" ", "\n").closing(labelling(position)) == ""
    assert answer("{}", structured=True).closing(labelling(position)) == ""
    assert answer("{}", structured=True).opening(labelling(position)) == ""
    assert answer(" ").outcome(labelling(position)) == "none"


@pytest.mark.parametrize(
    "text",
    [
        "你好。\n\n（本回答由AI生成）",
        "你好。\n\n" + LABEL["zh"],
        "Hello.\n\n" + LABEL["en"],
        "你好。（本内容由人工智能生成，仅供参考）",
        "以上内容由 AI 大模型生成，请仔细核实。",
        "【AI生成】\n你好。",
        "以下是答案\n" + "好" * 200 + "\n内容由AI辅助生成",
        "AI生成合成内容",
        "本文为人工智能合成。",
        "> **（AI生成）**\n\n你好。",
        "你好！ *（AI生成）*",
        "你好。\n\n# AI生成",
    ],
)
def test_a_label_of_the_model_is_recognised(text: str) -> None:
    """Labelled text is not labelled twice, however it came in pieces."""
    for pieces in ([text], list(text)):
        shown = answer(*pieces)
        assert shown.present
        assert shown.closing(labelling()) == ""
        assert shown.outcome(labelling()) == "present"


@pytest.mark.parametrize(
    "text",
    [
        "人工智能生成的文字应当标注，这是规定。",
        "如何用AI生成图片？先选一个工具。",
        "AI生成图片的工具有很多。",
        "我认为AI生成内容的质量还不够好",
        "这张图不是由AI生成的，是我拍的",
        "本文介绍AI如何生成文字",
        "Use AI to generate text.",
        "以下内容并非（AI生成）",
        "This is not (AI生成)",
        "本文不由（AI生成）\n好。",
        "AI生成" + " " * 60 + "的谣言很多。",
        "AI",
        "生成",
        "",
    ],
)
def test_a_sentence_about_generation_is_no_label(text: str) -> None:
    """An answer that speaks of generating with AI is labelled as any other."""
    assert not answer(text).present


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- AI生成 -->",
        "[AI生成]: #",
        "![](AI生成)",
        "[](AI生成)",
        "字。[](AI生成)",
        "<b hidden>AI生成</b>",
        "[//]: # (AI生成)",
        "~~AI生成~~",
    ],
)
def test_a_label_that_markdown_hides_is_none(hidden: str) -> None:
    """Else whoever has the model write it gets a text that nobody sees labelled."""
    for text in (f"{hidden}\n\n你好。", f"你好。\n\n{hidden}"):
        assert not answer(text).present
        assert answer(text).closing(labelling())


@pytest.mark.parametrize(
    "text", ["本" * 5000, "AI " * 3000, "（" * 5000, " AI大模型" * 1000 + "x", "。" * 64 + "AI" * 64]
)
def test_recognition_looks_at_the_edges_alone(text: str) -> None:
    """However long the answer, what is kept and read of it is bounded."""
    shown = answer(*[text] * 3)
    assert not shown.present
    assert len(shown._head) == len(shown._tail) == 64


JSONS = ['{"a":1}', "[1]", '"a"', "12", "-1.5e3", "true", "null", '{"cut": "of']
CODES = ["```py\nprint(1)\n```", "~~~\nx\n~~~\n", "  ```\n`a`\n  ````  \n\n", "```py\nnobody closed it"]
PROSE = ["Fine.", "“{}” is JSON.", "```py\nx\n```\nThat prints x.", "`x` is code.", "See:\n```\nx\n```", "1. First"]


@pytest.mark.parametrize("position", [Position.START, Position.END, Position.BOTH])
@pytest.mark.parametrize(("texts", "structured"), [(JSONS, True), (CODES, False), (CODES, True)])
def test_what_a_program_reads_has_no_sentence_inside(
    texts: list[str], position: Position, *, structured: bool
) -> None:
    """However it comes in pieces; the members alone label it."""
    for text in texts:
        for pieces in ([text], list(text)):
            assert shown(pieces, position, structured=structured) == (text, "members")


@pytest.mark.parametrize("position", [Position.START, Position.END])
@pytest.mark.parametrize("structured", [False, True])
def test_what_only_claims_to_be_json_is_labelled_once(position: Position, *, structured: bool) -> None:
    """Asking for JSON is no way round the label."""
    for text in PROSE + (JSONS if not structured else []):
        for pieces in ([text], list(text)):
            answer_text, outcome = shown(pieces, position, structured=structured)
            assert answer_text.replace(LABEL["en"], "").strip() == text.strip()
            assert (answer_text.count(LABEL["en"]), outcome) in {(1, "start"), (1, "end")}


def test_a_label_of_the_models_own_in_front_is_the_only_one() -> None:
    """Also where ours would stand in front, and the text comes in pieces."""
    text = LABEL["zh"] + "\n\n你好"
    assert shown(list(text), Position.START) == (text, "present")
    assert shown(list("（注）你好"), Position.START) == ("（注）你好\n\n" + LABEL["zh"], "end")


def shown(pieces: list[str], position: Position, *, structured: bool = False) -> tuple[str, str]:
    """Label an answer as a stream does; return it, and what became of the label."""
    text, out = AnswerText(structured=structured), ""
    for piece in pieces:
        text.add(piece)
        out += ("" if text.empty else text.opening(labelling(position))) + piece
    return out + text.closing(labelling(position)), text.outcome(labelling(position))


def test_an_answer_that_was_left_before_its_label_is_told_apart() -> None:
    """It was shown, and has none."""
    assert answer("你好").outcome(labelling()) == "unlabelled"


PIECES = st.lists(st.text("甲a `{}\n。（AI生成）", min_size=1, max_size=6), min_size=1, max_size=12)


def left(pieces: list[str], position: Position, *, structured: bool = False) -> tuple[list[bytes], str]:
    """Send a stream; return what left at each frame of the model's, and what became of the label."""
    body = request(response_format={"type": "json_object"}) if structured else request()
    play = Play(given(["forbidden"], position=position)).streaming(body)
    out = []
    for data in [*map(chunk, pieces), finish(), DONE]:
        play >> UpstreamData(data)
        out.append(b"".join(each.data for each in play.commands if isinstance(each, SendData | SendEnd)))
        play.commands.clear()
    play >> AuditAppended()
    out.append(b"".join(each.data for each in play.commands if isinstance(each, SendData | SendEnd)))
    return out, play.record.label


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("position", [Position.START, Position.END, Position.BOTH])
@settings(max_examples=40, deadline=None)
@generate(PIECES)
def test_a_label_splits_and_delays_no_frame(position: Position, structured: bool, pieces: list[str]) -> None:  # noqa: FBT001 a parameter
    """Each frame leaves where it does without a label, whole; only the first text and the end may bring more."""
    plain, _ = left(pieces, Position.INTERFACE, structured=structured)
    labelled, outcome = left(pieces, position, structured=structured)
    count = len(pieces)
    said = joined(b"".join(labelled))[0, "content"]
    opened = outcome in ("start", "both")
    for number, (without, with_label) in enumerate(zip(plain[:count], labelled[:count], strict=True)):
        first = opened and not "".join(pieces[:number]).strip() and pieces[number].strip()
        assert with_label.count(b"data: ") == without.count(b"data: ")
        assert first or with_label == without
    # Ours, once or as often as the position says; the text is the model's own but for it.
    ours = {"start": 1, "end": 1, "both": 2}.get(outcome, 0)
    model, counts = "".join(pieces), {label: said.count(label) for label in LABEL.values()}
    assert sum(counts.values()) == ours
    assert len(said) - len(model) == sum(count * (len(label) + 2) for label, count in counts.items())
    assert (outcome == "none") is (not model.strip())
    assert outcome != "unlabelled"


def test_the_language_is_that_of_the_text() -> None:
    """A text with Chinese characters is Chinese."""
    assert [language_of(text) for text in ("Hello 你", "Hello", "")] == ["zh", "en", "en"]


def test_a_label_needs_both_elements() -> None:
    """GB 45438-2025 chapter 5: an AI element and a generation element."""
    assert has_elements("由人工智能合成")
    assert not has_elements("人工智能")
    assert not has_elements("合成")


@pytest.mark.parametrize("position", Position)
def test_whoever_agreed_to_label_gets_the_members_alone(position: Position) -> None:
    """Labelling Measures, article 9: the visible label is left out, whatever its place, and that is told apart."""
    waived = labelling(position).waived("agr-1")
    assert (waived.agreement, waived.members("req-1")["Label"]) == ("agr-1", "1")
    text = answer("你好")
    assert text.opening(waived) + text.closing(waived) == ""
    assert text.outcome(waived) == "waived"
    assert answer(" ").outcome(waived) == "none"
    assert answer("你好。\n\n" + LABEL["zh"]).outcome(waived) == "present"


# A combining accent and the letter it makes, a ligature, the ohm sign, and what C2PA hides a manifest in (A.8).
_MARKS = "e\u0301\u00e9\ufb01\u2126 \ufeff\ufe00\ufe01\U000e0100\U000e01ef\u200b\u200d\u00ad ｆｕｌｌ"


@pytest.mark.parametrize("masked", [False, True])
def test_delivered_text_is_never_normalised(masked: bool) -> None:  # noqa: FBT001 a parameter of the table
    """What is folded for looking is a copy: marks of others outlive the gateway, also beside what is masked."""
    context = given(["unsaid"], masks=["secret"] if masked else [])
    said = f"{_MARKS} secret {_MARKS}"
    shown = said.replace("secret", "******") if masked else said
    whole = ask(context, request(stream=False), reply(said)).document["choices"][0]["message"]["content"]
    assert whole == f"{shown}\n\n{LABEL['en']}"
    for pieces in (list(said), [said]):
        sent = stream(context, [*map(chunk, pieces), finish(), DONE]).body
        assert read(sent).content() == f"{shown}\n\n{LABEL['en']}"
