"""What an exchange's witness says at the end."""

import hashlib

import pytest

from filters.findings import Finding, Phase, Stage
from gateway.protocol.evidence import KEPT_CHARACTERS, MOST_EXCERPTS, ContentScope, digest_texts
from gateway.protocol.witness import Witness
from tests.gateway.protocol.playbook import RISK, term


def _found(start: int, end: int) -> Finding:
    return Finding(Stage.KEYWORDS, RISK, start, end, term("x"))


def test_nothing_heard_is_no_evidence() -> None:
    """A request that was refused unread leaves none."""
    evidence = Witness(ContentScope.ALL).testify()
    assert tuple(evidence) == ("", b"", b"", (), (), (), (0, 0))


@pytest.mark.parametrize("scope", ContentScope)
def test_texts_are_kept_where_all_content_is(scope: ContentScope) -> None:
    """Digests are always taken."""
    witness = Witness(scope)
    witness.hear(Phase.REQUEST, ["a", "b"])
    witness.hear(Phase.RESPONSE, ["c" * (KEPT_CHARACTERS + 5)])
    evidence = witness.testify()
    assert evidence.prompt_sha256 == digest_texts(["a", "b"])
    assert evidence.reply_sha256 == digest_texts(["c" * (KEPT_CHARACTERS + 5)])
    everything = scope is ContentScope.ALL
    assert evidence.prompt == (("a", "b") if everything else ())
    assert evidence.reply == (("c" * KEPT_CHARACTERS,) if everything else ())
    assert evidence.cut_characters == ((0, 5) if everything else (0, 0))


def test_the_end_user_is_no_text() -> None:
    """Neither digested, nor kept, nor shown in an excerpt."""
    witness = Witness(ContentScope.ALL)
    witness.named = "alice"
    witness.hear(Phase.REQUEST, ["alice", "a"])
    assert witness.testify().prompt == ("a",)
    assert witness.testify().prompt_sha256 == digest_texts(["a"])
    flagged = Witness(ContentScope.FLAGGED)
    flagged.named = "alice"
    flagged.note(Phase.REQUEST, "alice", [_found(0, 5)])
    assert flagged.testify().excerpts == ()


def test_running_texts_are_digested_one_by_one() -> None:
    """In the order in which they began, whatever came between."""
    witness = Witness(ContentScope.ALL)
    first, second = witness.begin_text(), witness.begin_text()
    for piece in ("ab", "cd"):
        first.add(piece)
        second.add(piece * KEPT_CHARACTERS)
    evidence = witness.testify()
    parts = [b"abcd", b"ab" * KEPT_CHARACTERS + b"cd" * KEPT_CHARACTERS]
    assert evidence.reply_sha256 == hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in parts)).digest()
    assert "".join(evidence.reply) == "abcd" + ("ab" * KEPT_CHARACTERS)[: KEPT_CHARACTERS - 5]
    assert evidence.cut_characters == (0, 3 * KEPT_CHARACTERS + 5)
    assert witness.testify() == evidence


@pytest.mark.parametrize("scope", ContentScope)
def test_excerpts_are_kept_where_they_are_wanted(scope: ContentScope) -> None:
    """So many of each half, of texts that are complete and of those that run."""
    witness = Witness(scope)
    for phase in Phase:
        for _ in range(MOST_EXCERPTS + 1):
            witness.note(phase, "bad", [_found(0, 3)])
    running = witness.begin_text()
    running.note(_found(0, 3))
    running.add("bad")
    excerpts = witness.testify().excerpts
    assert len(excerpts) == (2 * MOST_EXCERPTS if scope is ContentScope.FLAGGED else 0)
