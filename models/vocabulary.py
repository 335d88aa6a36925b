"""The encoder's word pieces, cut down to those that texts here are made of.

A SentencePiece model segments a text by the most probable sequence of its pieces, so a model without the rare ones
writes a rare word as several frequent pieces; single characters are kept as far as texts have them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from filters.classifier.features import fold_codes

# Its classes are made at import, so type checkers know none of them.
_ModelProto = import_module("sentencepiece.sentencepiece_model_pb2").ModelProto
_SPECIAL = 3
"""Unknown, start and end come first in both models."""


class _Piece(Protocol):
    piece: str
    score: float
    type: int


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
    whole = _ModelProto.FromString(model)
    kept = np.array(_most_used(list(whole.pieces), counts, pieces))
    smaller = _ModelProto()
    smaller.CopyFrom(whole)
    del smaller.pieces[:]
    smaller.pieces.extend(whole.pieces[number] for number in kept)
    smaller.trainer_spec.vocab_size = len(kept)
    return Vocabulary(smaller.SerializeToString(), kept)


def _most_used(whole: Sequence[_Piece], counts: NDArray[np.int64], pieces: int) -> list[int]:
    normal = _ModelProto.SentencePiece.NORMAL
    ranked = sorted(
        (number for number in range(_SPECIAL, len(whole)) if whole[number].type == normal),
        key=lambda number: (
            counts[number] == 0 or len(whole[number].piece) > 1,
            -counts[number],
            -whole[number].score,
        ),
    )
    return [*range(_SPECIAL), *sorted(ranked[: pieces - _SPECIAL])]
