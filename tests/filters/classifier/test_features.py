"""What the classifier reads of a text: folding, word pieces, n-grams."""

import io

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from filters.classifier.features import (
    MOST_CHARACTERS,
    Features,
    Sizes,
    fold_codes,
    hashed_ngrams,
    linear_score,
    tables_digest,
)

_SIZES = Sizes(max_pieces=8, ngram_buckets=1024, max_ngrams=64)


def _folded(text: str) -> str:
    return fold_codes(text).tobytes().decode("utf-32-le")


def _ngrams(text: str, sizes: Sizes = _SIZES) -> list[int]:
    return list(map(int, hashed_ngrams(fold_codes(text), sizes)))


@pytest.fixture(scope="module", name="features")
def _features() -> Features:
    model = io.BytesIO()
    sentences = ["how do i make a cake", "what is a cake", "怎么做蛋糕", "做饭怎么样"] * 8
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=48, minloglevel=2, hard_vocab_limit=False
    )
    return Features(model.getvalue(), _SIZES)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｈｅｌｌｏ", "hello"),
        ("多少錢", "多少钱"),
        ("𝐛𝐨𝐦𝐛 ①", "bomb 1"),
        ("ﬁne ㎏", "fine kg"),
        ("海\u200b洛\u200b因", "海洛因"),
        ("hеrоin", "heroin"),  # two letters are Cyrillic
        ("привет", "привет"),  # a word of its own script stays
        ("çà", "çà"),  # letters with marks are letters
        ("三人", "三人"),  # numerals stay, they carry meaning here
        ("桜の国で発見", "桜の国で発見"),  # Japanese is no misspelt Chinese
        ("桜の㎏発", "桜のkg発"),
        ("a\ud800b", "a?b"),
        ("a\0b", "a b"),
    ],
)
def test_text_is_folded_lightly(text: str, folded: str) -> None:
    """Spellings that look alike are one; what tells words apart stays."""
    assert _folded(text) == folded


@given(st.text())
def test_folding_folded_text_changes_nothing(text: str) -> None:
    """Folding is done when its result folds to itself."""
    assert _folded(_folded(text)) == _folded(text)


@given(st.text())
def test_ngrams_are_numbers_of_the_table(text: str) -> None:
    """They fit the model's table, rise, and never pass for padding."""
    found = _ngrams(text)
    assert found == sorted(set(found))
    assert all(1 <= number < _SIZES.ngram_buckets for number in found)
    assert len(found) <= _SIZES.max_ngrams


def test_separators_between_ideographs_change_no_ngrams() -> None:
    """海*洛 因 is 海洛因."""
    assert _ngrams("海*洛 因") == _ngrams("海洛因")


def test_separators_between_words_count_once() -> None:
    """However words are parted, they are the same words; run together they are another."""
    assert _ngrams("buy -- drugs") == _ngrams("buy drugs")
    assert _ngrams("buydrugs") != _ngrams("buy drugs")


def test_a_word_is_met_wherever_it_stands() -> None:
    """The hash of a part of a text does not depend on its place."""
    assert set(_ngrams("cake")) <= set(_ngrams("i like cake a lot"))
    assert set(_ngrams("蛋糕店")) <= set(_ngrams("街上的蛋糕店开了"))


def test_words_in_pairs_keep_their_order() -> None:
    """The same words the other way round give other n-grams."""
    assert _ngrams("dog bites man") != _ngrams("man bites dog")


def test_most_ngrams_bound_what_is_read() -> None:
    """The first kinds are kept."""
    few = _SIZES._replace(max_ngrams=3)
    assert len(_ngrams("一二三四五六七八九十", few)) <= 3


def test_pieces_stand_between_start_and_end(features: Features) -> None:
    """Numbers are one above the tokenizer's, so that none is padding."""
    encoded = features.encode("how do i make a cake, please, today")
    assert encoded.pieces[0] == 2
    assert encoded.pieces[-1] == 3
    assert len(encoded.pieces) == _SIZES.max_pieces
    assert encoded.pieces.min() > 0


def test_a_text_of_nothing_has_a_start_and_an_end(features: Features) -> None:
    """Invisible characters alone are an empty text."""
    encoded = features.encode("\u200b")
    assert encoded.pieces.tolist() == [2, 3]
    assert encoded.ngrams.tolist() == []


def test_long_texts_are_cut(features: Features) -> None:
    """What lies behind the limit is not read, and costs nothing."""
    long = "蛋糕" * MOST_CHARACTERS
    assert len(fold_codes(long)) == MOST_CHARACTERS
    assert features.encode(long).ngrams.tolist() == features.encode(long[:MOST_CHARACTERS]).ngrams.tolist()


def test_forms_of_several_characters_stay_within_the_tables(features: Features) -> None:
    """The longest form of a character makes a text many times as long."""
    assert len(features.encode("ﷺ" * MOST_CHARACTERS).ngrams) <= _SIZES.max_ngrams


def test_bytes_that_are_no_tokenizer_are_refused() -> None:
    """A model's folder may be damaged."""
    with pytest.raises(RuntimeError):
        Features(b"no model", _SIZES)


def test_linear_score_is_a_probability_of_the_sum() -> None:
    """No n-grams leave the bias; weights move the score by their mean over the root of their number."""
    weights = np.zeros(1024, np.float32)
    weights[[1, 2, 3, 4]] = 1.0
    assert linear_score(weights, 0.0, np.empty(0, np.int64)) == 0.5
    assert linear_score(weights, 0.0, np.array([1, 2, 3, 4])) == pytest.approx(1 / (1 + np.exp(-2)))
    assert linear_score(-1000 * weights, 0.0, np.array([1, 2])) == pytest.approx(0.0)


def test_digest_of_the_tables_is_that_of_this_version() -> None:
    """Whoever changes what is read of a text has to raise the version and train anew."""
    assert len(tables_digest()) == 64
    assert tables_digest() == tables_digest()
