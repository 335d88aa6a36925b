"""What a classifier in shadow says otherwise is told of in the trail, without text and not without end."""

from filters.classifier.scores import Score, Side, Window
from gateway.audit.events import Event
from gateway.differences import MOST_A_MINUTE, Differences
from gateway.proxy.classifier_panel import Difference

CLEAN, HARM, WORSE = Score(0.2, "abuse", "A.4.a"), Score(0.85, "fraud", "A.1.h"), Score(0.95, "drugs", "A.1.h")


def difference(*windows: tuple[Score, Score], shadow_only: bool = True, number: int = 0) -> Difference:
    """Build one of windows with the scores of those that decide and of the shadow."""
    asked = [(Window("a secret text", Side.OUTPUT), *scores) for scores in windows]
    return Difference(f"r{number}", "trial", shadow_only, asked)


def test_the_gravest_window_is_told_of() -> None:
    """By whoever takes the text for harmful; the text itself is nowhere."""
    said: list[Event] = []
    told = Differences(said.append)
    told.report(difference((CLEAN, HARM), (CLEAN, WORSE)))
    told.report(difference((HARM, CLEAN), shadow_only=False))
    first, second = said
    assert (first.subject, first.details["outcome"], first.details["windows"]) == ("r0", "shadow_only", 2)
    assert (first.details["shadow"], first.details["shadow_score"], first.details["side"]) == ("drugs", 950, "output")
    assert (second.details["decided"], second.details["decided_score"], second.details["shadow_score"]) == (
        "fraud",
        850,
        200,
    )
    assert "secret" not in repr(said)


def test_a_shadow_that_differs_on_everything_fills_no_trail() -> None:
    """What is left out is counted by the next entry."""
    said: list[Event] = []
    now = [0.0]
    told = Differences(said.append, lambda: now[0])
    for number in range(MOST_A_MINUTE + 7):
        told.report(difference((CLEAN, HARM), number=number))
    assert len(said) == MOST_A_MINUTE
    now[0] = 61.0
    told.report(difference((CLEAN, HARM)))
    told.report(difference((CLEAN, HARM)))
    assert [event.details.get("unreported") for event in said[-2:]] == [7, None]
