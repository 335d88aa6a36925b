"""The classifiers of a gateway, asked as one.

Rules: one alone says what it says; of several, each is asked at once and their words are combined by
`filters.classifier.combining`; a failure of one whose fail mode is `closed` fails the whole, one that is `open` is
done without; one in shadow is never waited for and decides nothing, and where it says otherwise than the others, that
is counted.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from filters.classifier.combining import BAR, Combine, Voice, combine, to_common
from filters.classifier.scores import SAFE, Score, Side, Window
from gateway import metrics
from gateway.protocol.bars import Bar, Classification
from gateway.protocol.policy import FailMode
from gateway.proxy.classifier_pool import FAILED, Answer

# A passage needs more than the whole: on the common scale, four tenths of the way from the bar to certainty.
_EARLY = 0.7


class Answering(Protocol):
    """Whatever answers for windows.

    Attributes:
        name: its name in the settings.
    """

    name: str

    def ask(self, windows: Sequence[Window], /) -> "asyncio.Future[Answer]":
        """Ask for scores; the future never fails."""
        ...

    def close(self) -> None:
        """Stop."""
        ...


class Model(NamedTuple):
    """What a classifier judges with.

    Attributes:
        name: of the model.
        version: its own.
        digest: of its files; empty for one that is elsewhere.
    """

    name: str = ""
    version: str = ""
    digest: str = ""


class Member(NamedTuple):
    """One classifier among several.

    Attributes:
        classifier: answers.
        classification: what its scores mean.
        combine: what its word counts.
        weight: its share among those that are averaged.
        fail_mode: what its failure means.
        shadow: True when it is only compared with the others.
        model: name, version and digest of its model, as far as they are known.
    """

    classifier: Answering
    classification: Classification
    combine: Combine = Combine.ANY
    weight: float = 1.0
    fail_mode: FailMode = FailMode.CLOSED
    shadow: bool = False
    model: Model = Model()


class Difference(NamedTuple):
    """A text on which a classifier in shadow would have decided otherwise.

    Attributes:
        request_id: of the exchange.
        classifier: name of the one in shadow.
        shadow_only: True when it alone takes the text for harmful, False when all but it do.
        windows: the windows it differs on; at least one.
    """

    request_id: str
    classifier: str
    shadow_only: bool
    windows: "list[tuple[Window, Score, Score]]"


class ClassifierPanel:
    """What exchanges ask for scores.

    Args:
        members: the classifiers, at least one of them not in shadow.

    Attributes:
        members: as given.
        classification: what the scores mean.
        differs: told where one in shadow says otherwise; does nothing until it is set.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        self.differs: Callable[[Difference], None] = _nobody
        self._members = [member for member in members if not member.shadow]
        self._shadows = [member for member in members if member.shadow]
        self._comparing: set[asyncio.Task[None]] = set()
        alone = len(self._members) == 1
        self.classification = self._members[0].classification if alone else _together(self._members)
        # One alone keeps its own scale: the bars of policies are on it.
        self._ask: Callable[[Sequence[Window]], asyncio.Future[Answer]] = (
            self._members[0].classifier.ask if alone else lambda windows: asyncio.ensure_future(self._all(windows))
        )

    def ask(self, windows: Sequence[Window], request_id: str = "") -> "asyncio.Future[Answer]":
        """Ask for scores; the future never fails, and may be cancelled by who does not want them any more.

        Args:
            windows: stretches of text.
            request_id: of the exchange they are from.
        """
        answer = self._ask(windows)
        for member in self._shadows:
            task = asyncio.ensure_future(self._compare(member, windows, answer, request_id))
            # Kept, or the loop might forget it half-way.
            self._comparing.add(task)
            task.add_done_callback(self._comparing.discard)
        return answer

    def close(self) -> None:
        """Stop."""
        for member in (*self._members, *self._shadows):
            member.classifier.close()

    async def _all(self, windows: Sequence[Window]) -> Answer:
        answers = await asyncio.gather(*(member.classifier.ask(windows) for member in self._members))
        said: list[tuple[Member, tuple[Score, ...]]] = []
        for member, answer in zip(self._members, answers, strict=True):
            if not isinstance(answer, str):
                said.append((member, answer))
            elif member.fail_mode is FailMode.CLOSED:
                return answer
        if not said:
            return next((answer for answer in answers if isinstance(answer, str)), FAILED)
        return tuple(
            combine([_voice(member, scores[place], window) for member, scores in said])
            for place, window in enumerate(windows)
        )

    async def _compare(
        self, member: Member, windows: Sequence[Window], answer: "asyncio.Future[Answer]", request_id: str
    ) -> None:
        other = await member.classifier.ask(windows)
        # A stream that was cut wants no answer any more; then there is nothing to compare with.
        await asyncio.wait((answer,))
        said = "" if answer.cancelled() else answer.result()
        if isinstance(other, str) or isinstance(said, str):
            return
        name = member.classifier.name
        differing: dict[bool, list[tuple[Window, Score, Score]]] = {True: [], False: []}
        for window, ours, theirs in zip(windows, said, other, strict=True):
            decided = _harmful(self.classification, window, ours)
            shadowed = _harmful(member.classification, window, theirs)
            outcome = "same" if decided is shadowed else ("shadow_only" if shadowed else "decided_only")
            metrics.CLASSIFIER_SHADOW.labels(name, outcome).inc()
            # What decides on a passage is another bar, and all of its text is asked about again at the end.
            if decided is not shadowed and not window.early:
                differing[shadowed].append((window, ours, theirs))
        for shadow_only, found in differing.items():
            if found:
                self.differs(Difference(request_id, name, shadow_only, found))


def _bar(classification: Classification, side: Side, category: str) -> float:
    bar = classification.bars[side]
    return bar.categories.get(category, bar.unsafe)


def _harmful(classification: Classification, window: Window, score: Score) -> bool:
    return score.category != SAFE and score.unsafe >= _bar(classification, window.side, score.category)


def _voice(member: Member, score: Score, window: Window) -> Voice:
    # What a linear stage settled is of another scale, and below every bar.
    if score.settled:
        common = score._replace(unsafe=min(score.unsafe, BAR) * BAR)
    else:
        common = to_common(score, _bar(member.classification, window.side, score.category))
    return Voice(common, member.combine, member.weight)


def _together(members: Sequence[Member]) -> Classification:
    bars: Mapping[Side, Bar] = {side: Bar(BAR, _EARLY) for side in Side}
    parts = [f"{each.classification.digest} {each.combine} {each.weight} {each.fail_mode}" for each in members]
    return Classification("sha256:" + hashlib.sha256(" | ".join(parts).encode()).hexdigest(), bars)


def _nobody(_difference: Difference) -> None:
    """Whoever listens is set once there is a trail to write to."""
