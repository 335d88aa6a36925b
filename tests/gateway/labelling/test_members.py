"""The seven members are written strictly and read leniently."""

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.members import (
    MOST_LABEL_BYTES,
    MOST_LABELS,
    NAMES,
    LabelError,
    Members,
    Verdict,
    compact_json,
    read_label,
    read_labels,
)
from gateway.protocol.labels import Labelling, Position
from tests.gateway.labelling.pictures import MEMBERS, PRODUCER
from tests.gateway.labelling.vendor_forms import TEXTS, inner, text

_VALUES = st.from_regex(re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,60}"), fullmatch=True)


def test_first_writing_follows_annex_e() -> None:
    """Strings alone, in order, without spaces; the propagator is the producer."""
    written = compact_json(MEMBERS)
    assert written == (
        b'{"Label":"1","ContentProducer":"%(p)s","ProduceID":"content-1","ReservedCode1":"",'
        b'"ContentPropagator":"%(p)s","PropagateID":"content-1","ReservedCode2":""}' % {b"p": PRODUCER.encode()}
    )
    assert orjson.loads(written) == Labelling(PRODUCER, Position.END, {}).members("content-1")


@given(_VALUES, _VALUES)
def test_what_is_written_is_read(producer: str, produce_id: str) -> None:
    """Nothing is lost and nothing is a problem."""
    members = Members.first(producer, produce_id)
    found = read_label(compact_json(members))
    assert (found.verdict, found.members, found.problems) == (Verdict.IS, members, ())


@pytest.mark.parametrize(
    ("producer", "produce_id", "told"),
    [
        ("", "x", "ContentProducer is empty"),
        ("x", "", "ProduceID is empty"),
        ("字节", "x", "ContentProducer has characters"),
        ("a b", "x", "ContentProducer has characters"),
        ("x", 'a"b', "ProduceID has characters"),
        ("x", "a\\b", "ProduceID has characters"),
        ("x", "a\nb", "ProduceID has characters"),
        ("x", "a" * 1025, "too long"),
    ],
)
def test_wrong_values_are_not_written(producer: str, produce_id: str, told: str) -> None:
    """The message names the member and what is wrong."""
    with pytest.raises(LabelError, match=told):
        Members.first(producer, produce_id)


def test_only_security_data_may_have_quotes_and_length() -> None:
    """JSON inside a reserved member is escaped, and bounded all the same."""
    assert b'\\"Type\\"' in compact_json(Members.first("x", "y", '{"Type":1}'))
    with pytest.raises(LabelError, match="too long"):
        Members.first("x", "y", "z" * 4097)
    with pytest.raises(LabelError, match="1, 2 or 3"):
        compact_json(Members(label="4", producer="x", produce_id="y"))


@pytest.mark.parametrize("form", TEXTS)
def test_vendor_form_is_read(form: str) -> None:
    """Each of the twelve gives its verdict, and who made what."""
    label, verdict, producer, produce_id = TEXTS[form]
    found = read_label(label)
    assert found.members is not None
    assert (found.verdict, found.members.producer, found.members.produce_id) == (verdict, producer, produce_id)


@pytest.mark.parametrize(
    ("members", "verdict", "told"),
    [
        (inner(Label=1), Verdict.IS, "Label is not a string"),
        (inner(Label=" 1 "), Verdict.IS, None),
        (inner(Label="3"), Verdict.SUSPECTED, None),
        (inner(Label="AIGC"), Verdict.BROKEN, "Label is none of 1, 2 and 3"),
        (inner(Timestamp="now"), Verdict.IS, "1 members are not of the standard"),
        ({"Label": "1"}, Verdict.IS, "ReservedCode2 is missing"),
        ({"ContentProducer": "x"}, Verdict.SUSPECTED, "Label is missing"),
        (inner(ContentProducer="抖音"), Verdict.IS, None),
        ({"AIGC": text(inner()).decode()}, Verdict.IS, None),
    ],
)
def test_departures_are_told_and_read(members: object, verdict: Verdict, told: str | None) -> None:
    """A reader is lenient, and says where."""
    found = read_label(text(members))
    assert found.verdict is verdict
    assert found.problems == () if told is None else told in found.problems


def test_entities_left_in_the_text_are_read() -> None:
    """Some encode once more than XML needs."""
    assert read_label(text(inner()).replace(b'"', b"&quot;")).verdict is Verdict.IS


def test_a_label_has_a_bound() -> None:
    """It is not parsed to find out that it is too long."""
    assert read_label(b'{"Label":"1","x":"' + b"x" * MOST_LABEL_BYTES + b'"}').verdict is Verdict.BROKEN


@pytest.mark.parametrize("gap", [b" ", b"\n", b"= "])
def test_a_name_in_front_is_read_without_hanging(gap: bytes) -> None:
    """Quadratic work on this would outlast the limit of every test."""
    assert read_label(b"AIGC" + gap * 32_000 + b"x").verdict is Verdict.BROKEN
    assert read_label(b"AIGC" + b" " * 16_000 + text(inner())).verdict is Verdict.IS


def test_more_labels_than_any_file_has_are_not_read() -> None:
    """One file, one label; hundreds are an attack on the reader's time."""
    assert read_labels([text(inner())] * MOST_LABELS).verdict is Verdict.IS
    many = read_labels([text(inner())] * (MOST_LABELS + 1))
    assert (many.verdict, many.members) == (Verdict.BROKEN, None)


@given(st.binary(max_size=300))
def test_anything_is_read_without_a_crash(data: bytes) -> None:
    """Bytes of any kind give a verdict."""
    assert read_label(data).verdict in Verdict


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.dictionaries(st.sampled_from([*NAMES, "AIGC", "ServiceProvider", "ContentId"]), inner)
            | st.lists(inner)
        ),
        max_leaves=20,
    )
)
def test_any_json_is_read_without_a_crash(document: object) -> None:
    """Members of any type and depth give a verdict."""
    assert read_label(orjson.dumps(document)).verdict in Verdict


def test_the_strongest_of_several_counts() -> None:
    """More than one is a problem, and so is that they differ."""
    assert read_labels([]).verdict is Verdict.NONE
    found = read_labels([b"{", text(inner(Label="2")), text(inner(ContentProducer=PRODUCER))])
    assert found.verdict is Verdict.IS
    assert found.members is not None
    assert found.members.producer == PRODUCER
    assert "the file has 3 labels; the standard wants one" in found.problems
    assert "the labels do not say the same" in found.problems
    assert "the labels do not say the same" not in read_labels([text(inner()), text({"AIGC": inner()})]).problems
