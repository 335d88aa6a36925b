"""The running texts of one stream, and what its reader has seen of each answer.

Rules: texts that continue from frame to frame are kept apart (choices, content blocks, reasoning, each tool call)
before anything is matched; what is held of one never delays another; a part that ends owes what is still held of it,
an answer that ends owes its label; where a format says a text once more, it says what was shown of it.
"""

from collections.abc import Callable
from typing import NamedTuple

from filters.findings import Known, Phase
from filters.ruleset import Ruleset
from gateway.protocol.continued import ContinuedStage
from gateway.protocol.dialects.base import Carrier, ChannelKey, Segment, Spelling
from gateway.protocol.evidence import ContentScope
from gateway.protocol.gate import Channel, Released, StreamStage
from gateway.protocol.judge import Judge
from gateway.protocol.labels import AnswerText, Labelling, Position
from gateway.protocol.nested import NestedStage, scan_nested
from gateway.protocol.personal import IDENTIFIERS, UNFOLLOWED, Following
from gateway.protocol.placeholders import Vault
from gateway.protocol.restoring import Restorer
from gateway.protocol.stream_scoring import StreamScoring
from gateway.protocol.witness import Witness


class Owed(NamedTuple):
    """What is still owed at an end.

    Attributes:
        pieces: running texts and what is due in them: held text, and the closing label.
        blocked: True when the end of a text made a finding certain that stops the reply.
    """

    pieces: list[tuple[ChannelKey, str]]
    blocked: bool = False


class StreamShapeError(ValueError):
    """A stream has more running texts than its bound, or longer ones, or a text goes on behind its end."""


class Channels:
    """Every running text of one stream.

    Args:
        ruleset: what they are scanned with.
        labelling: how answers are labelled.
        structured: True when JSON was asked for.
        verbatim: True when a program takes the answer as it is.
        limit: most running texts taken.
        most_shown: most characters shown, where a format says them once more and they are kept for it; 0 keeps none.
        personal: how personal data is followed.
        vault: values that are restored in what is shown.
        witness: told of what is received.
        scoring: has them scored; None where that is not wanted.
        second: gives what follows each running text besides, and has no say.

    Attributes:
        received_characters: characters scanned so far.
    """

    def __init__(  # noqa: PLR0913 all but the first two are given by name
        self,
        ruleset: Ruleset,
        labelling: Labelling,
        *,
        structured: bool,
        limit: int,
        verbatim: bool = False,
        most_shown: int = 0,
        personal: Following = UNFOLLOWED,
        vault: Vault | None = None,
        witness: Witness | None = None,
        scoring: StreamScoring | None = None,
        second: Callable[[], tuple[StreamStage, ...]] = tuple,
    ) -> None:
        self._ruleset = ruleset
        self._labelling = labelling
        # Settled here, because `_show` asks with every frame.
        self._opens = labelling.position in (Position.START, Position.BOTH)
        self._structured = structured
        self._verbatim = verbatim
        self._limit = limit
        self._most_shown = most_shown
        self._personal = personal
        self._second = second
        # None where there is nothing to restore, which is nearly always: then no text is looked at again.
        self._vault = vault or None
        self._witness = witness or Witness(ContentScope.NONE)
        self._scoring = scoring
        self._restorers: dict[ChannelKey, Restorer] = {}
        self._channels: dict[ChannelKey, Channel] = {}
        self._answers: dict[int, AnswerText] = {}
        self._spellings: dict[ChannelKey, NestedStage] = {}
        self._checks: dict[int, NestedStage] = {}  # the check of the latest text of each answer
        self._visible: dict[int, ChannelKey] = {}  # the running text that an answer's label goes to
        self._visible_keys: set[ChannelKey] = set()
        self._shown: dict[ChannelKey, list[str]] = {}
        self._shown_characters = 0
        self._finished: set[ChannelKey] = set()
        self.received_characters = 0

    @property
    def released_characters(self) -> int:
        """Characters of the reply that were let go."""
        return sum(channel.released for channel in self._channels.values())

    @property
    def unfinished(self) -> list[int]:
        """Answers that have text and no end yet."""
        return [answer for answer in self._numbers() if (answer,) not in self._finished]

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
            StreamShapeError: it would open one running text too many, or its path has ended: what was held of it
                has left, so a term could begin before the end and go on behind it.
        """
        # The end of a text lets go of all that was held, so nothing may follow that a term could reach into.
        if self._finished and segment.text and not segment.whole and self._ended(segment.channel):
            raise StreamShapeError
        channel = self._channels.get(segment.channel) or self._open(segment)
        self.received_characters += len(segment.text)
        released = channel.feed(segment.text, judge)
        # Names and ids are taken from one frame: half a name now and the rest later is another name to the client.
        if segment.whole and not released.blocked:
            rest = channel.finish(judge)
            released = Released(released.text + rest.text, blocked=rest.blocked)
        answer = int(segment.channel[0])
        if self._vault is not None:
            released = self._restored(self._vault, segment, released)
        # Programs read such an answer: a sentence inside would break it, the members and the header label it instead.
        if segment.carrier is Carrier.STRUCTURED:
            self._answer(answer).verbatim = True
        elif segment.carrier is Carrier.VISIBLE:
            # The latest wins: content comes as a string or in parts, and the label has to follow the form in use.
            self._visible[answer] = segment.channel
            self._visible_keys.add(segment.channel)
            shown = self._show(answer, released.text)
            # By identity: most frames show what was released, and no new value is made for them.
            if shown is not released.text:
                released = Released(shown, blocked=released.blocked)
        if self._most_shown:
            if self._shown_characters + len(released.text) > self._most_shown:
                raise StreamShapeError
            self.note(segment.channel, released.text)
        return released

    def is_new(self, segment: Segment) -> bool:
        """Tell whether nothing was read yet of a running text that a frame says in full."""
        return segment.channel not in self._channels and bool(segment.text)

    def repeated(self, segment: Segment, judge: Judge) -> Released:
        """Read a place that says a running text once more; return what is new of it.

        A text that was read before is not read again: `shown_of` is what leaves in its place. One that nothing was
        read of, since not all servers send pieces, begins and ends here.
        """
        if not self.is_new(segment):
            return Released("")
        released = self.advance(segment._replace(whole=True), judge)
        self._finished.add(segment.channel)
        # A frame at which the stream is stopped says nothing more.
        if released.blocked:
            self._shown.pop(segment.channel, None)
        return released

    def note(self, channel: ChannelKey, text: str) -> None:
        """Keep what is shown of a running text, for where it is said once more."""
        if self._most_shown:
            self._shown_characters += len(text)
            self._shown.setdefault(channel, []).append(text)

    def shown_of(self, channel: ChannelKey) -> str:
        """Return what was shown of a running text, labels and notices included."""
        pieces = self._shown.get(channel, [])
        # Joined once for all repetitions.
        pieces[:] = ["".join(pieces)]
        return pieces[0]

    def spells(self, spelling: Spelling, judge: Judge) -> bool:
        """Tell whether token probabilities may leave: nothing in them would be acted on, or held back."""
        # Token by token a number is held back nowhere, and no token alone is one.
        if self._personal.holds:
            return False
        stream = self._spellings.get(spelling.channel)
        if stream is None:
            stream = self._spellings[spelling.channel] = NestedStage(self._ruleset.response.stream)
        found = [known.finding for known in stream.feed(spelling.text)]
        # Tokens that were not chosen join to no text, but one of them alone may be a term.
        for alone in scan_nested(self._ruleset.response, spelling.texts):
            found += alone
        # A beginning counts too: the text holds it back, and its spelling must not show it.
        return stream.pending == 0 and not any(judge.acts(Phase.RESPONSE, finding) for finding in found)

    def finish(self, path: ChannelKey, judge: Judge) -> Owed:
        """End every running text below a path; return what is still owed of them."""
        first = path not in self._finished
        self._finished.add(path)
        pieces = []
        for key, channel in self._channels.items():
            # Once also where nothing is held: a stage may still have something to say, and a restorer to give.
            if key[: len(path)] == path and (first or channel.held):
                text, blocked = channel.finish(judge)
                if self._vault is not None:
                    text = self._restorers[key].feed(text) + self._restorers[key].finish()
                if not text and not blocked:
                    continue
                pieces.append((key, self._show(int(key[0]), text) if key in self._visible_keys else text))
                # The label of an answer that was cut is the notice's to bring.
                if blocked:
                    return Owed(pieces, blocked=True)
        # A part is no answer: another one may follow, and the label stands behind the last.
        return Owed(pieces + (self.closing_label(int(path[0])) if len(path) == 1 else []))

    def learn(self, key: ChannelKey, found: list[Known], judge: Judge) -> Owed:
        """Take what a stage came to know of a running text between two of its pieces; return what may leave now."""
        text, blocked = self._channels[key].learn(found, judge)
        if self._vault is not None and text:
            text = self._restorers[key].feed(text)
        if not text:
            return Owed([], blocked)
        return Owed([(key, self._show(int(key[0]), text) if key in self._visible_keys else text)], blocked)

    def closing_label(self, answer: int) -> list[tuple[ChannelKey, str]]:
        """Return the visible label an answer still owes at its end, and the running text it belongs to."""
        label = self._answer(answer).closing(self._labelling)
        # Into the running text the answer stood in, so that a client which joins the pieces has it at their end.
        return [(self._visible[answer], label)] if label else []

    def finish_all(self, judge: Judge) -> Owed:
        """End every answer: the stream is complete."""
        pieces = []
        # Answers that have ended are asked again and owe nothing: text and label are given once.
        for answer in self._numbers():
            owed = self.finish((answer,), judge)
            pieces += owed.pieces
            if owed.blocked:
                return Owed(pieces, blocked=True)
        return Owed(pieces)

    def shown_in(self, answer: int) -> bool:
        """Tell whether the reader has seen any of one answer."""
        return not self._answer(answer).empty

    def _numbers(self) -> list[int]:
        return sorted({int(key[0]) for key in self._channels})

    def _ended(self, channel: ChannelKey) -> bool:
        return any(channel[:size] in self._finished for size in range(1, len(channel) + 1))

    def _open(self, segment: Segment) -> Channel:
        # Each running text keeps a scan and a tail: new indices in every frame would grow them without end.
        if len(self._channels) >= self._limit:
            raise StreamShapeError
        check = NestedStage(self._ruleset.response.stream)
        stage: StreamStage = check
        if segment.carrier is Carrier.VISIBLE:
            answer = int(segment.channel[0])
            # Blocks and parts of an answer are one text to its reader.
            if before := self._checks.get(answer):
                stage = ContinuedStage(check, before.tail)
            self._checks[answer] = check
        # Identifiers of the wire format are nobody's data.
        more = () if segment.channel[-1] in IDENTIFIERS else self._personal.stages()
        # What is complete in its frame was scored before it came here.
        if self._scoring is not None and not segment.whole:
            more = (*more, self._scoring.open_stage(segment.channel))
        channel = self._channels[segment.channel] = Channel(
            (stage, *more, *self._second()), self._witness.begin_text()
        )
        return channel

    def _restored(self, vault: Vault, segment: Segment, released: Released) -> Released:
        """Put values back in the place of their placeholders; what may still become a placeholder waits."""
        restorer = self._restorers.get(segment.channel)
        if restorer is None:
            # What is JSON must stay JSON whatever the value holds.
            escaped = self._structured or segment.carrier is Carrier.STRUCTURED
            restorer = self._restorers[segment.channel] = Restorer(vault, escaped=escaped)
        text = restorer.feed(released.text)
        if segment.whole or released.blocked:
            text += restorer.finish()
        return released if text == released.text else Released(text, blocked=released.blocked)

    def _show(self, number: int, text: str) -> str:
        """Note what is shown of an answer; return it, behind the opening label where that is due."""
        answer = self._answer(number)
        answer.add(text)
        # White space opens nothing: a model may begin with it and say no more.
        if not self._opens or not text or answer.empty:
            return text
        return answer.opening(self._labelling) + text

    def _answer(self, number: int) -> AnswerText:
        answer = self._answers.get(number)
        if answer is None:
            answer = self._answers[number] = AnswerText(structured=self._structured, verbatim=self._verbatim)
        return answer
