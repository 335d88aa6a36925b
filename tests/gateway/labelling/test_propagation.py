"""Who passes content on adds members of their own, and keeps those of the producer."""

import json
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.formats import propagate_label, read_file, write_label
from gateway.labelling.members import LabelError, Members, Reading, Verdict, read_label
from gateway.labelling.propagation import NOTHING_KNOWN, Knowledge, propagated, verdict_with
from gateway.labelling.seal import PLAIN, SealState
from tests.gateway.labelling.pictures import MEMBERS, OLD_XMP, OTHER, PICTURES, PRODUCER, pixels, saved
from tests.gateway.labelling.vendor_forms import FILES, SECURITY, TEXTS, chunk, exif, inner, png, text, written
from tests.media import SMALL

_DECLARED, _TRACES = Knowledge(declared=True), Knowledge(traces=True)
_BOTH = Knowledge(declared=True, traces=True)
_PLATFORM = "001191310104MACE0YX63918020"
_FILES = [*PICTURES, *SMALL]


def _made(folder: Path, name: str) -> Path:
    return PICTURES[name](folder / name) if name in PICTURES else written(folder / name, SMALL[name])


@pytest.mark.parametrize(
    ("label", "knowledge", "verdict"),
    [
        (None, NOTHING_KNOWN, Verdict.NONE),
        (None, _DECLARED, Verdict.MAY_BE),
        (None, _TRACES, Verdict.SUSPECTED),
        # (3) is for what nobody declared.
        (None, _BOTH, Verdict.MAY_BE),
        (inner(), _BOTH, Verdict.IS),
        (inner(Label="2"), _TRACES, Verdict.MAY_BE),
        # An attribute that stands there is not talked up by a declaration.
        (inner(Label="3"), _DECLARED, Verdict.SUSPECTED),
        (inner(Label=""), NOTHING_KNOWN, Verdict.SUSPECTED),
        (inner(Label=""), _DECLARED, Verdict.MAY_BE),
        (inner(Label="9"), NOTHING_KNOWN, Verdict.BROKEN),
        (inner(Label="9"), _TRACES, Verdict.SUSPECTED),
    ],
)
def test_verdict_follows_article_six(label: object, knowledge: Knowledge, verdict: Verdict) -> None:
    """Metadata before declarations, declarations before traces."""
    reading = Reading(Verdict.NONE) if label is None else read_label(text(label))
    assert verdict_with(reading, knowledge) is verdict


@pytest.mark.parametrize("form", TEXTS)
def test_producers_members_of_a_vendor_stay(form: str) -> None:
    """Whatever form they came in; the platform's are added."""
    before = read_label(TEXTS[form][0])
    assert before.members is not None
    after = read_label(propagated([TEXTS[form][0]], before.verdict, _PLATFORM, "p-1"))
    own = {"propagator": _PLATFORM, "propagate_id": "p-1", "reserved_code2": ""}
    assert after.members == replace(before.members, label=before.members.label or "3", **own)
    assert (after.verdict, after.others) == (before.verdict, before.others)


@pytest.mark.parametrize("name", FILES)
def test_file_of_a_vendor_is_passed_on(tmp_path: Path, name: str) -> None:
    """With one label, in the standard's place; what it was made of stays, and so does the picture."""
    source, target = written(tmp_path / name, FILES[name]()), tmp_path / f"passed{Path(name).suffix}"
    before = read_file(source).reading
    propagate_label(source, target, _PLATFORM, "p-1")
    after = read_file(target).reading
    assert before.members is not None
    assert after.members is not None
    assert (after.verdict, after.others) == (before.verdict, before.others)
    assert (after.members.producer, after.members.produce_id) == (before.members.producer, before.members.produce_id)
    assert (after.members.reserved_code1, after.members.propagator) == (before.members.reserved_code1, _PLATFORM)
    if source.suffix in (".jpg", ".png"):
        assert pixels(target) == pixels(source)


@pytest.mark.parametrize("name", _FILES)
def test_every_format_is_passed_on(tmp_path: Path, name: str) -> None:
    """Label, producer and seal as they were, one label, and the same content."""
    source, labelled, passed = _made(tmp_path, name), tmp_path / f"l-{name}", tmp_path / f"p-{name}"
    write_label(source, labelled, MEMBERS, key=PLAIN)
    before = read_file(labelled)
    propagate_label(labelled, passed, _PLATFORM, "p-1")
    after = read_file(passed)
    assert before.reading.members is not None
    assert after.reading == Reading(
        Verdict.IS, replace(before.reading.members, propagator=_PLATFORM, propagate_id="p-1")
    )
    assert (after.seal and after.seal.state) == SealState.HOLDS
    if name in PICTURES:
        assert pixels(passed) == pixels(source)


@pytest.mark.parametrize("name", ["plain.png", "xmp.jpg", "a.mp3", "a.mp4", "a.docx", "a.pdf", "a.md", "a.json"])
@pytest.mark.parametrize(("knowledge", "attribute"), [(_DECLARED, "2"), (_TRACES, "3")], ids=["declared", "traces"])
def test_unknown_producer_stays_unnamed(tmp_path: Path, name: str, knowledge: Knowledge, attribute: str) -> None:
    """The platform says no more than it knows, and does not call itself the producer."""
    source, target = _made(tmp_path, name), tmp_path / f"p-{name}"
    propagate_label(source, target, _PLATFORM, "p-1", knowledge)
    found = read_file(target).reading
    assert found == Reading(
        {"2": Verdict.MAY_BE, "3": Verdict.SUSPECTED}[attribute],
        Members(attribute, propagator=_PLATFORM, propagate_id="p-1"),
    )
    if name == "xmp.jpg":
        assert b"<rdf:li>\xe5\xbc\xa0" in target.read_bytes()
        assert b"<rdf:li>\xe5\xbc\xa0" in OLD_XMP


def test_next_platform_replaces_the_one_before(tmp_path: Path) -> None:
    """There is one place for a platform, and the attribute is not changed by passing on."""
    path = saved(tmp_path / "a.png")
    propagate_label(path, path, OTHER, "p-1", _DECLARED)
    propagate_label(path, path, _PLATFORM, "p-2", _TRACES)
    assert read_file(path).reading.members == Members("2", propagator=_PLATFORM, propagate_id="p-2")


def test_what_nobody_says_is_not_written(tmp_path: Path) -> None:
    """No label, no declaration, no traces: the file is as it was."""
    source = saved(tmp_path / "a.png")
    with pytest.raises(LabelError, match="nothing says"):
        propagate_label(source, tmp_path / "b.png", _PLATFORM, "p-1")
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("knowledge", [NOTHING_KNOWN, _BOTH], ids=["nothing known", "declared"])
@pytest.mark.parametrize("label", [b"{", b'{"Label":"9","ContentProducer":"x"}'])
def test_label_that_nobody_can_read_stays(tmp_path: Path, label: bytes, knowledge: Knowledge) -> None:
    """Writing over it would lose what it says."""
    source = written(tmp_path / "a.png", png(chunk(b"tEXt", b"AIGC\0" + label)))
    with pytest.raises(LabelError, match="nobody can read"):
        propagate_label(source, tmp_path / "b.png", _PLATFORM, "p-1", knowledge)


def test_labels_that_disagree_both_stay(tmp_path: Path) -> None:
    """One of them would be lost."""
    two = [chunk(b"tEXt", b"AIGC\0" + text(inner(ContentProducer=each))) for each in (OTHER, PRODUCER)]
    with pytest.raises(LabelError, match="do not say the same"):
        propagate_label(written(tmp_path / "a.png", png(*two)), tmp_path / "b.png", _PLATFORM, "p-1")
    same = written(tmp_path / "c.png", png(two[0], two[0]))
    propagate_label(same, tmp_path / "d.png", _PLATFORM, "p-1")
    assert read_file(tmp_path / "d.png").reading.problems == ()


def test_label_in_a_place_that_is_not_written_stays(tmp_path: Path) -> None:
    """A second one beside it is what the standard forbids, and it is not taken out."""
    source = written(tmp_path / "a.png", png(chunk(b"eXIf", exif(0x010E, text({"AIGC": inner()}) + b"\0"))))
    with pytest.raises(LabelError, match="would have two"):
        propagate_label(source, tmp_path / "b.png", _PLATFORM, "p-1")


def test_what_a_vendor_added_stays() -> None:
    """Members the standard does not have, names in Chinese, security data."""
    label = text(inner(ContentProducer="豆包", ReservedCode1=SECURITY, Timestamp=17, note="一"))
    passed = propagated([label], Verdict.IS, _PLATFORM, "p-1")
    assert passed.isascii()
    document = json.loads(passed)
    assert (document["ContentProducer"], document["ReservedCode1"]) == ("豆包", SECURITY)
    assert (document["Timestamp"], document["note"]) == ("17", "一")


@pytest.mark.parametrize(
    "changes", [{"a\nb": "x"}, {"ProduceID": "a\n- b"}, {"x y": "z"}, {"ContentProducer": "\x1b[2J"}]
)
def test_label_that_would_be_more_in_another_place_is_refused(changes: dict[str, object]) -> None:
    """A line of its own in front matter, an escape on a terminal."""
    with pytest.raises(LabelError, match="control characters"):
        propagated([text(inner(**changes))], Verdict.IS, _PLATFORM, "p-1")


@pytest.mark.parametrize(
    ("propagator", "propagate_id", "told"), [("", "x", "is empty"), ("x", "", "is empty"), ("a b", "x", "characters")]
)
def test_platforms_values_are_held_to_the_standard(propagator: str, propagate_id: str, told: str) -> None:
    """As strictly as a producer's."""
    with pytest.raises(LabelError, match=told):
        propagated([text(inner())], Verdict.IS, propagator, propagate_id)


def test_label_that_would_be_too_long_is_refused() -> None:
    """Readers would not read it."""
    long = text(inner(ReservedCode1="豆" * 20_000))
    with pytest.raises(LabelError, match="would have"):
        propagated([long], Verdict.IS, _PLATFORM, "p-1")


@given(st.dictionaries(st.sampled_from(list(inner())), st.text(max_size=30), min_size=1))
def test_passing_on_twice_is_passing_on_once(members: dict[str, str]) -> None:
    """And never changes what a producer said; or it is refused."""
    label = orjson.dumps(members)
    before = read_label(label)
    try:
        once = propagated([label], before.verdict, _PLATFORM, "p-1")
    except LabelError:
        return
    assert propagated([once], read_label(once).verdict, _PLATFORM, "p-1") == once
    after = json.loads(once)
    for name in ("ContentProducer", "ProduceID", "ReservedCode1"):
        assert after[name] == members.get(name, "")


def test_own_label_that_was_passed_on_is_not_written_over(tmp_path: Path) -> None:
    """The platform's members in it are not the producer's to drop."""
    path = saved(tmp_path / "a.png")
    write_label(path, path, MEMBERS)
    propagate_label(path, path, _PLATFORM, "p-1")
    with pytest.raises(LabelError, match="--propagate"):
        write_label(path, path, MEMBERS)
    # Nor does a platform become the producer of what it passed on.
    other = saved(tmp_path / "b.png")
    propagate_label(other, other, PRODUCER, "p-1", _DECLARED)
    with pytest.raises(LabelError, match="not of this producer"):
        write_label(other, other, MEMBERS)
