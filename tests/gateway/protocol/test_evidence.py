"""What is kept of an exchange's texts: digests that anybody can compute, and excerpts within bounds."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Finding, Phase, Stage
from gateway.protocol.evidence import (
    MOST_EXCERPTS,
    Evidence,
    Excerpt,
    digest_texts,
    excerpts_of,
    keep,
)
from tests.gateway.protocol.playbook import RISK, term

_TEXTS = st.lists(st.text(max_size=6), max_size=6)


def _found(start: int, end: int, stage: Stage = Stage.KEYWORDS, risk: str = RISK) -> Finding:
    return Finding(stage, risk, start, end, term("x"))


def test_digest_is_that_of_the_texts_with_a_byte_behind_each() -> None:
    """As the page on the format says it."""
    assert digest_texts(["ab", "", "甲"]) == hashlib.sha256(b"ab\xff\xff\xe7\x94\xb2\xff").digest()
    assert digest_texts([]) == b""
    assert len(digest_texts(["\ud800"])) == 32


@given(_TEXTS, _TEXTS)
def test_other_texts_have_another_digest(one: list[str], other: list[str]) -> None:
    """Also where their characters together are the same."""
    assert (digest_texts(one) == digest_texts(other)) == (one == other)


@given(_TEXTS, st.integers(0, 20))
def test_kept_is_the_beginning_and_the_rest_is_counted(texts: list[str], room: int) -> None:
    """Nothing goes missing without being counted."""
    kept, cut = keep(texts, room)
    assert "".join(texts).startswith("".join(kept))
    assert cut == len("".join(texts)) - len("".join(kept))
    assert len("".join(kept)) <= room


def test_an_excerpt_is_the_text_around_a_finding() -> None:
    """A little on both sides; findings that stand close share one."""
    text = "a" * 100 + "bad" + "b" * 20 + "evil" + "c" * 400 + "bad" + "d" * 10
    found = [_found(100, 103), _found(123, 127, risk="A.1.a"), _found(527, 530)]
    first, second = excerpts_of(Phase.REQUEST, text, found)
    assert first == Excerpt(Phase.REQUEST, 36, text[36:191], ("A.1.a", RISK))
    assert second == Excerpt(Phase.REQUEST, 463, text[463:], (RISK,))


def test_a_long_finding_gives_its_beginning() -> None:
    """An excerpt is never longer than its bound."""
    (only,) = excerpts_of(Phase.REQUEST, "x" * 5000, [_found(1000, 4000)])
    assert (only.start, len(only.text)) == (936, 512)


def test_findings_side_by_side_fill_several_excerpts() -> None:
    """Windows are joined only as long as one excerpt can hold them, and there are only so many."""
    text = "bad " * 5000
    found = [_found(at, at + 3) for at in range(0, len(text), 4)]
    excerpts = list(excerpts_of(Phase.REQUEST, text, found))
    assert len(excerpts) == MOST_EXCERPTS
    assert max(len(each.text) for each in excerpts) <= 512


def test_personal_data_is_in_no_excerpt() -> None:
    """It brings none, and is hidden in that of a neighbour."""
    text = "call 13812345678 for bad things"
    phone, bad = _found(5, 16, Stage.PERSONAL_DATA), _found(21, 24)
    assert list(excerpts_of(Phase.REQUEST, text, [phone])) == []
    (only,) = excerpts_of(Phase.REQUEST, text, [phone, bad])
    assert only.text == "call *********** for bad things"


def test_evidence_does_not_tell_itself() -> None:
    """A log line or a stack that shows it shows nothing."""
    assert repr(Evidence("alice", prompt=("secret",))) == "Evidence(…)"
