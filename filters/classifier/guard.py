"""Guard models behind a chat endpoint, and moderation endpoints: the question, and how the answer is read.

Rules: what a guard is asked and what its labels stand for is data, one file for each (`filters/classifier/guards`);
an answer without a verdict is none, and never a "safe".
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from filters.classifier.scores import SAFE, Score, ScorerError, Side, Window

_TEXT = "{text}"
_FOLDER = "filters.classifier.guards"
# By OpenAI's names (https://platform.openai.com/docs/guides/moderation); others are `_OTHER`.
_MODERATION_RISKS = {
    "hate": "A.2.i",
    "harassment": "A.2.i",
    "self-harm": "A.4.a",
    "sexual": "A.1.f",
    "violence": "A.1.f",
    "illicit": "A.1.h",
}
_OTHER = "A.1.h"


@dataclass(frozen=True, slots=True)
class Guard:
    """How one guard model is asked and read.

    Attributes:
        messages: the conversation for each side; ``{text}`` stands for the text.
        verdict: finds the word of the verdict in an answer.
        scores: score by that word.
        label: finds the labels in an answer.
        labels: risk id by label.
        other: risk id of a label that is not named.
        max_tokens: longest answer wanted.
    """

    messages: Mapping[Side, list[dict[str, str]]]
    verdict: re.Pattern[str]
    scores: Mapping[str, float]
    label: re.Pattern[str]
    labels: Mapping[str, str]
    other: str
    max_tokens: int

    def question(self, window: Window, model: str) -> dict[str, Any]:
        """Return the body of the chat request that asks about a window."""
        messages = [
            {"role": each["role"], "content": each["content"].replace(_TEXT, window.text)}
            for each in self.messages[window.side]
        ]
        # No chance in a verdict: asked twice, it must not differ.
        return {"model": model, "messages": messages, "temperature": 0, "max_tokens": self.max_tokens}

    def read(self, document: Any) -> Score:  # noqa: ANN401 any JSON value
        """Read the answer.

        Raises:
            ScorerError: it holds no verdict.
        """
        try:
            said = document["choices"][0]["message"]["content"]
            found = self.verdict.search(said)
        except (KeyError, IndexError, TypeError) as exc:
            raise ScorerError("the guard's answer is no chat reply") from exc
        if found is None:
            raise ScorerError("the guard's answer holds no verdict")
        unsafe = self.scores[found[1]]
        if not unsafe:
            return Score(0.0)
        names = self.label.findall(said)
        name = names[0].split(",")[0].strip() if names else "unsafe"
        return Score(unsafe, name[:64], self.labels.get(name, self.other))


def guard_names() -> list[str]:
    """Return the guards there is a file for."""
    return sorted(each.name.removesuffix(".toml") for each in files(_FOLDER).iterdir() if each.name.endswith(".toml"))


def load_guard(name: str) -> Guard:
    """Read the file of a guard.

    Args:
        name: one of `guard_names`.
    """
    data = tomllib.loads(files(_FOLDER).joinpath(f"{name}.toml").read_text("utf-8"))
    return Guard(
        messages={side: data[side.value] for side in Side},
        verdict=re.compile(data["verdict"]),
        scores=data["scores"],
        label=re.compile(data["label"]),
        labels=data["labels"],
        other=data["other"],
        max_tokens=data["max_tokens"],
    )


def read_moderation(document: Any) -> Score:  # noqa: ANN401 any JSON value
    """Read the answer of a moderation endpoint about one text.

    Raises:
        ScorerError: it is none.
    """
    try:
        result = document["results"][0]
        flagged, scores = result["flagged"], result.get("category_scores") or {}
        worst = max(scores, key=lambda name: scores[name], default="")
        unsafe = float(scores[worst]) if worst else float(flagged)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as exc:
        raise ScorerError("the answer is no moderation") from exc
    # Its own threshold decides: its scores are of no scale that is known here.
    if not flagged:
        return Score(min(unsafe, 0.5), SAFE)
    category = worst or "unsafe"
    return Score(max(unsafe, 0.5), category, _MODERATION_RISKS.get(category.partition("/")[0], _OTHER))
