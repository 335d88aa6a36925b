"""Which server is asked, as scripts of choices and outcomes; no clock, no chance, no sockets."""

from collections import Counter
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.upstream.selection import Change, Choice, HealthRules, Outcome, Selector, Upstream

CHAT = "openai.chat"
RULES = HealthRules(failures=3, first_seconds=2.0, most_seconds=60.0)
A, B = Upstream("a"), Upstream("b")


class Play:
    """A selector, the time, and the requests it gave away.

    Attributes:
        now: the time; tests move it.
        last: the choice made last.
    """

    def __init__(self, *upstreams: Upstream, chance: float = 0.0) -> None:
        self.now = 100.0
        self.selector = Selector(upstreams, lambda: chance, RULES)
        self.last: Choice | None = None

    def choose(self, model: str = "m", dialect: str = CHAT) -> str | None:
        """Choose; return the server's name."""
        self.last = self.selector.choose(model, dialect, self.now)
        return self.last.upstream.name if self.last else None

    def report(self, outcome: Outcome, choice: Choice | None = None) -> Change | None:
        """Report on a choice, the last one unless another is given."""
        choice = choice or self.last
        assert choice is not None
        return self.selector.report(choice, outcome, self.now)

    def fail(self, upstream: Upstream, times: int = RULES.failures) -> Self:
        """Have requests to a server fail."""
        for _ in range(times):
            self.selector.report(Choice(upstream), Outcome.FAILED, self.now)
        return self


def test_weights_are_exact_and_interleaved() -> None:
    """Over a full turn each server gets its share, and the heaviest never gets it all at once."""
    play = Play(Upstream("a", 5), Upstream("b", 1), Upstream("c", 1))
    assert "".join(play.choose() or "" for _ in range(14)) == "aabacaa" * 2


@pytest.mark.parametrize(
    ("models", "dialects", "model", "dialect", "serves"),
    [
        ({}, (), "anything", CHAT, True),
        ({"m": "m"}, (), "m", CHAT, True),
        ({"m": "m"}, (), "other", CHAT, False),
        ({"m": "m"}, (), "", CHAT, True),  # a request that names no model
        ({}, ("openai.chat",), "m", CHAT, True),
        ({}, ("openai",), "m", CHAT, True),
        ({}, ("openai.ch",), "m", CHAT, False),
        ({}, ("anthropic", "openai"), "m", "anthropic.messages", True),
        ({}, ("anthropic",), "m", CHAT, False),
        ({"m": "m"}, ("anthropic",), "m", CHAT, False),
    ],
)
def test_a_server_serves_its_models_in_its_formats(
    models: dict[str, str],
    dialects: tuple[str, ...],
    model: str,
    dialect: str,
    serves: bool,  # noqa: FBT001 the same
) -> None:
    """No list means all; a family means its members, and no mere beginning of a name."""
    play = Play(Upstream("a", models=models, dialects=dialects))
    assert play.choose(model, dialect) == ("a" if serves else None)


def test_failures_in_a_row_leave_a_server_out() -> None:
    """The third one does; until then, and for the others, nothing changes."""
    play = Play(A, B)
    assert [play.report(Outcome.FAILED, Choice(A)) for _ in range(3)] == [None, None, Change.EJECTED]
    assert {play.choose() for _ in range(6)} == {"b"}


def test_a_whole_reply_between_failures_counts_them_anew() -> None:
    """Failures far apart are nothing to act on."""
    play = Play(A, B)
    for _ in range(5):
        play.fail(A, 2)
        assert play.report(Outcome.COMPLETED, Choice(A)) is None
    assert {play.choose() for _ in range(4)} == {"a", "b"}


def test_a_head_alone_does_not_clear_a_server() -> None:
    """One that answers and then breaks its replies off is left out as well."""
    play = Play(A, B)
    news = []
    for _ in range(3):
        choice = Choice(A)
        assert play.report(Outcome.ANSWERED, choice) is None
        news.append(play.report(Outcome.FAILED, choice))
    assert news == [None, None, Change.EJECTED]


def test_what_the_client_gave_up_says_nothing_about_the_server() -> None:
    """Clients that leave must not take a server out."""
    play = Play(A, B).fail(A, 2)
    assert [play.report(Outcome.ABANDONED, Choice(A)) for _ in range(5)] == [None] * 5
    assert "a" in {play.choose() for _ in range(2)}


def test_one_request_is_let_through_when_the_time_is_over() -> None:
    """It is the next one; until it was answered, no other follows it."""
    play = Play(A, B).fail(A)
    play.now += 1.99
    assert {play.choose() for _ in range(4)} == {"b"}
    play.now += 0.01
    assert play.choose() == "a"
    probe = play.last
    assert {play.choose() for _ in range(4)} == {"b"}
    assert play.report(Outcome.ANSWERED, probe) is Change.RECOVERED
    assert {play.choose() for _ in range(4)} == {"a", "b"}


def test_a_probe_that_fails_doubles_the_time() -> None:
    """Two, four, eight … seconds, and never more than a minute."""
    play = Play(A, B).fail(A)
    for seconds in (2, 4, 8, 16, 32, 60, 60):
        play.now += seconds - 0.001
        assert play.choose() == "b"
        play.now += 0.001
        assert play.choose() == "a"
        assert play.report(Outcome.FAILED) is None  # it is left out already: no news


def test_a_probe_that_is_given_up_lets_the_next_one_through() -> None:
    """A client that leaves in the wrong moment must not keep a server out for ever."""
    play = Play(A, B).fail(A)
    play.now += 2
    assert play.choose() == "a"
    play.report(Outcome.ABANDONED)
    assert play.choose() == "a"


def test_a_server_that_came_back_is_on_trial() -> None:
    """Its first break leaves it out again, for longer; its first whole reply clears it."""
    play = Play(A, B).fail(A)
    play.now += 2
    play.choose()
    play.report(Outcome.ANSWERED)
    assert play.report(Outcome.FAILED) is Change.EJECTED
    play.now += 3.9
    assert play.choose() == "b"
    play.now += 0.1
    assert play.choose() == "a"
    play.report(Outcome.ANSWERED)
    play.report(Outcome.COMPLETED)
    assert play.fail(A, 2).choose() is not None
    assert {play.choose() for _ in range(2)} == {"a", "b"}


def test_late_failures_of_a_server_that_is_left_out_do_not_prolong_it() -> None:
    """A hundred requests under way fail with their server; that is one outage."""
    play = Play(A, B).fail(A, 100)
    play.now += 2
    assert play.choose() == "a"


def test_an_old_reply_that_ends_does_not_clear_a_server_that_is_left_out() -> None:
    """It began before the trouble, and says nothing about now."""
    play = Play(A, B).fail(A)
    assert play.report(Outcome.COMPLETED, Choice(A)) is None
    assert {play.choose() for _ in range(2)} == {"b"}


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 2.0), (0.5, 1.5), (1.0, 1.0)])
def test_chance_spreads_the_time(chance: float, seconds: float) -> None:
    """Between half of the time and the whole: gateways that fell out together do not come back together."""
    play = Play(A, B, chance=chance).fail(A)
    play.now += seconds - 0.01
    assert play.choose() == "b"
    play.now += 0.02
    assert play.choose() == "a"


def test_when_all_fail_all_are_asked() -> None:
    """An answer that may come beats an error that is sure; the only server of a model is never left out."""
    play = Play(A, B).fail(A).fail(B)
    assert {play.choose() for _ in range(4)} == {"a", "b"}
    alone = Play(Upstream("a", models={"x": "x"}), Upstream("b", models={"y": "y"})).fail(A)
    assert [alone.choose("x") for _ in range(3)] == ["a"] * 3


def test_an_answer_in_spite_of_all_brings_a_server_back() -> None:
    """Where all were left out, the first that answers serves again."""
    play = Play(A, B).fail(A).fail(B)
    assert play.report(Outcome.ANSWERED, Choice(B)) is Change.RECOVERED
    assert {play.choose() for _ in range(4)} == {"b"}


def test_another_server_is_a_healthy_one_that_was_not_tried() -> None:
    """A request that failed once is no probe."""
    third = Upstream("c", models={"other": "other"})
    play = Play(A, B, third)
    other = play.selector.choose_other("m", CHAT, ["a"])
    assert other is not None
    assert other.upstream is B
    assert play.selector.choose_other("m", CHAT, ["a", "b"]) is None
    play.fail(B)
    play.now += 1000
    assert play.selector.choose_other("m", CHAT, ["a"]) is None


_UPSTREAMS = st.lists(st.tuples(st.integers(1, 5), st.sets(st.sampled_from("xyz"))), min_size=1, max_size=4).map(
    lambda drawn: [Upstream(str(i), w, {m: m for m in models}) for i, (w, models) in enumerate(drawn)]
)
_STEPS = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from([*Outcome, None]), st.floats(0, 30)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(_UPSTREAMS, _STEPS)
def test_a_request_finds_a_server_whenever_one_has_its_model(
    upstreams: list[Upstream], steps: list[tuple[str, Outcome | None, float]]
) -> None:
    """Whatever happened before; and never one that has not."""
    play = Play(*upstreams)
    for model, outcome, seconds in steps:
        having = {each.name for each in upstreams if each.serves(model, CHAT)}
        name = play.choose(model)
        assert (name in having) if having else name is None
        # Some are still under way when the next one comes.
        if name is not None and outcome is not None:
            play.report(outcome)
        play.now += seconds


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 3))
def test_shares_are_exact_over_full_turns(weights: list[int], turns: int) -> None:
    """After as many requests as all weights together, each server had as many as its weight."""
    play = Play(*(Upstream(str(i), weight) for i, weight in enumerate(weights)))
    counts = Counter(play.choose() for _ in range(turns * sum(weights)))
    assert counts == {str(i): turns * weight for i, weight in enumerate(weights)}
