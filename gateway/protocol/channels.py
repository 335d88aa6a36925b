"""The running texts of one stream, and what its reader has seen of each answer.

Rules: texts that continue from frame to frame are kept apart (choices, reasoning, each tool call) before anything is
matched; what is held of one never delays another; a choice that ends owes what is still held, and its label.
"""

from typing import NamedTuple

from filters.findings import Phase
from filters.keyword_stream import KeywordStream
from filters.ruleset import Ruleset
from gateway.protocol.dialects.base import Carrier, ChannelKey, Segment, Spelling
from gateway.protocol.gate import Channel, Released
from gateway.protocol.judge import Judge
from gateway.protocol.labels import AnswerText, Labelling, Position


class Owed(NamedTuple):
    """What a choice still owes at its end.

    Attributes:
        pieces: running texts and what is due in them: held text, and the closing label.
        blocked: True when the end of a text made a finding certain that stops the reply.
    """

    pieces: list[tuple[ChannelKey, str]]
    blocked: bool = False


class StreamShapeError(ValueError):
    """A stream has more running texts than its bound, or a choice goes on behind its end."""


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
        # Settled here, because `_show` asks with every frame.
        self._opens = labelling.position in (Position.START, Position.BOTH)
        self._visible_path = visible_path
        self._structured = structured
        self._limit = limit
        self._channels: dict[ChannelKey, Channel] = {}
        self._answers: dict[int, AnswerText] = {}
        self._spellings: dict[int, KeywordStream] = {}
        self._visible: dict[int, ChannelKey] = {}  # the running text that an answer's label goes to
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
        # An answer without text has no label; it must not hide what became of the others.
        # Sorted, because the order of a set of strings differs from run to run.
        outcomes = {answer.outcome(self._labelling) for answer in self._answers.values()} or {"none"}
        return next((outcome for outcome in sorted(outcomes) if outcome != "none"), "none")

    def advance(self, segment: Segment, judge: Judge) -> Released:
        """Take the next piece of a running text; return what may be shown in its place.

        Raises:
            StreamShapeError: it would open one running text too many, or its choice has ended: what was held of it
                has left, so a term could begin before the end and go on behind it.
        """
        choice = int(segment.channel[0])
        # The end of a choice lets go of all that was held, so nothing may follow that a term could reach into.
        if choice in self._finished and segment.text and not segment.whole:
            raise StreamShapeError
        channel = self._channels.get(segment.channel) or self._open(segment.channel)
        self.received_characters += len(segment.text)
        released = channel.feed(segment.text, judge)
        # Names and ids are taken from one frame: half a name now and the rest later is another name to the client.
        if segment.whole and not released.blocked:
            rest = channel.finish(judge)
            released = Released(released.text + rest.text, blocked=rest.blocked)
        # Programs read such an answer: a sentence inside would break it, the members and the header label it instead.
        if segment.carrier is Carrier.STRUCTURED:
            self._answer(choice).structured = True
        elif segment.carrier is Carrier.VISIBLE:
            # The latest wins: content comes as a string or in parts, and the label has to follow the form in use.
            self._visible[choice] = segment.channel
            shown = self._show(choice, released.text)
            # By identity: most frames show what was released, and no new value is made for them.
            if shown is not released.text:
                return Released(shown, blocked=released.blocked)
        return released

    def spells(self, spelling: Spelling, judge: Judge) -> bool:
        """Tell whether token probabilities may leave: nothing in them would be acted on, or held back."""
        stream = self._spellings.get(spelling.choice)
        if stream is None:
            stream = self._spellings[spelling.choice] = self._ruleset.response.stream()
        found = [known.finding for known in stream.feed(spelling.text)]
        # Tokens that were not chosen join to no text, but one of them alone may be a term.
        found += (finding for text in spelling.texts for finding in self._ruleset.response.scan(text))
        # A beginning counts too: the text holds it back, and its spelling must not show it.
        return stream.pending == 0 and not any(judge.acts(Phase.RESPONSE, finding) for finding in found)

    def finish(self, choice: int, judge: Judge) -> Owed:
        """End a choice; return what it still owes."""
        self._finished.add(choice)
        answer = self._answer(choice)
        pieces = []
        for key, channel in self._channels.items():
            if key[0] == choice and channel.held:
                text, blocked = channel.finish(judge)
                # By the first step alone, so that content in parts is the answer as well.
                visible = key[1] == self._visible_path[0]
                pieces.append((key, self._show(choice, text) if visible else text))
                # The label of an answer that was cut is the notice's to bring.
                if blocked:
                    return Owed(pieces, blocked=True)
        # Into the running text the answer stood in, so that a client which joins the pieces has it at their end.
        if label := answer.closing(self._labelling):
            pieces.append((self._visible.get(choice, (choice, *self._visible_path)), label))
        return Owed(pieces)

    def closing_label(self, choice: int) -> str:
        """Return the visible label a choice that was shown still owes when its stream is cut."""
        return self._answer(choice).closing(self._labelling)

    def finish_all(self, judge: Judge) -> Owed:
        """End every choice: the stream is complete."""
        pieces = []
        # Choices that have ended are asked again and owe nothing: text and label are given once.
        for choice in sorted({int(key[0]) for key in self._channels}):
            owed = self.finish(choice, judge)
            pieces += owed.pieces
            if owed.blocked:
                return Owed(pieces, blocked=True)
        return Owed(pieces)

    def shown_in(self, choice: int) -> bool:
        """Tell whether the reader has seen any of one answer."""
        return not self._answer(choice).empty

    def _open(self, key: ChannelKey) -> Channel:
        # Each running text keeps a scan and a tail: new indices in every frame would grow them without end.
        if len(self._channels) >= self._limit:
            raise StreamShapeError
        channel = self._channels[key] = Channel((self._ruleset.response.stream(),))
        return channel

    def _show(self, choice: int, text: str) -> str:
        """Note what is shown of an answer; return it, behind the opening label where that is due."""
        answer = self._answer(choice)
        answer.add(text)
        # White space opens nothing: a model may begin with it and say no more.
        if not self._opens or not text or answer.empty:
            return text
        return answer.opening(self._labelling) + text

    def _answer(self, choice: int) -> AnswerText:
        answer = self._answers.get(choice)
        if answer is None:
            answer = self._answers[choice] = AnswerText(structured=self._structured)
        return answer
