"""The running texts of one stream, and what its reader has seen of each answer.

Rules: texts that continue from frame to frame are kept apart (choices, reasoning, each tool call) before anything is
matched; what is held of one never delays another; a choice that ends owes what is still held, and its label.
"""

from filters.ruleset import Ruleset
from gateway.protocol.dialects.base import Carrier, ChannelKey, Segment
from gateway.protocol.gate import Channel, Released
from gateway.protocol.judge import Judge
from gateway.protocol.labels import AnswerText, Labelling


class TooManyChannelsError(ValueError):
    """A stream has more running texts than its bound."""


class Channels:
    """Every running text of one stream.

    Args:
        ruleset: what they are scanned with.
        labelling: how answers are labelled.
        visible_path: path of the answer's own text inside a choice.
        structured: True when JSON was asked for.
        limit: most running texts taken.

    Attributes:
        received_characters: characters scanned so far.
    """

    def __init__(
        self, ruleset: Ruleset, labelling: Labelling, visible_path: ChannelKey, *, structured: bool, limit: int
    ) -> None:
        self._ruleset = ruleset
        self._labelling = labelling
        self._visible_path = visible_path
        self._structured = structured
        self._limit = limit
        self._channels: dict[ChannelKey, Channel] = {}
        self._answers: dict[int, AnswerText] = {}
        self._finished: set[int] = set()
        self.received_characters = 0

    @property
    def released_characters(self) -> int:
        """Characters of the reply that were let go."""
        return sum(channel.released for channel in self._channels.values())

    @property
    def unfinished(self) -> list[int]:
        """Choices that have text and no end yet."""
        return sorted({int(key[0]) for key in self._channels} - self._finished)

    @property
    def shown(self) -> bool:
        """True when the reader has seen any of an answer."""
        return any(not answer.empty for answer in self._answers.values())

    @property
    def label_outcome(self) -> str:
        """What became of the visible label, over all answers."""
        outcomes = {answer.outcome(self._labelling) for answer in self._answers.values()} or {"none"}
        return next((outcome for outcome in sorted(outcomes) if outcome != "none"), "none")

    def advance(self, segment: Segment, judge: Judge) -> Released:
        """Take the next piece of a running text; return what may be shown in its place.

        Raises:
            TooManyChannelsError: it would open one running text too many.
        """
        channel = self._channels.get(segment.channel)
        if channel is None:
            if len(self._channels) >= self._limit:
                raise TooManyChannelsError
            channel = self._channels[segment.channel] = Channel((self._ruleset.response.stream(),))
        self.received_characters += len(segment.text)
        released = channel.feed(segment.text, judge)
        if segment.carrier is Carrier.HIDDEN:
            return released
        answer = self._answer(int(segment.channel[0]))
        if segment.carrier is Carrier.STRUCTURED:
            answer.structured = True
            return released
        answer.add(released.text)
        if answer.empty or not released.text:
            return released
        return Released(answer.opening(self._labelling) + released.text, blocked=released.blocked)

    def finish(self, choice: int) -> list[tuple[ChannelKey, str]]:
        """End a choice; return the pieces it still owes: held texts, and the closing label."""
        self._finished.add(choice)
        answer = self._answer(choice)
        pieces = []
        for key, channel in self._channels.items():
            if key[0] == choice and channel.held:
                pieces.append((key, channel.finish()))
                if key[1:] == self._visible_path:
                    answer.add(pieces[-1][1])
        if label := answer.closing(self._labelling):
            pieces.append(((choice, *self._visible_path), label))
        return pieces

    def closing_label(self, choice: int) -> str:
        """Return the visible label a choice that was shown still owes when its stream is cut."""
        return self._answer(choice).closing(self._labelling)

    def finish_all(self) -> list[tuple[ChannelKey, str]]:
        """End every choice: the stream is complete."""
        return [piece for choice in sorted({int(key[0]) for key in self._channels}) for piece in self.finish(choice)]

    def _answer(self, choice: int) -> AnswerText:
        answer = self._answers.get(choice)
        if answer is None:
            answer = self._answers[choice] = AnswerText(structured=self._structured)
        return answer
