"""The laws of the core over the formats whose frames have types: Anthropic Messages and OpenAI Responses."""

import json
import random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Stage
from gateway.protocol.labels import Position
from gateway.protocol.policy import FailMode, PhasePolicy, Policy
from tests.filters.occurrences import occurrences
from tests.gateway.protocol import playbook_messages as messages
from tests.gateway.protocol import playbook_responses as responses
from tests.gateway.protocol.playbook import LABEL, Outcome, bounds, stream
from tests.gateway.protocol.test_laws import TERMS, TEXTS, masked, rows

KINDS = ("text", "reasoning", "call", "server_call")
Parts = list[tuple[str, list[str]]]
PARTS = st.lists(st.tuples(st.sampled_from(KINDS), st.lists(TEXTS, max_size=4)), max_size=4)
RULES = st.tuples(TERMS, TERMS)  # keywords and masks
FORMATS = [pytest.param(messages, id="messages"), pytest.param(responses, id="responses")]


def behind(before: str, text: str, terms: list[str]) -> list[tuple[int, int]]:
    """Find terms in a text that goes on behind another; what began there begins here at its start."""
    size = len(before)
    return [(max(0, start - size), end - size) for start, end in occurrences(before + text, terms) if end > size]


@pytest.mark.parametrize("book", FORMATS)
@generate(PARTS, RULES, st.booleans(), st.integers(1, 60))
@settings(max_examples=500, deadline=None)
def test_no_character_of_a_blocked_term_ever_leaves(
    book: ModuleType,
    parts: Parts,
    rules: tuple[list[str], list[str]],
    mixed: bool,  # noqa: FBT001 drawn
    length: int,
) -> None:
    """Law 3: in whatever part, event and repetition; the stream that is left is well formed in each case."""
    # Texts of an answer are one to its reader: here one behind the other, to know what each begins with.
    mixed = mixed and [kind for kind, _ in parts].count("text") < 2
    # Many streams end before their end: what was said until then is judged alike.
    frames = book.stream_of(parts, mixed=mixed)[:length]
    outcome = stream(book.context(rows(*rules), position=Position.INTERFACE), frames, book.request())
    keywords, masks = rules
    received, sent, blocked, said = book.Reading(b"".join(frames)), book.read(outcome.body), False, ""
    for number, (kind, _) in enumerate(parts):
        text: str = received.part(number, kind)
        shown: str = sent.part(number, kind).partition("[The answer")[0].rstrip("\n")
        before = said if kind == "text" else ""
        starts = [start for start, _ in behind(before, text, keywords)]
        blocked = blocked or bool(starts)
        covered = masked(text, behind(before, text, masks))
        assert covered.startswith(shown)
        assert len(shown) <= min(starts, default=len(text))
        assert outcome.decision == "block" or shown == covered
        said += text if kind == "text" else ""
    assert (outcome.decision == "block") == blocked


def written(frames: list[bytes], seed: int) -> bytes:
    """Write frames in one of the many ways the format of event streams allows."""
    chance, out = random.Random(seed), b""  # noqa: S311 no secret is made of it
    for frame in frames:
        name, data = frame.rstrip(b"\n").split(b"\n")
        end = chance.choice([b"\n", b"\r\n", b"\r"])
        payload = data.removeprefix(b"data: ")
        if chance.random() < 0.4:
            payload = json.dumps(json.loads(payload), indent=0, ensure_ascii=chance.random() < 0.5).encode()
        lines = [name, *(chance.choice([b"data:", b"data: "]) + line for line in payload.split(b"\n"))]
        if chance.random() < 0.2:
            lines.insert(0, b": ping")
        out += b"".join(line + end for line in lines) + end
    return out if chance.random() < 0.7 else out[: chance.randint(0, len(out))]


@pytest.mark.parametrize("book", FORMATS)
@generate(PARTS, RULES, st.booleans(), st.integers(0, 2**32), st.sampled_from([300, 700, 4096]), st.data())
@settings(max_examples=500, deadline=None)
def test_output_and_record_do_not_depend_on_the_cutting(
    book: ModuleType,
    parts: Parts,
    rules: tuple[list[str], list[str]],
    mixed: bool,  # noqa: FBT001 drawn
    seed: int,
    frame_bytes: int,
    draw: st.DataObject,
) -> None:
    """Law 2: the same bytes, cut in any way, give the same bytes, the same head and the same record."""
    data = written(book.stream_of(parts, mixed=mixed), seed)
    context = book.context(rows(*rules), bounds=bounds(frame_bytes=frame_bytes))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    whole, cut = stream(context, [data], book.request()), stream(context, pieces, book.request())
    assert (cut.body, cut.start, cut.record) == (whole.body, whole.start, whole.record)


@pytest.mark.parametrize("book", FORMATS)
@generate(PARTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_clean_reply_leaves_as_the_bytes_that_came(book: ModuleType, parts: Parts, mixed: bool) -> None:  # noqa: FBT001 drawn
    """Law 5: all but the last frame, which carries the members."""
    frames = book.stream_of(parts, mixed=mixed)
    outcome = stream(book.context(["丙丁"], position=Position.INTERFACE), frames, book.request())
    *untouched, _ = frames[: -len(book.TERMINATOR)] if book.TERMINATOR else frames
    assert outcome.body.startswith(b"".join(untouched))
    last = book.read(outcome.body).last
    assert (last["aigc"]["Label"], last["sluice"]["decision"]) == ("1", "allow")


@pytest.mark.parametrize("book", FORMATS)
@generate(PARTS, st.sampled_from(Position), st.booleans())
@settings(max_examples=500, deadline=None)
def test_the_label_stands_once_in_the_answer(
    book: ModuleType,
    parts: Parts,
    position: Position,
    mixed: bool,  # noqa: FBT001 drawn
) -> None:
    """Behind the last visible text, in no reasoning and no call; not at all where the answer is a program's."""
    outcome = stream(book.context(["丙丁"], position=position), book.stream_of(parts, mixed=mixed), book.request())
    said = book.read(outcome.body).visible
    model = "".join("".join(pieces) for kind, pieces in parts if kind == "text")
    labels = sum(said.count(each) for each in LABEL.values())
    ends = position in (Position.END, Position.BOTH)
    if not model or any(kind == "call" for kind, _ in parts):
        # An opening label may stand before a call nobody knew of yet.
        assert labels == 0 or position in (Position.START, Position.BOTH)
    else:
        assert labels == {Position.BOTH: 2, Position.INTERFACE: 0}.get(position, 1)
        assert not ends or mixed or said.endswith(tuple(LABEL.values()))
    for each in LABEL.values():
        said = said.replace(f"\n\n{each}", "").replace(f"{each}\n\n", "")
    assert mixed or said == model


def closed_and_open(book: ModuleType, raw: bytes) -> tuple[Outcome, Outcome]:
    """Run a stream with a frame nobody understands under both fail modes."""
    frames = book.stream_of([("text", ["ok "])], mixed=False)
    frames.insert(3, raw)
    opened = Policy(response=PhasePolicy(fail_modes={Stage.KEYWORDS: FailMode.OPEN}))
    return stream(book.context(), frames, book.request()), stream(book.context(policy=opened), frames, book.request())


MALFORMED = [b"data: {broken\n\n", b"data: 1\n\n", b"data: {}\n\n", b'data: {"type": 5}\n\n', b"data: \xff\n\n"]


@pytest.mark.parametrize("raw", MALFORMED)
@pytest.mark.parametrize("book", FORMATS)
def test_a_frame_that_cannot_be_understood_is_a_decision(book: ModuleType, raw: bytes) -> None:
    """Laws 1 and 8: closed, the stream ends with an error; open, it passes and is recorded as unscanned."""
    closed, opened = closed_and_open(book, raw)
    assert (closed.decision, closed.record.error) == ("error", "upstream_malformed")
    assert raw not in closed.body
    assert b"upstream_malformed" in closed.body
    book.read(closed.body)
    assert raw in opened.body
    assert opened.decision == "unscanned"
    assert [each.reason for each in opened.record.unscanned] == ["malformed_frame"]


@pytest.mark.parametrize("book", FORMATS)
@pytest.mark.parametrize(
    "members",
    [
        {"note": "forbidden"},
        {"forbidden": 1},
        {"deep": [{"er": ["so forbidden"]}]},
        {"parts": [{"text": "for"}, {"text": "bidden"}]},
        {"delta": "forbidden"},
        {"delta": {"type": "new_delta", "new": "forbidden"}},
        {"id": "forbidden"},
        {"message": {"content": [{"type": "text", "text": "forbidden"}]}},
        {"response": {"output": [{"type": "new", "text": "forbidden"}]}},
        {"error": {"message": "forbidden"}},
    ],
)
@pytest.mark.parametrize(
    "kind", ["new_event", "response.new.delta", "response.new.done", "forbidden", "ping", "error"]
)
def test_every_byte_forwarded_is_a_byte_scanned(book: ModuleType, kind: str, members: dict[str, Any]) -> None:
    """Law 1: there is no event, known or not, in which a term goes through."""
    frames = book.stream_of([("text", ["ok "])], mixed=False)
    document = {"type": kind, "sequence_number": 3, "index": 0, "output_index": 0, **members}
    raw = b"event: message\ndata: " + json.dumps(document).encode() + b"\n\n"
    outcome = stream(book.context(["forbidden"]), [*frames[:3], raw], book.request())
    assert outcome.decision == "block"
    assert b"forbidden" not in outcome.visible
