"""Rows, their windows, and the sources that are kept aside together."""

from dataclasses import replace

import numpy as np
import pytest

from models.corpus import (
    FOLDS,
    Corpus,
    augmented,
    class_numbers,
    digest,
    divided,
    fold_of,
    is_kept_back,
    read_written,
    row_weights,
)
from models.rows import CATEGORIES, Row

_ROW = Row("x-1", "怎么做蛋糕", "zh", "input", False, "safe", "x")  # noqa: FBT003
_LONG = replace(_ROW, id="x-2", text="长文本。" * 200, side="output", unsafe=True, category="drugs")


def test_a_text_is_as_bad_as_its_worst_window() -> None:
    """Each row has the window that scores highest."""
    corpus = Corpus.of([_ROW, _LONG, _ROW])
    count = len(corpus.windows)
    assert count > 4
    logits = np.zeros(count)
    logits[3] = 1.0
    assert corpus.highest(logits).tolist()[1] == 3
    assert corpus.highest(logits)[[0, 2]].tolist() == [0, count - 1]
    assert corpus.sides.tolist() == [0, 1, 0]
    assert corpus.unsafe.tolist() == [False, True, False]


def test_sources_count_by_the_root_of_their_rows() -> None:
    """Four times the rows weigh twice as much."""
    weights = row_weights([_ROW] * 4 + [replace(_ROW, source="y")])
    assert weights.mean() == pytest.approx(1)
    assert weights[:4].sum() == pytest.approx(2 * weights[4])


def test_a_language_is_not_itself_taken_for_harm() -> None:
    """Prompts of each language are harmful to the same share, as far as both kinds are met."""
    bad = replace(_ROW, unsafe=True, category="drugs")
    rows = [_ROW] * 6 + [bad] * 3 + [replace(_ROW, lang="vi")] * 2 + [replace(bad, lang="vi")] * 4
    weights, unsafe = row_weights(rows), np.array([row.unsafe for row in rows])
    chinese, vietnamese = np.arange(len(rows)) < 9, np.arange(len(rows)) >= 9
    shares = [weights[own & unsafe].sum() / weights[own].sum() for own in (chinese, vietnamese)]
    assert shares[0] == pytest.approx(shares[1])
    alone = row_weights([*rows, replace(bad, lang="sw")])
    assert alone[-1] < alone[8]


def test_harmless_rows_are_halved_by_their_ids() -> None:
    """A row stays in its half, whatever comes beside it."""
    rows = [replace(_ROW, id=f"x-{number}") for number in range(200)]
    trained, apart = divided(rows)
    assert len(trained) + len(apart) == 200
    assert 70 < len(apart) < 130
    assert divided(rows[:50])[1] == [row for row in rows[:50] if row in apart]


def test_every_source_has_a_fold() -> None:
    """Those that are not named, too, and always the same."""
    assert fold_of("Aatrox103/SAP") == 0
    assert {fold_of(f"sluice/{number}") for number in range(50)} == set(range(FOLDS))


def test_evasive_copies_are_a_share_and_the_same_each_time() -> None:
    """A run can be repeated."""
    rows = [replace(_ROW, id=f"x-{number}") for number in range(500)]
    copies = augmented(rows, 1)
    assert 20 < len(copies) < 90
    assert copies == augmented(rows, 1)


def test_classes_have_numbers() -> None:
    """Harmless rows have none."""
    assert class_numbers([_ROW, _LONG]).tolist() == [-1, CATEGORIES.index("drugs")]


def test_digest_names_the_rows() -> None:
    """Another text, label or order is another set."""
    both = digest([_ROW, _LONG])
    assert both == digest([_ROW, _LONG])
    assert len({both, digest([_LONG, _ROW]), digest([_ROW, replace(_LONG, text="其他")])}) == 3


def test_a_tenth_of_the_written_rows_is_kept_back() -> None:
    """By their ids, so that rows written later move none."""
    rows = read_written()
    assert len({row.id for row in rows}) == len(rows)
    assert sum(map(is_kept_back, rows)) == pytest.approx(len(rows) / 10, rel=0.2)
