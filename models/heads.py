"""What is trained: the branch of n-grams, the verdict and the classes, over the frozen encoder.

The labels of public data are noisy and its sources few, so the heads are held back: half of the hidden values and of
the n-grams' are dropped, labels are smoothed, and a source weighs by the square root of its rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional

from models.encoding import Encodings
from models.rows import CATEGORIES

NGRAM_WIDTH = 32
MEMBERS = 4
"""Small heads that vote: each leaves out other values in each step, and they err apart on sources none has met."""
MEMBER_WIDTH = 128
CATEGORY_HIDDEN = 512


@dataclass(frozen=True, slots=True)
class Recipe:
    """How heads are fitted.

    Attributes:
        epochs: passes over the rows for the verdict.
        category_epochs: passes over the harmful rows for the classes: they are seen apart from the verdict, which
            longer fitting makes worse on sources it has not met, while it makes the classes better.
        batch: rows in a step.
        rate: highest learning rate.
        decay: weight decay.
        dropout: share of hidden values left out.
        category_dropout: the same for the classes.
        input_dropout: share of the encoder's values left out.
        smoothing: how far labels are moved towards not knowing.
        seed: of the order of rows, the first weights and what is left out.
    """

    epochs: int = 3
    category_epochs: int = 12
    batch: int = 1024
    rate: float = 3e-3
    decay: float = 0.05
    dropout: float = 0.5
    category_dropout: float = 0.3
    input_dropout: float = 0.2
    smoothing: float = 0.1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows to fit.

    Attributes:
        encodings: their texts.
        sides: 0 for prompts, 1 for replies and posts.
        unsafe: 1 for harm, 0 for none.
        categories: index in `CATEGORIES`, -1 for rows without harm.
        weights: how much a row counts.
    """

    encodings: Encodings
    sides: NDArray[np.int64]
    unsafe: NDArray[np.float32]
    categories: NDArray[np.int64]
    weights: NDArray[np.float32]


class Heads(nn.Module):
    """The branch of n-grams and the two heads."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, buckets: int, recipe: Recipe) -> None:
        """Make heads with random weights.

        Args:
            width: values the encoder gives for a text.
            buckets: numbers of n-grams.
            recipe: how much is dropped.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.ngrams = nn.EmbeddingBag(buckets, NGRAM_WIDTH, mode="sum")
        nn.init.normal_(self.ngrams.weight, std=0.05)
        self.ngram_bias = nn.Parameter(torch.zeros(NGRAM_WIDTH))
        self.input_dropout = nn.Dropout(recipe.input_dropout)
        self.dropout = nn.Dropout(recipe.dropout)
        self.category_dropout = nn.Dropout(recipe.category_dropout)
        self.unsafe_hidden = nn.Linear(width + 1, MEMBERS * MEMBER_WIDTH)
        # One member alone reads them: they know the sources that were met best, and others worst.
        self.ngram_hidden = nn.Linear(NGRAM_WIDTH, MEMBER_WIDTH, bias=False)
        self.unsafe = nn.Linear(MEMBERS * MEMBER_WIDTH, 1)
        # Without the n-grams: what they know of classes is what the sources' templates look like.
        self.category_hidden = nn.Linear(width + 1, CATEGORY_HIDDEN)
        self.category = nn.Linear(CATEGORY_HIDDEN, len(CATEGORIES))

    def verdicts(self, batch: "Batch") -> Tensor:
        """Return the verdict's logits, shape (texts, members)."""
        counts = (batch.offsets[1:] - batch.offsets[:-1]).clamp(min=1).float().sqrt().unsqueeze(1)
        bag = torch.relu(self.ngrams(batch.ngrams, batch.offsets[:-1]) / counts + self.ngram_bias)
        spelt = functional.pad(self.ngram_hidden(self.dropout(bag)), (0, (MEMBERS - 1) * MEMBER_WIDTH))
        hidden = torch.relu(self.unsafe_hidden(self._read(batch)) + spelt)
        # The verdict is the mean of the members', each read from its own part of the hidden values.
        parts = (self.dropout(hidden) * self.unsafe.weight).view(-1, MEMBERS, MEMBER_WIDTH)
        verdicts: Tensor = parts.sum(dim=2) * MEMBERS + self.unsafe.bias
        return verdicts

    def classes(self, batch: "Batch") -> Tensor:
        """Return the logits of the classes, shape (texts, classes)."""
        logits: Tensor = self.category(self.category_dropout(torch.relu(self.category_hidden(self._read(batch)))))
        return logits

    def _read(self, batch: "Batch") -> Tensor:
        side = (batch.sides.float() * 2 - 1).unsqueeze(1)
        return torch.cat([self.input_dropout((batch.dense - self.mean) * self.scale), side], dim=1)


class Batch(NamedTuple):
    """Texts as tensors.

    Attributes:
        dense: the encoder's values.
        ngrams: numbers of all texts, one behind the other.
        offsets: where those of each text start, and the end of the last.
        sides: 0 or 1 per text.
    """

    dense: Tensor
    ngrams: Tensor
    offsets: Tensor
    sides: Tensor

    @classmethod
    def of(cls, encodings: Encodings, sides: NDArray[np.int64], indices: NDArray[np.int64]) -> "Batch":
        """Take some texts."""
        own = encodings.of(indices)
        return cls(
            torch.from_numpy(own.dense.astype(np.float32)),
            torch.from_numpy(own.ngrams.astype(np.int64)),
            torch.from_numpy(own.offsets),
            torch.from_numpy(sides[indices]),
        )


def exported(heads: Heads) -> dict[str, NDArray[np.float32]]:
    """Return the weights by name, as `models.export` takes them."""
    return {name: values.numpy() for name, values in heads.state_dict().items()}


def fit(examples: Examples, buckets: int, recipe: Recipe, name: str = "fitting the verdict") -> Heads:
    """Fit the verdict to rows; the classes stay as they are.

    Args:
        examples: the rows.
        buckets: numbers of n-grams.
        recipe: how.
        name: stands before the progress bar.
    """
    torch.manual_seed(recipe.seed)
    dense = examples.encodings.dense
    heads = Heads(dense.shape[1], buckets, recipe)
    sample = dense[:: max(1, len(dense) // 20_000)].astype(np.float32)
    heads.mean.copy_(torch.from_numpy(sample.mean(axis=0)))
    heads.scale.copy_(torch.from_numpy(1 / (sample.std(axis=0) + 1e-2)))

    def loss(indices: NDArray[np.int64]) -> Tensor:
        logits = heads.verdicts(Batch.of(examples.encodings, examples.sides, indices))
        target = torch.from_numpy(examples.unsafe[indices]) * (1 - recipe.smoothing) + recipe.smoothing / 2
        return functional.binary_cross_entropy_with_logits(
            logits, target.unsqueeze(1).expand_as(logits), torch.from_numpy(examples.weights[indices]).unsqueeze(1)
        )

    own = [values for part, values in heads.named_parameters() if not part.startswith("category")]
    _descend(heads, own, loss, np.arange(len(dense)), recipe, recipe.epochs, name)
    return heads


def fit_categories(heads: Heads, examples: Examples, recipe: Recipe) -> None:
    """Fit the classes to the harmful rows; the verdict stays as it is.

    Args:
        heads: changed in place.
        examples: the rows.
        recipe: how.
    """
    torch.manual_seed(recipe.seed)
    harmful = np.flatnonzero(examples.categories >= 0)
    categories, sides = examples.categories[harmful], examples.sides[harmful]
    # Without n-grams, which the classes do not read and gathering takes longest.
    encodings = Encodings(
        examples.encodings.dense[harmful], np.empty(0, np.int32), np.zeros(len(harmful) + 1, np.int64)
    )
    counts = np.bincount(categories, minlength=len(CATEGORIES))
    # Rare classes weigh more, by the root of how rare they are, and the rarest are not let dominate.
    weights = torch.from_numpy(
        (counts.clip(min=50) ** -0.5 / (counts.clip(min=50) ** -0.5).mean()).astype(np.float32)
    )

    def loss(indices: NDArray[np.int64]) -> Tensor:
        classes = heads.classes(Batch.of(encodings, sides, indices))
        category = torch.from_numpy(categories[indices])
        return functional.cross_entropy(classes, category, weights, label_smoothing=recipe.smoothing)

    own = [values for part, values in heads.named_parameters() if part.startswith("category")]
    # Fewer rows want smaller batches, or there are too few steps.
    finer = replace(recipe, batch=recipe.batch // 4)
    _descend(heads, own, loss, np.arange(len(harmful)), finer, recipe.category_epochs, "fitting the classes")


def _descend(
    heads: Heads,
    parameters: list[nn.Parameter],
    loss: Callable[[NDArray[np.int64]], Tensor],
    rows: NDArray[np.int64],
    recipe: Recipe,
    epochs: int,
    name: str,
) -> None:
    """Change parameters step by step, so that the loss of the rows falls."""
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=recipe.decay)
    steps = epochs * (len(rows) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=steps, pct_start=0.15)
    order = np.random.default_rng(recipe.seed)
    heads.train()
    for indices in track(_steps(rows, recipe.batch, epochs, order), name, total=steps):
        value = loss(indices)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(value)
        optimizer.step()
        schedule.step()
    heads.eval()


def _steps(
    rows: NDArray[np.int64], batch: int, epochs: int, order: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    for _ in range(epochs):
        shuffled = order.permutation(rows)
        for start in range(0, len(rows) - batch + 1, batch):
            yield shuffled[start : start + batch]


def predict(
    heads: Heads, encodings: Encodings, sides: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the verdict's logits and the classes' logits of texts."""
    verdicts, classes = [], []
    with torch.inference_mode():
        for indices in np.array_split(np.arange(len(encodings)), max(1, len(encodings) // 2048)):
            batch = Batch.of(encodings, sides, indices)
            verdicts.append(heads.verdicts(batch).mean(dim=1).numpy())
            classes.append(heads.classes(batch).numpy())
    return np.concatenate(verdicts), np.concatenate(classes)
