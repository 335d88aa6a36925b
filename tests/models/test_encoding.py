"""Encodings of texts: batches, choices, and what is kept on disk."""

import io
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from filters.classifier.features import Features, Sizes
from models.encoding import Encoder, Encodings, joined
from models.graph import Graph


def _counting_model() -> bytes:
    """Return a graph that gives the sum of the numbers of a text's pieces."""
    graph = Graph()
    total = graph.add("ReduceSum", graph.add("Cast", "pieces", to=1), graph.numbers(1), keepdims=1, name="encoding")
    return bytes(graph.model({"pieces": ("texts", "pieces")}, {total: ("texts", 1)}).SerializeToString())


@pytest.fixture(scope="module", name="features")
def _features() -> Features:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a cake with cream", "a soup with carrots"] * 8),
        model_writer=model,
        vocab_size=30,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    return Features(model.getvalue(), Sizes(64, 1024, 64))


def test_texts_keep_their_order_and_are_computed_once(features: Features, tmp_path: Path) -> None:
    """Batches are of like length; what comes back is in the order of the texts, from the disk as well."""
    texts = ["a cake with cream", "a", "a soup with carrots and cream", "cake"]
    encoder = Encoder(_counting_model(), features, tmp_path, 1)
    found = encoder.encode(texts, "texts")
    assert found.dense[:, 0].tolist() == [features.encode(text).pieces.sum() for text in texts]
    (kept,) = tmp_path.glob("texts-*.npz")
    kept.touch()
    again = encoder.encode(texts, "texts")
    assert np.array_equal(again.dense, found.dense)
    assert np.array_equal(again.ngrams, found.ngrams)
    encoder.encode(texts[:2], "texts")
    assert len(list(tmp_path.glob("texts-*.npz"))) == 2


def test_some_texts_have_their_own_ngrams() -> None:
    """Choosing and joining keep what belongs together."""
    whole = Encodings(np.array([[1], [2], [3]], np.float16), np.array([7, 8, 9], np.int32), np.array([0, 2, 2, 3]))
    chosen = whole.of(np.array([2, 0]))
    assert (chosen.dense[:, 0].tolist(), chosen.ngrams.tolist(), chosen.offsets.tolist()) == (
        [3, 1],
        [9, 7, 8],
        [0, 1, 3],
    )
    both = joined([whole, chosen])
    assert both.ngrams.tolist() == [7, 8, 9, 9, 7, 8]
    assert both.offsets.tolist() == [0, 2, 2, 3, 4, 6]
    assert len(both) == 5
