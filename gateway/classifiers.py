"""The classifiers of the settings, opened: found, checked and warmed up before anything listens."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import filters
from filters.classifier.guard import load_guard, read_moderation
from filters.classifier.manifest import MANIFEST, Manifest, ManifestError
from filters.classifier.model import OnnxModel, load_model
from filters.classifier.scores import Side, Window
from filters.classifier.windows import cut_windows
from filters.findings import Finding, Phase
from filters.taxonomy import load_taxonomy
from gateway import metrics
from gateway.protocol.bars import SIDE_OF, Bar, Classification, bars_of, classifies
from gateway.protocol.policy import Policy
from gateway.proxy.classifier_panel import Answering, ClassifierPanel, Member, Model
from gateway.proxy.classifier_pool import ClassifierPool
from gateway.proxy.remote_classifier import RemoteClassifier
from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.pool import UpstreamPool
from gateway.settings.classifiers import Classifier, ClassifierKind
from gateway.settings.loader import Loaded
from gateway.settings.models import Settings
from gateway.settings.policies import build_policies
from gateway.settings.problems import Problem, SettingsError

SHIPPED: Final = Path(filters.__file__).parent.parent / "models" / "classifier"
"""The model that comes with Sluice."""
SHIPPED_NAME: Final = "shipped"
# A guard says yes or no: doubt is a half, and early or late makes no difference to it.
_CERTAIN: Final = MappingProxyType(dict.fromkeys(Side, Bar(0.5, 0.9)))


def open_classifier(loaded: Loaded, environ: Mapping[str, str] = MappingProxyType({})) -> ClassifierPanel | None:
    """Open the classifiers of the settings, or the shipped one; None where there is none, or no policy wants one.

    Args:
        loaded: the settings with their origins.
        environ: environment variables, for the keys of servers.

    Raises:
        SettingsError: one cannot be used; the problem says why.
    """
    given = loaded.settings.classifiers
    chosen = given or tuple(filter(None, [chosen_classifier(loaded.settings)]))
    if not chosen or not _wanted(loaded.settings):
        return None
    if all(each.shadow for each in chosen):
        raise _problem(loaded, ("classifiers",), "has none that decides", "Take shadow from one of them")
    members = [_member(loaded, number, each, environ) for number, each in enumerate(chosen)]
    for member in members:
        labels = (member.classifier.name, *member.model, "yes" if member.shadow else "no")
        metrics.CLASSIFIER_INFO.labels(*labels).set(1)
    return ClassifierPanel(members)


def chosen_classifier(settings: Settings) -> Classifier | None:
    """Return the classifier on this machine that is in force: the settings' first, or the shipped one."""
    own = [each for each in settings.classifiers if each.kind is ClassifierKind.ONNX]
    if settings.classifiers:
        return own[0] if own else None
    return Classifier(name=SHIPPED_NAME) if (SHIPPED / MANIFEST).is_file() else None


def open_model(loaded: Loaded, chosen: Classifier) -> OnnxModel:
    """Load the model of a classifier.

    Raises:
        SettingsError: it cannot be used.
    """
    try:
        return load_model(chosen.path or SHIPPED, load_taxonomy().risks)
    except ManifestError as exc:
        number = loaded.settings.classifiers.index(chosen) if chosen in loaded.settings.classifiers else 0
        wrong, _, remedy = str(exc).rpartition(". ")
        path = ("classifiers", str(number), "path")
        raise _problem(loaded, path, wrong or str(exc), remedy) from exc


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


def _member(loaded: Loaded, number: int, chosen: Classifier, environ: Mapping[str, str]) -> Member:
    classifier: Answering
    if chosen.kind is ClassifierKind.ONNX:
        model = open_model(loaded, chosen)
        classifier = ClassifierPool(chosen.name, model, budget_seconds=chosen.budget_ms / 1000)
        classification = classification_of(model.manifest)
        described = Model(model.manifest.name, model.manifest.version, model.manifest.digest)
    else:
        classifier = _remote(loaded, number, chosen, environ)
        asked = f"{chosen.kind} {chosen.model} {chosen.template}"
        classification = Classification("sha256:" + hashlib.sha256(asked.encode()).hexdigest(), _CERTAIN)
        described = Model(chosen.model or "")
    combined = (chosen.combine, chosen.weight, chosen.fail_mode, chosen.shadow)
    return Member(classifier, classification, *combined, described)


def _remote(loaded: Loaded, number: int, chosen: Classifier, environ: Mapping[str, str]) -> RemoteClassifier:
    key = environ.get(chosen.api_key_env, "").strip() if chosen.api_key_env else None
    path = ("classifiers", str(number), "api_key_env")
    if key is not None and not (key and all("!" <= character <= "~" for character in key)):
        raise _problem(loaded, path, "names a variable that holds no usable key", f"Set {chosen.api_key_env}")
    budget_seconds = chosen.budget_ms / 1000
    patience = Timeouts(budget_seconds, budget_seconds, budget_seconds, budget_seconds)
    server = UpstreamPool(chosen.base_url or "", patience, api_key=key)
    if chosen.kind is ClassifierKind.MODERATION:
        question, read, endpoint = partial(_moderation, model=chosen.model), read_moderation, "/moderations"
        return RemoteClassifier(chosen.name, server, endpoint, question, read, budget_seconds=budget_seconds)
    guard = load_guard(chosen.template or "")
    question = partial(guard.question, model=chosen.model)
    return RemoteClassifier(
        chosen.name, server, "/chat/completions", question, guard.read, budget_seconds=budget_seconds
    )


def _moderation(window: Window, *, model: str) -> dict[str, Any]:
    return {"model": model, "input": window.text}


def _problem(loaded: Loaded, path: tuple[str, ...], wrong: str, remedy: str) -> SettingsError:
    return SettingsError([Problem(loaded.origins.place(path), ".".join(path), None, wrong, remedy)])
