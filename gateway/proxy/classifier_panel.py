"""The classifiers of a gateway, asked as one."""

import asyncio
from collections.abc import Sequence

from filters.classifier.scores import Window
from gateway.protocol.bars import Classification
from gateway.proxy.classifier_pool import Answer, ClassifierPool


class ClassifierPanel:
    """What exchanges ask for scores.

    Args:
        pool: the classifier.
        classification: what its scores mean.
    """

    def __init__(self, pool: ClassifierPool, classification: Classification) -> None:
        self._pool = pool
        self.classification = classification

    def ask(self, windows: Sequence[Window]) -> "asyncio.Future[Answer]":
        """Ask for scores; the future never fails, and may be cancelled by who does not want them any more."""
        return self._pool.ask(windows)

    def close(self) -> None:
        """Stop."""
        self._pool.close()
