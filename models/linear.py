"""The first stage of the cascade: one weight for each n-gram and side."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import nn
from torch.nn import functional

from models.encoding import Encodings
from models.heads import Examples, Recipe
from models.rows import SIDES


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of the linear stage.

    Attributes:
        weights: shape (sides, buckets).
        bias: shape (sides,).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, encodings: Encodings, sides: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the verdicts of texts, as `filters.classifier.features.linear_score` forms them."""
        counts = np.diff(encodings.offsets)
        weights = self.weights[np.repeat(sides, counts), encodings.ngrams]
        sums = np.concatenate(([0.0], np.cumsum(weights, dtype=np.float64)))[encodings.offsets]
        return np.asarray(self.bias[sides] + np.diff(sums) / np.sqrt(np.maximum(counts, 1)))


def fit_linear(examples: Examples, buckets: int, recipe: Recipe) -> Linear:
    """Fit the linear stage to the rows the heads are fitted to."""
    torch.manual_seed(recipe.seed)
    bag = nn.EmbeddingBag(buckets, len(SIDES), mode="sum")
    nn.init.zeros_(bag.weight)
    bias = nn.Parameter(torch.zeros(len(SIDES)))
    optimizer = torch.optim.Adam([bag.weight, bias], lr=5e-3)
    order = np.random.default_rng(recipe.seed)
    rows = len(examples.encodings)
    # It is fitted well before the heads are.
    steps = [step for _ in range(2) for step in np.array_split(order.permutation(rows), rows // recipe.batch + 1)]
    for indices in track(steps, "fitting the linear stage"):
        encodings = examples.encodings.of(indices)
        offsets = torch.from_numpy(encodings.offsets)
        counts = (offsets[1:] - offsets[:-1]).clamp(min=1).float().sqrt()
        sums = bag(torch.from_numpy(encodings.ngrams.astype(np.int64)), offsets[:-1])
        sides = torch.from_numpy(examples.sides[indices])
        logits = (sums / counts.unsqueeze(1) + bias).gather(1, sides.unsqueeze(1)).squeeze(1)
        target = torch.from_numpy(examples.unsafe[indices]) * (1 - recipe.smoothing) + recipe.smoothing / 2
        weights = torch.from_numpy(examples.weights[indices])
        loss = functional.binary_cross_entropy_with_logits(logits, target, weights)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
    return Linear(bag.weight.detach().numpy().T.copy(), bias.detach().numpy().copy())
