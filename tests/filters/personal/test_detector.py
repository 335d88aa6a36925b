"""The detector: streams find what scans find, hold back what they must, and say nothing of values."""

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import MOST_FINDINGS, Finding, Known, Stage
from filters.folding import fold
from filters.personal.detector import BATCH, Unhurried, personal_data
from filters.personal.running import TILE, RunningStream
from tests.filters.personal import samples
from tests.filters.test_patterns import cut

VALUES = [
    samples.ID_NUMBER,
    samples.CARD,
    "6222 0212 3456 7890 128",
    samples.MOBILE,
    samples.EMAIL,
    samples.IPV4,
    samples.IPV6,
    samples.PLATE,
    f"护照{samples.PASSPORT}",
    "sk-" + samples.random_like(48),
    samples.pem(lines=6),
    samples.pem(lines=1).partition("\n")[0],
    samples.JWT[:300],
    samples.JWT[:60],
    "_",
    samples.pem(lines=6, newline="\\n")[:150],
]
PIECES = st.sampled_from([*VALUES, " ", "，", "的", "a", "1", "-", ".", "\n", "@", "the word ", "x" * 300])
TEXTS = st.lists(PIECES, max_size=8).map("".join)
CUTS = st.lists(st.integers(0, 2_000), max_size=6)


def streamed(stream: RunningStream | Unhurried, pieces: list[str]) -> list[Known]:
    """Feed all pieces and end the text."""
    return [known for piece in pieces for known in stream.feed(piece)] + stream.finish()


def sorted_findings(found: list[Known]) -> list[Finding]:
    """Return the findings in the order of a scan."""
    return sorted((known.finding for known in found), key=lambda each: (each.end, each.start, each.term.text))


@generate(TEXTS, CUTS)
@settings(max_examples=80, deadline=None)
def test_a_stream_finds_what_a_scan_finds_at_the_same_moments(text: str, cuts: list[int]) -> None:
    """However the text is cut: the same findings, certain by the same lengths."""
    found = streamed(personal_data().stream(), cut(text, cuts))
    assert found == streamed(personal_data().stream(), list(text))
    whole = sorted(personal_data().scan(text), key=lambda each: (each.end, each.start, each.term.text))
    assert sorted_findings(found) == whole
    assert personal_data().scan_all(["", text]) == ((), tuple(personal_data().scan(text)))


@generate(TEXTS, CUTS)
@settings(max_examples=80, deadline=None)
def test_no_finding_begins_before_what_was_let_go(text: str, cuts: list[int]) -> None:
    """Whatever the cutting, the frontier never passes the start of a finding that is told later."""
    stream, let_go = personal_data().stream(), 0
    for piece in cut(text, cuts):
        for known in stream.feed(piece):
            assert known.finding.start >= let_go
        assert stream.frontier >= let_go
        let_go = stream.frontier
    assert all(known.finding.start >= let_go for known in stream.finish())
    assert stream.frontier == len(text)


@generate(TEXTS, CUTS, st.integers(0, 2_000))
@settings(max_examples=80, deadline=None)
def test_the_frontier_of_any_length_can_be_asked_for(text: str, cuts: list[int], at: int) -> None:
    """`clear_before` inside the last piece says what the frontier was when the text ended there."""
    *_, last = pieces = cut(text, cuts)
    at = max(len(text) - len(last), min(at, len(text)))
    stream, shorter = personal_data().stream(), personal_data().stream()
    for piece in pieces:
        stream.feed(piece)
    shorter.feed(text[:at])
    assert stream.clear_before(at) == shorter.frontier


@generate(TEXTS, CUTS)
@settings(max_examples=100, deadline=None)
def test_an_unhurried_scan_holds_nothing_and_finds_the_same(text: str, cuts: list[int]) -> None:
    """Its findings are certain at whole batches, however the text is cut."""
    stream, found, length = personal_data().unhurried(), list[Known](), 0
    for piece in cut(text, cuts):
        found += stream.feed(piece)
        length += len(piece)
        assert stream.frontier == length == stream.clear_before(length)
        assert all(known.at % BATCH == 0 for known in found)
    found += stream.finish()
    assert found == streamed(personal_data().unhurried(), list(text))
    assert sorted_findings(found) == sorted_findings(streamed(personal_data().stream(), [text]))


@pytest.mark.parametrize("text", ["今天天气很好，", "一共三个人：小王、小李和小张。", "The end. ", "f(x) = x² "])
def test_ordinary_text_is_not_held_back(text: str) -> None:
    """Nothing in it may become anything."""
    stream = personal_data().stream()
    for char in text:
        stream.feed(char)
    assert stream.frontier == len(text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("电话138", "138"),
        ("请写信给 wang", "wang"),
        ("it is sk-", "sk-"),
        (f"电话{samples.MOBILE}", samples.MOBILE),
        ("see -----BEGIN RSA PRI", "-----BEGIN RSA PRI"),
        ("a京A1234", "京A1234"),
        ("电话13x", "13x"),
    ],
)
def test_what_may_become_a_finding_is_held_back(text: str, held: str) -> None:
    """Exactly that, and not what stands before it."""
    stream = personal_data().stream()
    stream.feed(text)
    assert text[stream.frontier :] == held


def test_what_is_kept_of_a_stream_is_bounded() -> None:
    """An endless text, and an endless secret, take no more memory than short ones."""
    for endless in ("数字1，", "a" * 7, samples.pem().rpartition("\n")[0]):
        stream = personal_data().stream()
        for _ in range(200):
            stream.feed(endless)
        assert len(stream._tail) + len(stream._patterns._raw) < 1_000 + 2 * len(endless)
        assert len(stream._stretches) <= 2


def test_a_secret_under_way_holds_back_no_more_than_a_tile() -> None:
    """What is settled goes on, masked, while the key still comes."""
    stream, text = personal_data().stream(), samples.pem()
    for at, char in enumerate(text):
        stream.feed(char)
        assert at + 1 - stream.frontier <= TILE


def test_findings_name_the_kind_and_never_the_value() -> None:
    """What is recorded of a finding is its term."""
    (finding,) = personal_data().scan(f"电话{samples.MOBILE}")
    assert finding.stage is Stage.PERSONAL_DATA
    assert samples.MOBILE not in repr(finding)
    assert finding.term.text == "personal_data.phone"


def test_a_text_full_of_values_is_not_read_to_its_end() -> None:
    """One finding more than are judged one by one is enough."""
    text = f"{samples.MOBILE}\n" * (2 * MOST_FINDINGS)
    assert MOST_FINDINGS < len(personal_data().scan(text)) < 2 * MOST_FINDINGS
    first, second = personal_data().scan_all([text, text])
    assert len(first) > MOST_FINDINGS
    assert second == ()


def test_every_beginning_is_known_by_its_first_character() -> None:
    """Text without such a character is not looked at, so none may be missing."""
    patterns = personal_data()._patterns
    assert patterns._first is not None
    assert patterns._begun is not None
    others = [char for char in map(chr, range(0x10000)) if not patterns._first.search(fold(char))]
    assert len(others) > 60_000
    assert [char for char in others if patterns._begun.search(fold(char)) is not None] == []
