"""The keyword scan of a text in pieces: it says what a scan of the whole says, in bounded memory."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.findings import MOST_FINDINGS, Kind, Phase, Step, Term
from filters.keyword_stream import KeywordStream
from filters.keywords import KeywordMatcher
from tests.filters.streaming import order, run, shown_before_a_stop

# Letters of terms, what they are written with, and what stands between: few, so that they meet often.
LETTERS = "ab甲乙冰毒大麻4i"
NOISE = "病烦 *-.\u200b\u0301AＡ@1ii﷽ﬁ"
COMBINATIONS = ("a & 甲", "a & b ~5", "冰 & 毒 ~9 - 甲", "a - b")


@st.composite
def matchers(draw: st.DrawFn) -> KeywordMatcher:
    """Draw a few terms of every kind."""
    off = st.sampled_from([frozenset[Step](), frozenset({Step.SEPARATORS}), frozenset({Step.HOMOPHONES})])
    kinds = st.sampled_from([Kind.LITERAL, Kind.LITERAL, Kind.WORD])
    row = st.builds(
        lambda text, kind, folds_off: Term(text, "A.1.a", kind=kind, folds_off=folds_off),
        st.text(LETTERS, min_size=1, max_size=5),
        kinds,
        off,
    )
    rows = draw(st.lists(row, min_size=1, max_size=5))
    if draw(st.booleans()):
        rows += [Term("大麻烦", "", kind=Kind.ALLOW), Term("大麻", "A.1.f")]
    if draw(st.booleans()):
        rows.append(Term(draw(st.sampled_from(COMBINATIONS)), "A.1.b", kind=Kind.ALL))
    return KeywordMatcher(rows, Phase.REQUEST)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a text, mostly of what terms are made of, some of it repeated often."""
    # From a seed: drawn one by one, characters would take most of the time.
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 no secret is made of it
    times = (1, 1, 1, 1, 1, 2, 3, 10, 40)
    size = chance.randint(1, 14)
    return "".join(chance.choice(LETTERS + LETTERS + NOISE) * chance.choice(times) for _ in range(size))


@given(matchers(), texts(), st.data())
@settings(max_examples=300, deadline=None)
def test_a_stream_finds_what_a_scan_finds_however_it_is_cut(
    matcher: KeywordMatcher, text: str, draw: st.DataObject
) -> None:
    """The findings are those of the whole text; the moment of each, and every frontier, is one for all cuttings."""
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    found, clear = run(matcher, text)
    assert sorted((known.finding for known in found), key=repr) == sorted(matcher.scan(text), key=repr)
    for other in (pieces, [text]):
        again, clear_again = run(matcher, other)
        assert order(again) == order(found)
        assert clear_again.items() <= clear.items()
    assert all(known.finding.end <= known.at <= len(text) for known in found)


@given(matchers(), texts(), st.data())
@settings(max_examples=300, deadline=None)
def test_nothing_of_a_place_leaves_before_it_is_known(
    matcher: KeywordMatcher, text: str, draw: st.DataObject
) -> None:
    """As long as a finding is not known, no frontier lies behind its start; what a stop shows ends before it."""
    found, clear = run(matcher, text)
    single = [known for known in found if known.finding.term.kind is not Kind.ALL]
    for known in single:
        # A combination begins where its first part stands, which may have left long before the last one came.
        assert all(clear[at] <= known.finding.start for at in range(1, known.at) if at in clear)
    cut = draw.draw(st.integers(0, len(text)))
    shown, stop = shown_before_a_stop(KeywordStream(matcher.lexicon), [text[:cut], text[cut:]])
    assert (stop is None) == (not found)
    assert shown == (len(text) if stop is None else shown_before_a_stop(KeywordStream(matcher.lexicon), text)[0])
    assert stop is None or shown <= stop.finding.start or stop.finding.term.kind is Kind.ALL


@given(st.text("甲乙大麻冰毒ab4*\u200b ", max_size=40), st.text("山水qz7。，", max_size=40))
@settings(max_examples=200, deadline=None)
def test_what_has_nothing_of_a_term_is_never_held(terms: str, text: str) -> None:
    """Text of other characters, of other sounds, leaves with the piece it came in."""
    rows = [Term(f"{terms}乙冰", "A.1.a"), Term("大麻", "A.1.f"), Term("a4", "A.1.f")]
    stream = KeywordStream(KeywordMatcher(rows, Phase.REQUEST).lexicon)
    for size, char in enumerate(text, 1):
        assert stream.feed(char) == []
        assert stream.frontier == size


def test_without_terms_nothing_is_held_or_kept() -> None:
    """A matcher without terms clears everything at once."""
    stream = KeywordStream(KeywordMatcher([], Phase.REQUEST).lexicon)
    assert (stream.feed("text"), stream.frontier, stream.pending) == ([], 4, 0)
    assert (stream.clear_before(2), stream.clear_before(4)) == (2, 4)
    assert (stream.feed(""), stream.finish(), stream.frontier) == ([], [], 4)


def test_an_empty_piece_changes_nothing() -> None:
    """It neither releases nor forgets what is held."""
    stream = KeywordStream(KeywordMatcher([Term("forbidden", "A.1.a")], Phase.REQUEST).lexicon)
    stream.feed("it is forb")
    assert (stream.feed(""), stream.frontier) == ([], 6)
    assert [known.finding.start for known in stream.feed("idden")] == [6]


def test_a_stream_may_go_on_behind_its_end() -> None:
    """A name that is said twice in a frame goes on where it ended, and what was found is not found again."""
    matcher = KeywordMatcher([Term("大麻", "A.1.f", kind=Kind.WORD), Term("f@ke", "A.1.b")], Phase.REQUEST)
    stream = KeywordStream(matcher.lexicon)
    assert stream.feed("有大麻") == []
    assert [(known.at, known.finding.start) for known in stream.finish()] == [(3, 1)]
    assert (stream.feed("。 f@"), stream.finish()) == ([], [])
    assert [known.finding.start for known in stream.feed("ke")] == [5]


@pytest.mark.parametrize(
    ("terms", "text", "clear"),
    [
        (["冰毒货源"], "病", 0),  # sounds like its beginning
        (["甲乙"], "郏", 1),  # a pair begins as people type it
        (["冰毒"], "病", 0),  # and by what people type for it
        (["冰毒"], "买冰", 1),
        (["forbidden"], "f0rb", 0),
        (["forbidden"], "x***f*o", 4),
        (["forbidden"], "forfor", 3),
        (["abcd"], "aaab", 0),  # from the first of a run: repeats may be part of the place
        (["妈妈"], "好妈", 1),  # the run may grow
        (["cash"], "a c@s", 2),  # the reading in which signs are letters
        (["gab"], "g" + "-" * 8, 0),
        (["gab"], "g" + "-" * 9, 10),  # no term reaches over so long a gap
        (["gab"], "g" + "\u200b" * 65, 66),
        (["gab"], "g" * 40 + "a" * 33, 73),  # nor over so long a run
    ],
)
def test_what_may_become_a_term_is_held(terms: list[str], text: str, clear: int) -> None:
    """The frontier is where the longest end begins that may still grow."""
    matcher = KeywordMatcher([Term(term, "A.1.a") for term in terms], Phase.REQUEST)
    for pieces in ([text], list(text)):
        stream = KeywordStream(matcher.lexicon)
        assert [known for piece in pieces for known in stream.feed(piece)] == []
        assert stream.frontier == clear


@pytest.mark.parametrize(
    "piece", ["a", "甲", "-", "\u0301", "\u200b", "甲乙", "甲乙甲", "ab", "f@", "f@k", "@", "乙*", "x "]
)
@pytest.mark.parametrize("size", [1, 1000])
def test_memory_does_not_grow_with_the_text(piece: str, size: int) -> None:
    """However long the same goes on, what is kept of it stays within the bounds of gaps, runs and terms."""
    rows = [Term("甲乙甲乙丁", "A.1.a"), Term("aabb", "A.1.b"), Term("f@ke", "A.1.c")]
    stream = KeywordStream(KeywordMatcher(rows, Phase.REQUEST).lexicon)
    total, most = (200_000, size) if size > 1 else (20_000, 1)
    for _ in range(total // (most * len(piece))):
        stream.feed(piece * most)
        assert stream.pending <= 5 * (32 + 64)
        assert stream._size - stream._tail.begin <= 5 * (32 + 64)
        assert len(stream._window) <= 1_000 + most * len(piece)
        assert len(stream._waiting) <= most


def test_what_a_combination_remembers_does_not_grow() -> None:
    """Parts that come again and again push the oldest out, and what waits for an absent part becomes certain."""
    stream = KeywordStream(KeywordMatcher([Term("甲 & 乙 ~20 - 丙", "A.1.a", kind=Kind.ALL)], Phase.REQUEST).lexicon)
    for _ in range(MOST_FINDINGS // 2):
        stream.feed("乙丁甲丁")
        assert stream._combiner is not None
        (seen,) = stream._combiner._seen.values()
        assert max(map(len, seen.places)) <= 32
        assert len(seen.waiting) <= 20
        assert stream.pending <= 40


@pytest.mark.parametrize("size", [1, 3, 6_000])
@pytest.mark.parametrize("text", ["大 麻。", "大麻，好", "甲乙甲乙"])
def test_behind_more_findings_than_are_judged_nothing_is_looked_for(text: str, size: int) -> None:
    """One more than the bound is told, the same ones for every cutting, and what follows leaves unread."""
    rows = [Term("大麻", "A.1.f"), Term("甲乙 & 甲", "A.1.b", kind=Kind.ALL)]
    matcher = KeywordMatcher(rows, Phase.REQUEST)
    stream, long = KeywordStream(matcher.lexicon), text * 3_000
    found = [
        known.finding for start in range(0, len(long), size) for known in stream.feed(long[start : start + size])
    ]
    assert len(found) == MOST_FINDINGS + 1
    assert found == matcher.scan(long[: found[-1].end + 4])[: len(found)]
    assert stream.feed("好大") == []
    assert (stream.pending, stream.feed("麻"), stream.finish(), stream._window) == (0, [], [], "")
    assert stream.clear_before(stream._size) == stream._size


def test_a_stop_at_the_bound_shows_what_any_stop_shows() -> None:
    """The piece that reaches it is held like any other: what has begun before the last finding may still grow."""
    matcher = KeywordMatcher([Term("大麻", "A.1.f"), Term("冰大麻毒", "A.1.f")], Phase.REQUEST)
    stream = KeywordStream(matcher.lexicon)
    found = stream.feed("大麻，" * MOST_FINDINGS + "冰大麻")
    assert len(found) == MOST_FINDINGS + 1
    assert stream.clear_before(found[-1].at) == found[-1].finding.start - 1
    assert stream.frontier == found[-1].finding.start - 1


def test_a_run_of_signs_is_kept_as_long_as_it_is_read() -> None:
    """In the reading in which they are letters, also where the window is cut and nothing is held."""
    matcher = KeywordMatcher([Term("f@ke", "A.1.b")], Phase.REQUEST)
    pieces = ["天好" * 120, "@" * 30, "@@@", " f@", "ke"]
    assert [known.finding for known in run(matcher, pieces)[0]] == matcher.scan("".join(pieces))


@pytest.mark.parametrize(
    ("term", "pieces"),
    [
        ("ﬁ", ["ﬁ", "ﬁ"]),  # a listed ligature is two letters written once
        ("f@ke", ["f@k", "e!", "!"]),  # the term's own sign, and another behind it
        ("a🇨b", ["a🇨", "b", "🇨", " a🇨b@"]),
        ("o$🇳冰因", ["o$🇳冰", "因甲🇳", "  "]),
    ],
)
def test_what_signs_leave_behind_is_found_once(term: str, pieces: list[str]) -> None:
    """A place that the ordinary reading knows is not found again in the one in which signs are letters."""
    matcher = KeywordMatcher([Term(term, "A.1.a")], Phase.REQUEST)
    whole = matcher.scan("".join(pieces))
    assert whole
    assert [known.finding for known in run(matcher, pieces)[0]] == whole
    assert [known.finding for known in run(matcher, "".join(pieces))[0]] == whole


@pytest.mark.parametrize(
    ("terms", "text", "clear"),
    [
        (["冰毒货源"], "4bb", [1, 2, 3]),  # nothing romanised begins in the middle of a word, doubled or not
        (["冰毒货源"], "4b b", [1, 2, 3, 3]),
        (["冰毒货源"], "b b", [0, 0, 0]),
        (["炸弹制作"], "dannzz", [1, 2, 3, 4, 5, 6]),
        (["炸弹制作", "天好"], "天好4b", [0, 2, 3, 4]),  # read in Python, where a term is found
        (["炸弹制作"], "zà4", [0, 2, 3]),  # as a mixed spelling it would be read, but its beginning was not held
        (["炸弹制作"], "zha4d", [0, 0, 0, 0, 0]),
        (["冰冰毒毒"], "4b bddd", [1, 2, 3, 3, 3, 6, 7]),  # with as many as it needs it would begin in the word
    ],
)
def test_a_letter_that_was_let_go_is_not_held_again(terms: list[str], text: str, clear: list[int]) -> None:
    """What a run that goes on may become was known before it went on."""
    matcher = KeywordMatcher([Term(term, "A.1.a") for term in terms], Phase.REQUEST)
    for at in range(1, len(text)):
        found = run(matcher, [text[:at], text[at:]])[1]
        assert found.items() <= dict(enumerate(clear, 1)).items()
    assert [*run(matcher, text)[1].values()] == clear
