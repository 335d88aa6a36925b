"""The encoder's word pieces, cut down to those that texts here are made of.

A SentencePiece model segments a text by the most probable sequence of its pieces, so a model without the rare ones
writes a rare word as several frequent pieces; single characters are kept as far as texts have them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import sentencepiece
from numpy.typing import NDArray
from sentencepiece import sentencepiece_model_pb2

from filters.classifier.features import fold_codes

_SPECIAL = 3
"""Unknown, start and end come first in both models."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Pieces that are kept.

    Attributes:
        model: the SentencePiece model that has these pieces alone.
        kept: by number in that model, the number in the whole one.
    """

    model: bytes
    kept: NDArray[np.int64]


def prune(model: bytes, texts: Iterable[str], pieces: int) -> Vocabulary:
    """Keep the pieces that texts use most.

    Args:
        model: the whole SentencePiece model.
        texts: texts as received; they are folded here as they will be when served.
        pieces: how many to keep, the special ones among them.

    Returns:
        The smaller model. Pieces of one character that occur come first, then others by how often they occur, then
        by how probable the whole model holds them.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    counts = np.zeros(processor.vocab_size(), np.int64)
    for text in texts:
        numbers = processor.encode(fold_codes(text).tobytes().decode("utf-32-le"))
        np.add.at(counts, numbers, 1)
    whole = sentencepiece_model_pb2.ModelProto.FromString(model)
    kept = np.array(_most_used(whole, counts, pieces))
    smaller = sentencepiece_model_pb2.ModelProto()
    smaller.CopyFrom(whole)
    del smaller.pieces[:]
    smaller.pieces.extend(whole.pieces[number] for number in kept)
    smaller.trainer_spec.vocab_size = len(kept)
    return Vocabulary(smaller.SerializeToString(), kept)


def _most_used(whole: "sentencepiece_model_pb2.ModelProto", counts: NDArray[np.int64], pieces: int) -> list[int]:
    normal = sentencepiece_model_pb2.ModelProto.SentencePiece.NORMAL
    ranked = sorted(
        (number for number in range(_SPECIAL, len(whole.pieces)) if whole.pieces[number].type == normal),
        key=lambda number: (
            counts[number] == 0 or len(whole.pieces[number].piece) > 1,
            -counts[number],
            -whole.pieces[number].score,
        ),
    )
    return [*range(_SPECIAL), *sorted(ranked[: pieces - _SPECIAL])]
