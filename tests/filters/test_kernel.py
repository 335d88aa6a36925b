"""The kernel: it reads every text as Python reads it, proposes all that stands there, and stays within its tables."""

import random
import shutil
from array import array
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.kernel import Kernel, Layer, WholeFinder, character_tables, is_available
from filters.mixed import SYLLABLE_TABLE
from filters.reading import LONGEST_RUN, SIGN_BY_LETTER, SIGNS, Reading, class_text, spell

if not is_available() and shutil.which("cc") is None:
    pytest.skip("no compiler was there to build the kernel with", allow_module_level=True)

from filters import _scan

# Few characters, so that they meet; folds of several, signs, marks, what is dropped, other planes, lone surrogates.
LETTERS = "ab1大麻冰ﬁ﷽㎏ＡA𝐯@!$|🇨 *-。\u200b\u0301\ufffe\U0010ffff\ud83d"
PATTERNS = ("大麻", "冰麻", "麻大")
_TRIPLE = 3


def kernel(*longer: str) -> Kernel:
    """Build one over pairs and longer patterns."""
    letters = [pattern for pattern in longer if pattern.isascii()]
    return Kernel.of_patterns(
        singles=["冰"],
        pairs=PATTERNS,
        sounds=[class_text(pattern) for pattern in longer if pattern not in letters],
        letters=[class_text(pattern) for pattern in letters],
        romanised=[],
        marks=[
            [pair[0] + class_text(pair[1]) for pair in PATTERNS],
            [class_text(pair[0]) + pair[1] for pair in PATTERNS],
            [class_text(pair) for pair in PATTERNS],
        ],
        triples=[
            pattern + class_text(pattern) for pattern in longer if pattern not in letters and len(pattern) == _TRIPLE
        ],
    )


KERNEL = kernel("大麻冰", "a大b", "麻a1", "fi", "kga", "ab", "b1a")
LONGER = {class_text(pattern) for pattern in ("大麻冰", "a大b", "麻a1", "fi", "kga", "ab", "b1a")}


def texts() -> st.SearchStrategy[str]:
    """Make texts, some of it repeated often."""
    times = (1, 1, 1, 1, 2, 3, 9, 40, 70)

    def text(seed: int) -> str:
        chance = random.Random(seed)  # noqa: S311  # no secret is made of it
        return "".join(chance.choice(LETTERS) * chance.choice(times) for _ in range(chance.randint(0, 30)))

    return st.integers(0, 2**32).map(text)


def proposals(text: str, layer: Layer) -> Iterator[tuple[int, int, str]]:
    """Yield what the kernel proposes of a whole text: offsets, and what the place it is found at reads."""
    start = 0
    while start < len(text):
        following, _, places = KERNEL.scan(text, start, layer, {}, {})
        assert following > start
        start = following
        for begin, end, skipped, written, plain in places:
            assert plain is None
            kept, positions = spell(text[begin:end], begin, signs=layer is Layer.SIGNS)
            reading = Reading(text, 0, kept, positions)
            assert reading.skeleton[skipped : skipped + len(written)] == written
            yield begin, end, written


def standing(text: str, layer: Layer) -> Iterator[tuple[int, int, str]]:
    """Yield the same by reading in Python and looking at every piece."""
    reading = Reading(text, 0, *spell(text, signs=layer is Layer.SIGNS))
    for first in range(len(reading.skeleton)):
        for last in range(first, min(first + 4, len(reading.skeleton))):
            written = reading.skeleton[first : last + 1]
            if written in (*PATTERNS, "冰") or class_text(written) in LONGER:
                runs = [reading.run(at) for at in range(first, last + 1)]
                if any(end - begin > LONGEST_RUN for begin, end in runs[1:-1]):
                    continue
                # Of a long run only so much is read as can matter.
                begin = runs[0][0] if first == last else max(runs[0][0], runs[0][1] - LONGEST_RUN)
                end = min(runs[-1][1], runs[-1][0] + LONGEST_RUN + 1)
                stretch = text[reading.positions[begin] : reading.positions[end - 1] + 1]
                # Without a sign, the ordinary reading has the same place.
                if layer is Layer.SIGNS and SIGNS.isdisjoint(stretch):
                    continue
                yield reading.positions[begin], reading.positions[end - 1] + 1, written


def test_the_kernel_is_built() -> None:
    """Where the tests run a compiler is: everything else here would be about nothing."""
    assert is_available()


@given(texts(), st.sampled_from([Layer.PLAIN, Layer.SIGNS]))
@example("冰" * 40 + "大" * 5_000 + "麻" + "x大" * 3_000 + "麻冰", Layer.PLAIN)
@example("ab" * 5_000 + "*" * 5_000 + "大*麻", Layer.PLAIN)
@settings(max_examples=400, deadline=None)
def test_what_stands_in_a_text_is_proposed(text: str, layer: Layer) -> None:
    """In both readings, over the seams of its slices too; a proposal says where it stands."""
    assert sorted(proposals(text, layer)) == sorted(standing(text, layer))


@given(texts())
@settings(max_examples=200, deadline=None)
def test_a_sign_is_told_as_the_expression_tells_it(text: str) -> None:
    """The first one that may be read as a letter."""
    found = SIGN_BY_LETTER.search(text)
    assert KERNEL.scan(text, 0, Layer.PLAIN, {}, {})[1] == (found.start() if found else -1)


def test_what_is_known_to_be_nothing_is_not_proposed() -> None:
    """Nor what is nothing where it stands plainly; what stands there plainly is handed over with it."""
    text, stands = "大麻 大*麻 冰麻", (("entry", "place"),)
    _, _, places = KERNEL.scan(text, 0, Layer.PLAIN, {"冰麻": (), "大麻": (1,)}, {"大麻": stands, "冰": ()})
    assert [(begin, end, written, plain) for begin, end, _, written, plain in places] == [
        (0, 2, "大麻", stands),
        (1, 4, "麻大", None),
        (3, 6, "大麻", None),
        (3, 8, "大麻冰", None),
    ]


def test_what_is_handed_over_proposes_the_same() -> None:
    """A kernel made of the parts of another, which are small."""
    parts = list(KERNEL.parts())
    again = Kernel.restore(iter(parts))
    text = "大麻冰 ab 冰麻"
    assert again.scan(text, 0, Layer.PLAIN, {}, {}) == KERNEL.scan(text, 0, Layer.PLAIN, {}, {})
    assert all(len(part) <= 1 << 18 for part in parts if isinstance(part, bytes))


def test_a_tail_begins_where_a_term_may_have_begun() -> None:
    """Its last letter stays, what may grow is told, and a place that is new ends the look."""
    assert KERNEL.tail("天大", 0, 0, Layer.PLAIN) == (1, 1, -1)
    assert KERNEL.tail("天天", 0, 0, Layer.PLAIN) == (0, -1, -1)
    assert KERNEL.tail("大" * 40, 0, 0, Layer.PLAIN) == (8, 8, -1)
    assert KERNEL.tail("大" + "*" * 9, 0, 0, Layer.PLAIN) == (10, -1, -1)
    assert KERNEL.tail("天！", 0, 0, Layer.PLAIN) == (0, -1, 1)
    assert KERNEL.tail("大麻", 0, 1, Layer.PLAIN) is None
    assert KERNEL.tail("大麻", 0, 2, Layer.PLAIN) == (0, 0, -1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("a", -1, 0, {}, {}),
        ("a", 2, 0, {}, {}),
        ("a", 0, 3, {}, {}),
        ("a", 0, -1, {}, {}),
        (b"a", 0, 0, {}, {}),
        ("a", "b", 0, {}, {}),
        ("a", 0),
        ("a", 1 << 70, 0, {}, {}),
        ("a", 0, 0, (), {}),
        ("a", 0, 0, {}, None),
    ],
)
def test_what_is_no_text_or_not_within_it_is_refused(arguments: tuple[object, ...]) -> None:
    """Before anything is read."""
    with pytest.raises((TypeError, ValueError, OverflowError)):
        KERNEL.scan(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "patterns",
    [(), ([],) * 7, (["a"], ["大麻"], ["ab"], *[[]] * 5), ([""], *[[]] * 7), ([1], *[[]] * 7), (1, *[[]] * 7)],
)
def test_what_is_no_pattern_of_its_kind_is_refused(patterns: tuple[list[str], ...]) -> None:
    """None, too few kinds, a sound of two characters, an empty one, what is no text or no list."""
    with pytest.raises((TypeError, ValueError)):
        _scan.build(patterns)


@given(st.integers(0, 2**32), texts())
@settings(max_examples=100, deadline=None)
def test_tables_of_any_bytes_are_read_within_their_bounds(seed: int, text: str) -> None:
    """The kernel trusts no table: what it says of nonsense is nonsense, and stays within the text."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    pages = chance.randbytes(len(character_tables().pages))
    units, several = chance.randbytes(8 * chance.randrange(2_000)), chance.randbytes(chance.randrange(99))
    slots = chance.choice([b"\xff", chance.randbytes(1)]) * chance.randrange(200)
    marks = chance.choice([b"\xff" * 41_000, chance.randbytes(41_000), chance.randbytes(9)])
    scanner = _scan.Scanner(pages, units, several, slots, marks, chance.randrange(1 << 40), chance.randrange(1 << 32))
    for layer in Layer:
        start = 0
        while start < len(text):
            following, sign, places = scanner.scan(text, start, layer, {}, {})
            assert start < following <= len(text)
            assert -1 <= sign < len(text)
            assert all(0 <= begin < end <= len(text) for begin, end, *_ in places)
            start = following
        assert (scanner.tail(text, 0, len(text), layer) or (0,))[0] <= len(text)


@given(st.integers(0, 2**32), texts())
@settings(max_examples=200, deadline=None)
def test_junctions_are_within_the_text_whatever_the_tables_say(seed: int, text: str) -> None:
    """A table of syllables of any size and any bytes, full or empty, aligned or not, with good units and bad ones."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    tables = character_tables()
    units = chance.choice([tables.units, chance.randbytes(8 * chance.randrange(2_000))])
    several = chance.choice([tables.several, chance.randbytes(8 * chance.randrange(20))])
    # Beginnings of which many are known, so that much is followed.
    slots = chance.choice([b"", array("I", [chance.getrandbits(32) for _ in range(64)]).tobytes(), b"\xff" * 256])
    scanner = _scan.Scanner(tables.pages, units, several, slots, b"", 1, 0)
    size = chance.choice([0, 1, 3, 4, 4 * 2_048, 4 * 4_096, chance.randrange(30_000)])
    tables_of = [b"\xff" * size, bytes(size), chance.randbytes(size), SYLLABLE_TABLE]
    syllables = memoryview(chance.choice(tables_of))
    letters = "".join(chance.choice("zhandu4大麻 1") * chance.choice((1, 1, 2, 70)) for _ in range(20))
    start = chance.randint(0, len(text))
    for table in (syllables, syllables[chance.randint(0, len(syllables)) :]):
        with suppress(ValueError):  # what is not aligned, or is too short, is refused
            found = scanner.junctions(text + letters, start, table, chance.choice([0, 2, 9, 2**40])) or []
            assert [at for _, at in found] == sorted(at for _, at in found)
            assert all(start <= begin < at < len(text + letters) for begin, at in found)


@pytest.mark.parametrize(
    "arguments",
    [
        ("a", -1, SYLLABLE_TABLE, 2),
        ("a", 0, SYLLABLE_TABLE, -1),
        ("a", 0, SYLLABLE_TABLE),
        ("a", 0, SYLLABLE_TABLE, "2"),
        ("a", 0, SYLLABLE_TABLE[:-4], 2),
        (b"a", 0, SYLLABLE_TABLE, 2),
        ("a", "0", SYLLABLE_TABLE, 2),
        ("a", 0, "a", 2),
    ],
)
def test_junctions_of_what_is_no_text_are_refused(arguments: tuple[object, ...]) -> None:
    """Before anything is read."""
    with pytest.raises((TypeError, ValueError)):
        KERNEL.junctions(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"pages": b""}, {"pages": bytearray(26112)}, {"longest": -1}])
def test_tables_that_are_none_are_refused(change: dict[str, object]) -> None:
    """Pages of the wrong size, tables that may change while they are read, a length that is none."""
    tables = character_tables()._asdict() | {"slots": b"", "marks": b"", "longest": 1, "depths": 0}
    with pytest.raises(ValueError, match="tables"):
        _scan.Scanner(**tables | change)


@given(st.lists(st.text("甲乙ab", min_size=1, max_size=4), unique=True), st.text("甲乙ab", max_size=4))
def test_a_pattern_is_found_by_all_of_it(patterns: list[str], text: str) -> None:
    """Where it is the whole text, and nowhere else."""
    assert WholeFinder(patterns)(text) == [(0, len(text), at) for at, each in enumerate(patterns) if each == text]


@pytest.mark.parametrize("patterns", [("a",), [1], "a"])
def test_what_is_no_list_of_texts_has_no_hashes(patterns: list[str]) -> None:
    """Nothing is read of it."""
    with pytest.raises(TypeError):
        _scan.hashes(patterns)
