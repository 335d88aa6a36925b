"""A streamed reply on its way through: frames in, cleared frames out.

Rules: a frame nothing was changed in leaves as the bytes that came; a frame that cannot be understood is a decision
of the fail mode; behind the end of the stream nothing is read any more. How frames leave, and which of them wait, is
the business of `gateway.protocol.outbox`.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from filters.classifier.scores import Score
from filters.findings import Action, Finding, Phase, Stage
from gateway.errors import ANSWERS, ErrorCode
from gateway.protocol.buffered import Texts, judge_texts
from gateway.protocol.channels import Channels, StreamShapeError
from gateway.protocol.commands import ScoreTexts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ChannelKey, Document, Ending, FrameView, Identity, Segment, Spelling, Wait
from gateway.protocol.documents import read_document, reads_one_way, reported_model
from gateway.protocol.evidence import ContentScope
from gateway.protocol.gate import Released, StreamStage
from gateway.protocol.judge import Judge
from gateway.protocol.nested import scan_nested
from gateway.protocol.outbox import Leaving, Outbox
from gateway.protocol.personal import following
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode
from gateway.protocol.prose import is_name, is_prose, says_something
from gateway.protocol.questions import TOO_LONG, missed
from gateway.protocol.second import SecondStage
from gateway.protocol.sse import SseDecoder, SseFrame, text_of_line
from gateway.protocol.stream_scoring import StreamScoring, TooLongError, scoring_of
from gateway.protocol.templates import FrameTemplate, fill, make_template, text_between
from gateway.protocol.texts import TextGroup
from gateway.protocol.witness import Witness

# Metadata (ids, model name, event names) repeats in every frame; what was scanned is remembered, within bounds.
_REMEMBERED_TEXTS = 128
_REMEMBERED_LENGTH = 128
# How often a stream's frames are looked at for a template: enough to get past the first ones, and no more for a
# server whose frames are never alike.
_TEMPLATES = 4
# Tokens that were not chosen: the twenty of one place are at most so long together.
_MOST_OF_TOKENS = 256


class StreamedReply:
    """One streamed reply.

    Args:
        context: the rules.
        judge: keeps the tally of the exchange.
        identity: names frames that are made here.
        vault: values that are restored in what is shown.
        structured: True when JSON was asked for.
        verbatim: True when a program takes the answer as it is.
        witness: told of what is received and found.

    Attributes:
        channels: the running texts.
        done: True once the stream said that it is complete.
        served_model: model name it says it comes from, once it does.
        stop: why the stream must end before the model ends it: ``content_filter`` for a block, else the error.
    """

    def __init__(
        self,
        context: ExchangeContext,
        judge: Judge,
        identity: Identity,
        vault: Vault,
        *,
        structured: bool,
        verbatim: bool = False,
        witness: Witness | None = None,
    ) -> None:
        self._witness = witness or Witness(ContentScope.NONE)
        self._dialect = context.dialect
        self._format = context.dialect.stream(identity)
        self._matcher = context.standing.ruleset.response
        self._judge = judge
        self._vault = vault
        self._context = context
        self._scoring = scoring_of(context)
        self._backlog: deque[SseFrame] = deque()  # frames behind one that waits
        self._waiting: Callable[[], None] | None = None  # what is done once the scores are in
        self._ended = False  # no frame comes any more
        self._decoder = SseDecoder(context.bounds.frame_bytes)
        self._scanned: set[str | bytes] = set()
        self._template: FrameTemplate | None = None
        self._templates_left = _TEMPLATES
        self.channels = Channels(
            context.standing.ruleset,
            context.standing.labelling,
            structured=structured,
            verbatim=verbatim,
            limit=context.bounds.channels,
            # Whoever says all of it once more does so in one frame.
            most_shown=context.bounds.frame_bytes if self._format.repeats else 0,
            personal=following(context),
            second=_second(context, judge),
            vault=vault,
            witness=self._witness,
            scoring=self._scoring,
        )
        self._outbox = Outbox(self._dialect, self._format, self.channels)
        self.done = False
        self.served_model = ""
        self.stop: ErrorCode | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the model's stream; return the bytes that may leave now."""
        self._take(self._decoder.feed(data))
        return self._outbox.take()

    @property
    def waits(self) -> bool:
        """True while scores are missing that the next frame has to wait for."""
        return self._waiting is not None or (self._scoring is not None and self._scoring.behind)

    def take_wishes(self) -> list[ScoreTexts]:
        """Return what of the running texts is to be scored, once."""
        return self._scoring.take_wishes() if self._scoring else []

    def scored(self, ticket: int, scores: tuple[Score, ...] | None) -> bytes:
        """Take scores that were wished for; return the bytes that may leave now.

        Args:
            ticket: of the wish.
            scores: the answer; None where there is none, and the text passes so.
        """
        scoring = cast("StreamScoring", self._scoring)
        answered = scoring.take(ticket, scores)
        if isinstance(answered, tuple):
            owed = self.channels.learn(*answered, self._judge)
            self._outbox.owe(owed.pieces)
            blocked = owed.blocked
        else:
            # All of them, also behind a block, so that the record names every risk.
            passed = [self._passes(text, findings) for text, findings in answered]
            blocked = not all(passed)
        if blocked:
            self.stop = ErrorCode.CONTENT_FILTER
        elif self._waiting is not None and scoring.settled:
            go_on, self._waiting = self._waiting, None
            go_on()
            self._take([])
        return self._outbox.take()

    def missed(self, reason: str) -> FailMode:
        """Say what becomes of a text whose score did not come."""
        return missed(self._judge, self._context, Phase.RESPONSE, reason)

    def finish(self) -> bytes:
        """The model's stream is complete: let go of what no successor can change any more, or wait for its scores."""
        if not self._ended:
            self._take(self._decoder.finish())
        # Frames that still wait end texts of their own.
        if self._waiting is not None:
            return self._outbox.take()
        self._ended = True
        if self._scoring is not None and self.stop is None:
            self._scoring.end(())
            if not self._scoring.settled:
                self._waiting = _nothing
                return self._outbox.take()
        if self.stop is None:
            owed = self.channels.finish_all(self._judge)
            self._outbox.owe(owed.pieces)
            if owed.blocked:
                self.stop = ErrorCode.CONTENT_FILTER
        return self._outbox.take()

    def closing(self, members: Document) -> bytes:
        """Return the last frame with the members, and the terminator."""
        # In the model's own last frame where there is one: clients know it, one more behind it they may not.
        if not self._outbox.last_waits:
            self._outbox.flush()
            self._outbox.end(self._format.ending({0: ""}, Ending.UNSAID))
        return self._close(members)

    def cut(self, text: str, members: Document, why: Ending = Ending.FILTERED) -> bytes:
        """Return the frames that end a stream stopped by the filter: the notice, an end for every open answer.

        Args:
            text: the notice, or the answer that is given in place of the model's.
            members: what its last frame carries besides.
            why: what the reader is told as the reason; never ``UNSAID``.
        """
        texts = {}
        # A block before any text: the notice still needs an answer to stand in.
        for answer in self.channels.unfinished or [0]:
            # The notice must not read as the end of the sentence it stops.
            gap = "\n\n" if self.channels.shown_in(answer) else ""
            # What was shown is generated content, also when cut: a label is owed (GB 45438-2025 chapter 5).
            texts[answer] = gap + text + "".join(label for _, label in self.channels.closing_label(answer))
        self._outbox.flush()
        # The format's own word, so that clients which know nothing of this gateway see why it ended.
        self._outbox.end(self._format.ending(texts, why))
        return self._close(members)

    def broken(self, code: ErrorCode, members: Document) -> bytes:
        """Return the frames that end a stream which failed: labels still owed, an error, the terminator."""
        for answer in self.channels.unfinished:
            # A failure does not undo what was shown: the label is owed here as well.
            self._outbox.owe(self.channels.closing_label(answer))
        self._outbox.flush()
        self._outbox.end(self._format.failure(code, ANSWERS[code].message))
        return self._close(members)

    def _close(self, members: Document) -> bytes:
        self._outbox.close(members)
        return self._outbox.take()

    def _take(self, frames: list[SseFrame]) -> None:
        self._backlog += frames
        while self._backlog:
            if self.done or self.stop or self._waiting:
                return
            self._frame(self._backlog.popleft())
        # Frames before the large one count first, also when one read brought them together.
        if self._decoder.overflowed and not (self.done or self.stop or self._waiting):
            self.stop = ErrorCode.UPSTREAM_MALFORMED

    def _frame(self, frame: SseFrame) -> None:
        # Before anything is parsed: nearly every frame of a long answer leaves here.
        template = self._template
        if template is not None and (text := text_between(template, frame.raw)) is not None:
            self._pass_text(frame, template, text)
            return
        # Readers are given event names and comments too; unread, they would carry text past the scan.
        lines = [line for line in frame.others if line not in self._scanned]
        if not all(self._clean(line) for line in lines):
            return
        beside = [text_of_line(line) for line in lines]
        if frame.data is None:
            # A keep-alive (WHATWG HTML 9.2): swallowed, a proxy behind us might take the connection for dead.
            said = [text for text in beside if not is_name(text)]
            self._when_scored(said, partial(self._outbox.send_bytes, frame.raw))
        # Servers of other formats send it too, behind an end of their own.
        elif frame.data.strip() == b"[DONE]":
            # Not sent on from here: `closing` writes it behind the members.
            self.done = True
        else:
            self._document(frame, frame.data, beside)

    def _document(self, frame: SseFrame, data: bytes, beside: list[str]) -> None:
        try:
            document = read_document(data)
            view = self._format.view(document)
        except ValueError:
            self._malformed(frame)
            return
        self.served_model = self.served_model or reported_model(document)
        # Every frame of a stream repeats its metadata: after the first one this is a single look.
        known = self._scanned.issuperset(view.texts)
        fresh = [] if known else [text for text in view.texts if text not in self._scanned]
        if all(self._clean(text) for text in fresh):
            complete = [] if self._scoring is None else self._complete(view, [*beside, *fresh])
            self._when_scored(complete, partial(self._pass, frame, document, view))

    def _complete(self, view: FrameView, fixed: list[str]) -> list[str]:
        """Return the texts that are complete in a frame, names left out."""
        fixed += [each.text for each in view.segments if each.whole]
        said = [text for text in fixed if not is_name(text)]
        said += [passage.text for passage in view.passages if is_prose(passage)]
        return said + [place.text for place in view.repeats if self.channels.is_new(place)]

    def _when_scored(self, texts: list[str], go_on: Callable[[], None]) -> None:
        """Go on with a frame once the texts that are complete in it are scored, or at once where none has to be."""
        said = [text for text in texts if says_something(text)]
        try:
            waits = self._scoring is not None and self._scoring.ask_about(said)
        except TooLongError:
            waits = False
            if self.missed(TOO_LONG) is FailMode.CLOSED:
                self.stop = ErrorCode.SCAN_FAILED
                return
        if waits:
            self._waiting = go_on
        else:
            go_on()

    def _malformed(self, frame: SseFrame) -> None:
        """A frame nobody understands passes only where the operator said so, and then read as one plain text."""
        mode = self._judge.unscanned(Phase.RESPONSE, Stage.KEYWORDS, "malformed_frame")
        if mode is FailMode.CLOSED:
            self.stop = ErrorCode.UPSTREAM_MALFORMED
        elif self._clean(frame.raw):
            text = frame.raw.decode("utf-8", "replace")
            self._when_scored([text], partial(self._outbox.send_bytes, frame.raw))

    def _clean(self, text: str | bytes) -> bool:
        """Scan a text that stands for itself; False stops the stream."""
        if text in self._scanned:
            return True
        # As readers decode it (WHATWG HTML 9.2): a strict reading would fail at one bad byte that they step over.
        plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
        if not self._passes(plain, scan_nested(self._matcher, (plain,))[0]):
            return False
        if len(self._scanned) < _REMEMBERED_TEXTS and len(text) <= _REMEMBERED_LENGTH:
            self._scanned.add(text)
        return True

    def _passes(self, text: str, findings: Sequence[Finding]) -> bool:
        """Judge what was found in a text that stands for itself; False stops the stream."""
        self._note(text, findings)
        for finding in findings:
            # A masked id or event name would be another id to the client, so nothing is masked here.
            if self._judge.act(Phase.RESPONSE, finding, maskable=False) is Action.BLOCK:
                self.stop = ErrorCode.CONTENT_FILTER
                return False
        return True

    def _note(self, text: str, findings: Sequence[Finding]) -> None:
        if findings:
            self._witness.note(Phase.RESPONSE, text, self._judge.heeded(Phase.RESPONSE, findings))

    def _covered(self, passages: Sequence[TextGroup]) -> bool:
        """Scan texts that are complete in their frame, and mask them there; tell whether that changed any."""
        findings = scan_nested(self._matcher, [each.text for each in passages])
        for passage, found in zip(passages, findings, strict=True):
            self._note(passage.text, found)
        action = judge_texts(Phase.RESPONSE, Texts(tuple(passages), 0), findings, self._judge, self._vault)
        if action is Action.BLOCK:
            self.stop = ErrorCode.CONTENT_FILTER
        return action is Action.MASK

    def _pass(self, frame: SseFrame, document: Document, view: FrameView) -> None:
        masked = self._covered(view.passages) if view.passages else False
        # Like a name that cannot be masked: the frame is no place for what was cleared before it.
        if self.stop:
            return
        own = self._pieces(view)
        if self._scoring is not None and view.finished and self.stop is None:
            for path in view.finished:
                self._scoring.end(path)
            # What is still held leaves in this very frame or before it, so the frame waits for the scores.
            if not self._scoring.settled:
                self._waiting = partial(self._pass_on, frame, document, view, own, masked=masked)
                return
        self._pass_on(frame, document, view, own, masked=masked)

    def _pass_on(
        self,
        frame: SseFrame,
        document: Document,
        view: FrameView,
        own: dict[ChannelKey, Segment | None],
        *,
        masked: bool,
    ) -> None:
        # Behind the texts: only now is it known what of them is still held.
        for path in view.finished:
            if self.stop is None:
                self._finish(path, own)
        if self.stop:
            self._last_words(frame, document, view)
            return
        # Compared again: an end may have given back what was held, and the frame is as it came after all.
        changed = any(segment.container[segment.key] != segment.text for segment in view.segments)
        withheld = [spelling for spelling in view.spellings if not self._spells(spelling, view)]
        if changed or withheld:
            self._dialect.withhold(document)
        # Of two members of one name only the last was scanned; the bytes may leave only where there is but one.
        again = bool(changed or withheld or masked or not reads_one_way(frame.data or b"", document))
        if not again and self._templates_left:
            self._templates_left -= 1
            self._template = make_template(frame, document, view) or self._template
        self._outbox.send(
            Leaving(frame.raw, frame.others, document, view.wait, view.repeats, changed=again, end=view.end)
        )
        self.done = view.end

    def _spells(self, spelling: Spelling, view: FrameView) -> bool:
        """Tell whether token probabilities may leave."""
        if not self.channels.spells(spelling, self._judge):
            return False
        # They are not scored, so what leaves must say what the frame says, and beside it no more than tokens.
        said = {place.text for place in (*view.segments, *view.repeats)} | {""}
        return self._scoring is None or (
            spelling.text in said
            and all(len(text) <= _MOST_OF_TOKENS or text in spelling.text for text in spelling.texts)
        )

    def _pieces(self, view: FrameView) -> dict[ChannelKey, Segment | None]:
        """Advance the running texts of a frame; return which it brings, and where it may take more of them."""
        own: dict[ChannelKey, Segment | None] = {}
        for segment in view.segments:
            # Behind a stop nothing of the frame leaves any more.
            text = "" if self.stop else self._advance(self.channels.advance, segment)
            if text != segment.text:
                segment.container[segment.key] = text
            if segment.text:
                own[segment.channel] = segment
        for place in view.repeats:
            text = "" if self.stop else self._advance(self.channels.repeated, place)
            if text and self.stop:
                # Such a frame is an end and does not leave: what was cleared before the stop needs one of its own.
                self._outbox.owe([(place.channel, text)])
            elif text:
                own[place.channel] = None
        return own

    def _pass_text(self, frame: SseFrame, template: FrameTemplate, text: str) -> None:
        """Pass a frame that is like an earlier one but for its text."""
        place = template.segment
        # No container: this frame has no document that anything could be written into.
        released = self._advance(self.channels.advance, Segment(place.channel, place.carrier, None, None, text))
        if self.stop:
            # Read in full only now: until a stop, the text alone is enough.
            document = read_document(frame.data or b"")
            view = self._format.view(document)
            view.segments[0].container[view.segments[0].key] = released
            self._last_words(frame, document, view)
        else:
            self._outbox.send_bytes(frame.raw if released == text else fill(template, released))

    def _advance(self, take: Callable[[Segment, Judge], Released], segment: Segment) -> str:
        try:
            text, blocked = take(segment, self._judge)
        except StreamShapeError:
            # None of the piece leaves: no scan follows the text it belongs to.
            self.stop = ErrorCode.UPSTREAM_MALFORMED
            return ""
        if blocked:
            self.stop = ErrorCode.CONTENT_FILTER
        return text

    def _last_words(self, frame: SseFrame, document: Document, view: FrameView) -> None:
        """Let go of what was cleared before the stop, and of nothing that came in the same frame behind it."""
        self._dialect.withhold(document)
        # An end mark here would tell the client that the answer is complete, just before the notice.
        if self._format.unfinish(document):
            self._outbox.send(Leaving(frame.raw, frame.others, document, Wait.NOT, view.repeats, changed=True))

    def _finish(self, path: ChannelKey, own: dict[ChannelKey, Segment | None]) -> None:
        """Send what is owed at an end: in the frame itself where that brings text of its own, else before it."""
        owed = self.channels.finish(path, self._judge)
        if owed.blocked:
            self.stop = ErrorCode.CONTENT_FILTER
        pieces = []
        for key, text in owed.pieces:
            # A member the frame did not have is not added to it: clients may tell frames apart by their members.
            if key not in own:
                pieces.append((key, text))
                continue
            self.channels.note(key, text)
            if segment := own[key]:
                segment.container[segment.key] += text
        self._outbox.owe(pieces)


def _nothing() -> None:
    """What is done when the scores of a stream that has ended are in: whoever ends it asks again."""


def _second(context: ExchangeContext, judge: Judge) -> Callable[[], tuple[StreamStage, ...]]:
    other, second = context.standing.other, judge.second
    if other is None or second is None:
        return tuple
    return lambda: (SecondStage(other, second),)
