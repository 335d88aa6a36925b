"""What was found clean is not scanned again, and that changes nothing but the work."""

import tracemalloc
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import given as given_cases
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Phase, Term
from filters.keywords import MOST_FINDINGS, KeywordMatcher
from filters.ruleset import build_ruleset
from gateway.protocol.commands import ScanText
from gateway.protocol.context import ExchangeContext
from gateway.protocol.verdicts import MOST_CHARACTERS, SHORTEST_CHARACTERS, VerdictMemory, all_unread
from tests.gateway.protocol.playbook import RISK, ask, bounds, given, reply, request, term

CLEAN = "水位正常，闸门按计划打开。" * 8
WITH_TERM = CLEAN + "forbidden"
MATCHER = KeywordMatcher([term("forbidden")], Phase.REQUEST)


def _look(memory: VerdictMemory, texts: Iterable[str], scope: str = "a", matcher: KeywordMatcher = MATCHER) -> int:
    """Scan a document by way of the memory; return how many of its texts were read."""
    unread = memory.unread(scope, list(texts))
    memory.settle(unread, matcher.scan_all(unread.texts))
    return len(unread.texts)


def test_a_clean_text_is_read_once() -> None:
    """The second time nothing of it is scanned, whatever stands beside it."""
    memory = VerdictMemory(b"key")
    assert _look(memory, [CLEAN]) == 1
    assert _look(memory, [CLEAN]) == 0
    assert _look(memory, ["short", CLEAN, CLEAN + "new"]) == 2


def test_a_text_with_findings_is_read_each_time() -> None:
    """Its findings come out each time, at their place among the texts."""
    memory = VerdictMemory(b"key")
    for _ in range(2):
        unread = memory.unread("a", [CLEAN, WITH_TERM])
        clean, found = memory.settle(unread, MATCHER.scan_all(unread.texts))
        assert (clean, [(each.start, each.risk) for each in found]) == ((), [(len(CLEAN), RISK)])
    assert unread.texts == (WITH_TERM,)


def test_what_is_clean_by_one_ruleset_is_not_by_another() -> None:
    """The scope is part of what a text is known by."""
    memory = VerdictMemory(b"key")
    assert [_look(memory, [CLEAN], scope) for scope in ("a", "b", "a")] == [1, 1, 0]


def test_scope_and_text_do_not_run_into_each_other() -> None:
    """Where the scope ends is seen."""
    memory = VerdictMemory(b"key")
    _look(memory, ["x" + CLEAN], "a")
    assert _look(memory, [CLEAN], "ax") == 1


def test_the_digest_depends_on_the_key() -> None:
    """Without the key nobody can look for two texts that are taken for each other."""
    digests = {VerdictMemory(key).unread("a", [CLEAN]).digests for key in (b"one", b"two")}
    assert len(digests) == 2


def test_a_text_for_which_a_digest_costs_more_than_a_scan_is_not_looked_up() -> None:
    """Short texts stand beside long ones and are scanned with them."""
    memory = VerdictMemory(b"key")
    texts = [CLEAN, "短" * (SHORTEST_CHARACTERS - 1), "短" * SHORTEST_CHARACTERS]
    unread = memory.unread("a", texts)
    assert [bool(digest) for digest in unread.digests] == [True, False, True]
    assert (unread.hits, unread.misses) == (0, 2)
    assert memory.unread("a", texts[1:2]) == all_unread(texts[1:2])


def test_the_work_on_the_loop_is_bounded() -> None:
    """Behind so many characters of one document, texts are scanned and not looked up."""
    memory = VerdictMemory(b"key")
    unread = memory.unread("a", ["x" * MOST_CHARACTERS, CLEAN])
    assert [bool(digest) for digest in unread.digests] == [True, False]
    assert not any(memory.unread("a", ["x" * (MOST_CHARACTERS + 1)]).digests)


def test_the_text_seen_least_recently_is_forgotten_first() -> None:
    """A conversation that goes on stays; seen is what counts, not remembered."""
    memory = VerdictMemory(b"key", limit=2)
    first, second, third = (CLEAN + each for each in "123")
    _look(memory, [first])
    _look(memory, [second])
    _look(memory, [first])
    _look(memory, [third])
    assert len(memory) == 2
    assert [_look(memory, [each]) for each in (first, third, second)] == [0, 0, 1]


def test_its_bytes_are_bounded_whatever_the_texts() -> None:
    """A text of megabytes takes what a sentence takes."""
    memory = VerdictMemory(b"key", limit=4096)
    tracemalloc.start()
    try:
        for number in range(5000):
            _remember(memory, f"{number}" + "x" * (SHORTEST_CHARACTERS + number % 7 * 1000))
        assert tracemalloc.get_traced_memory()[0] < 4096 * 200
    finally:
        tracemalloc.stop()


def _remember(memory: VerdictMemory, text: str) -> None:
    memory.settle(memory.unread("a", [text]), ((),))


def test_what_was_not_read_is_not_remembered() -> None:
    """Behind more findings than are judged the scan stops, and silence says nothing."""
    memory = VerdictMemory(b"key")
    texts = ["forbidden " * (MOST_FINDINGS + 1), CLEAN, WITH_TERM]
    unread = memory.unread("a", texts)
    found = MATCHER.scan_all(unread.texts)
    assert found[1:] == ((), ())
    memory.settle(unread, found)
    assert len(memory) == 0


class _Turn(NamedTuple):
    """One request of a random history: how many of its texts come, what is new, and which lists are in force."""

    kept: int
    new: list[str]
    lists: int


_WORDS = st.sampled_from(["平安", "forbidden", "bad", "水" * SHORTEST_CHARACTERS, CLEAN, "x" * 40])
_TEXT = st.lists(_WORDS, max_size=4).map("".join)
_TURNS = st.lists(st.builds(_Turn, st.integers(0, 9), st.lists(_TEXT, max_size=3), st.integers(0, 2)), max_size=8)
_RULESETS = [
    build_ruleset([Term(text, RISK) for text in texts], f"sha256:{number}")
    for number, texts in enumerate((["forbidden"], ["bad", "平安x"], []))
]


@settings(max_examples=60, deadline=None)
@given_cases(_TURNS, st.integers(0, 3))
def test_with_and_without_memory_the_findings_are_the_same(turns: list[_Turn], limit: int) -> None:
    """The law of this module: for every history, every swap of lists and every size of the memory."""
    memory, history = VerdictMemory(b"key", limit), list[str]()
    for turn in turns:
        history = history[: turn.kept] + turn.new
        ruleset = _RULESETS[turn.lists]
        unread = memory.unread(ruleset.digest, history)
        found = memory.settle(unread, ruleset.request.scan_all(unread.texts))
        assert found == ruleset.request.scan_all(history)
        assert len(memory) <= limit


def _conversation(turns: int) -> list[dict[str, str]]:
    said = [f"第{number}轮：{CLEAN}" for number in range(2 * turns - 1)]
    return [{"role": "user" if number % 2 == 0 else "assistant", "content": text} for number, text in enumerate(said)]


def _scanned_characters(context: ExchangeContext, turns: int) -> int:
    """Send a conversation; count the characters of it that were scanned."""
    outcome = ask(context, request(stream=False, messages=_conversation(turns)))
    assert outcome.decision == "allow"
    jobs = [each for each in outcome.commands if isinstance(each, ScanText) and each.phase is Phase.REQUEST]
    return sum(len(text) for job in jobs for text in job.texts)


def test_a_conversation_of_fifty_turns_pays_for_its_new_turn() -> None:
    """With every request the last answer and the new question are scanned, and what is too short to look up."""
    # No text is scanned on the spot here, so that every scan is a command that can be counted.
    context = given(["forbidden"], bounds=bounds(inline_scan_characters=0), memory=VerdictMemory(b"key"))
    beside = len("m")
    for turns in range(1, 51):
        new = sum(len(each["content"]) for each in _conversation(turns)[-2:])
        assert _scanned_characters(context, turns) == new + beside
    whole = sum(len(each["content"]) for each in _conversation(50))
    assert whole > 10_000
    assert _scanned_characters(context, 50) == beside


def test_the_last_scan_counts_what_was_looked_up() -> None:
    """An exchange tells how many texts were known and how many were not."""
    context = given(memory=VerdictMemory(b"key"))
    bodies = [request(stream=False, messages=_conversation(turns)) for turns in (1, 2)]
    assert [ask(context, body).exchange.lookups for body in bodies] == [(0, 1), (1, 2)]


def test_a_reply_is_not_looked_up() -> None:
    """The same words in a prompt and in a reply are judged by different terms."""
    both = [term("forbidden", phases=[Phase.RESPONSE])]
    context = given(both, memory=VerdictMemory(b"key"))
    clean_prompt = ask(context, request(WITH_TERM, stream=False))
    assert clean_prompt.decision == "allow"
    assert ask(context, request(WITH_TERM, stream=False), reply(WITH_TERM)).decision == "block"
