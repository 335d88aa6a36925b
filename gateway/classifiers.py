"""The classifiers of the settings, opened: found, checked and warmed up before anything listens."""

from pathlib import Path
from typing import Final

import filters
from filters.classifier.manifest import MANIFEST, Manifest, ManifestError
from filters.classifier.model import OnnxModel, load_model
from filters.classifier.scores import Window
from filters.classifier.windows import cut_windows
from filters.findings import Finding, Phase
from filters.taxonomy import load_taxonomy
from gateway.protocol.bars import SIDE_OF, Bar, Classification, bars_of, classifies
from gateway.protocol.policy import Policy
from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.proxy.classifier_pool import ClassifierPool
from gateway.settings.classifiers import Classifier
from gateway.settings.loader import Loaded
from gateway.settings.models import Settings
from gateway.settings.policies import build_policies
from gateway.settings.problems import Problem, SettingsError

SHIPPED: Final = Path(filters.__file__).parent.parent / "models" / "classifier"
"""The model that comes with Sluice."""
SHIPPED_NAME: Final = "shipped"


def open_classifier(loaded: Loaded) -> ClassifierPanel | None:
    """Open the classifier of the settings, or the shipped one; None where there is none, or no policy wants one.

    Raises:
        SettingsError: it cannot be used; the problem says why.
    """
    chosen = chosen_classifier(loaded.settings)
    if chosen is None or not _wanted(loaded.settings):
        return None
    model = open_model(loaded, chosen)
    pool = ClassifierPool(chosen.name, model, budget_seconds=chosen.budget_ms / 1000)
    return ClassifierPanel(pool, classification_of(model.manifest))


def chosen_classifier(settings: Settings) -> Classifier | None:
    """Return which classifier is in force: the settings' own, or the shipped one where it is there."""
    if settings.classifiers:
        return settings.classifiers[0]
    return Classifier(name=SHIPPED_NAME) if (SHIPPED / MANIFEST).is_file() else None


def open_model(loaded: Loaded, chosen: Classifier) -> OnnxModel:
    """Load the model of a classifier.

    Raises:
        SettingsError: it cannot be used.
    """
    try:
        return load_model(chosen.path or SHIPPED, load_taxonomy().risks)
    except ManifestError as exc:
        path = ("classifiers", "0", "path")
        wrong, _, remedy = str(exc).rpartition(". ")
        raise SettingsError(
            [Problem(loaded.origins.place(path), ".".join(path), None, wrong or str(exc), remedy)]
        ) from exc


class TextScores:
    """Findings of a model in texts by themselves, by a policy.

    Args:
        model: scores.
        policy: says what a score is measured against.
        phase: half of an exchange the texts are taken for.
    """

    def __init__(self, model: OnnxModel, policy: Policy, phase: Phase) -> None:
        self._model = model
        self._side = SIDE_OF[phase]
        self._bars = bars_of(classification_of(model.manifest), policy, self._side)

    def findings(self, text: str) -> list[Finding]:
        """Return the findings in a text, window by window."""
        spans = cut_windows(text)
        scores = self._model.score([Window(text[span.start : span.end], self._side) for span in spans])
        found = [self._bars.finding(score, *span) for span, score in zip(spans, scores, strict=True)]
        return [each for each in found if each is not None]


def classification_of(manifest: Manifest) -> Classification:
    """Return what the core has to know of a model."""
    bars = {side: Bar(own.unsafe, own.early, own.categories) for side, own in manifest.thresholds.items()}
    return Classification(manifest.digest, bars)


def _wanted(settings: Settings) -> bool:
    # Loaded it takes a hundred megabytes, which nobody should pay for a stage that every policy switches off.
    return any(classifies(policy, phase) for policy in build_policies(settings).values() for phase in Phase)
