"""A streamed reply on its way through: frames in, cleared frames out.

Rules: a frame nothing was changed in leaves as the bytes that came; a frame that cannot be understood is a decision
of the fail mode; the frame that may be the last waits for its successor, because the last one carries the members
``aigc`` and ``sluice``; behind the terminator nothing is read any more.
"""

from typing import NamedTuple

import orjson

from filters.findings import Action, Phase, Stage
from gateway.errors import ErrorCode
from gateway.protocol.channels import Channels, StreamShapeError
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ChannelKey, Document, FrameView, Identity, Segment
from gateway.protocol.documents import read_document, reads_one_way
from gateway.protocol.judge import Judge
from gateway.protocol.personal import following
from gateway.protocol.placeholders import Vault
from gateway.protocol.policy import FailMode
from gateway.protocol.sse import SseDecoder, SseFrame, encode_frame
from gateway.protocol.templates import FrameTemplate, fill, make_template, text_between

# Metadata (ids, model name, event names) repeats in every frame; what was scanned is remembered, within bounds.
_REMEMBERED_TEXTS = 128
_REMEMBERED_LENGTH = 128
# How often a stream's frames are looked at for a template: enough to get past the first ones, and no more for a
# server whose frames are never alike.
_TEMPLATES = 4


class _Held(NamedTuple):
    """A frame that may be the last one.

    Attributes:
        raw: its bytes as they would leave.
        others: its lines beside the data.
        document: what it says.
    """

    raw: bytes
    others: tuple[bytes, ...]
    document: Document


class StreamedReply:
    """One streamed reply.

    Args:
        context: the rules.
        judge: keeps the tally of the exchange.
        identity: names frames that are made here.
        vault: values that are restored in what is shown.
        structured: True when JSON was asked for.

    Attributes:
        channels: the running texts.
        done: True once the terminator came.
        stop: why the stream must end before the model ends it: ``content_filter`` for a block, else the error.
    """

    def __init__(
        self, context: ExchangeContext, judge: Judge, identity: Identity, vault: Vault, *, structured: bool
    ) -> None:
        self._dialect = context.dialect
        self._matcher = context.ruleset.response
        self._judge = judge
        self._decoder = SseDecoder(context.bounds.frame_bytes)
        self._scanned: set[str | bytes] = set()
        self._held: _Held | None = None
        self._template: FrameTemplate | None = None
        self._templates_left = _TEMPLATES
        # Until the model's first frame: a stream that ends before it must end in frames of its format all the same.
        self._like = context.dialect.blank(identity)
        self.channels = Channels(
            context.ruleset,
            context.labelling,
            context.dialect.visible_path,
            structured=structured,
            limit=context.bounds.channels,
            personal=following(context),
            vault=vault,
        )
        self.done = False
        self.stop: ErrorCode | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the model's stream; return the bytes that may leave now."""
        out: list[bytes] = []
        self._take(self._decoder.feed(data), out)
        return b"".join(out)

    def finish(self) -> bytes:
        """The model's stream is complete: let go of what no successor can change any more."""
        out: list[bytes] = []
        self._take(self._decoder.finish(), out)
        if self.stop is None:
            owed = self.channels.finish_all(self._judge)
            for key, text in owed.pieces:
                self._send(self._piece(key, text), out)
            if owed.blocked:
                self.stop = ErrorCode.CONTENT_FILTER
        return b"".join(out)

    def closing(self, members: Document) -> bytes:
        """Return the last frame with the members, and the terminator."""
        held = self._held or _Held(b"", (), self._dialect.ending(self._like, {0: ""}, None))
        # In the model's own last frame where there is one: clients know it, one more behind it they may not.
        return encode_frame(orjson.dumps(held.document | members), held.others) + self._dialect.terminator

    def cut(self, text: str, members: Document) -> bytes:
        """Return the frames that end a stream stopped by the filter: the notice, an end for every open choice."""
        texts = {}
        # A block before any text: the notice still needs a choice to stand in.
        for choice in self.channels.unfinished or [0]:
            # The notice must not read as the end of the sentence it stops.
            gap = "\n\n" if self.channels.shown_in(choice) else ""
            # What was shown is generated content, also when cut: a label is owed (GB 45438-2025 chapter 5).
            texts[choice] = gap + text + self.channels.closing_label(choice)
        # The format's own word, so that clients which know nothing of this gateway see why it ended.
        last = self._dialect.ending(self._like, texts, "content_filter")
        return self._waiting() + encode_frame(orjson.dumps(last | members)) + self._dialect.terminator

    def broken(self, document: Document) -> bytes:
        """Return the frames that end a stream which failed: labels still owed, an error frame, the terminator."""
        out = self._waiting()
        for choice in self.channels.unfinished:
            # A failure does not undo what was shown: the label is owed here as well.
            if label := self.channels.closing_label(choice):
                out += self._piece((choice, *self._dialect.visible_path), label)
        return out + encode_frame(orjson.dumps(document)) + self._dialect.terminator

    def _waiting(self) -> bytes:
        return self._held.raw if self._held else b""

    def _take(self, frames: list[SseFrame], out: list[bytes]) -> None:
        for frame in frames:
            if self.done or self.stop:
                return
            self._frame(frame, out)
        # Frames before the large one count first, also when one read brought them together.
        if self._decoder.overflowed and not self.done and not self.stop:
            self.stop = ErrorCode.UPSTREAM_MALFORMED

    def _frame(self, frame: SseFrame, out: list[bytes]) -> None:
        # Before anything is parsed: nearly every frame of a long answer leaves here.
        template = self._template
        if template is not None and (text := text_between(template, frame.raw)) is not None:
            self._pass_text(frame, template, text, out)
            return
        # Readers are given event names and comments too; unread, they would carry text past the scan.
        if frame.others and not all(self._clean(line) for line in frame.others):
            return
        if frame.data is None:
            # A keep-alive (WHATWG HTML 9.2): swallowed, a proxy behind us might take the connection for dead.
            self._send(frame.raw, out)
        elif frame.data.strip() == b"[DONE]":
            # Not sent on from here: `closing` writes it behind the members.
            self.done = True
        else:
            try:
                document = read_document(frame.data)
                view = self._dialect.view(document)
            except ValueError:
                self._malformed(frame, out)
                return
            # Every frame of a stream repeats its metadata: after the first one this is a single look.
            if self._scanned.issuperset(view.texts) or all(self._clean(text) for text in view.texts):
                self._like = document
                self._pass(frame, document, view, out)

    def _malformed(self, frame: SseFrame, out: list[bytes]) -> None:
        """A frame nobody understands passes only where the operator said so, and then read as one plain text."""
        mode = self._judge.unscanned(Phase.RESPONSE, Stage.KEYWORDS, "malformed_frame")
        if mode is FailMode.CLOSED:
            self.stop = ErrorCode.UPSTREAM_MALFORMED
        elif self._clean(frame.raw):
            self._send(frame.raw, out)

    def _clean(self, text: str | bytes) -> bool:
        """Scan a text that stands for itself; False stops the stream."""
        if text in self._scanned:
            return True
        # As readers decode it (WHATWG HTML 9.2): a strict reading would fail at one bad byte that they step over.
        plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
        for finding in self._matcher.scan(plain):
            # A masked id or event name would be another id to the client, so nothing is masked here.
            if self._judge.act(Phase.RESPONSE, finding, maskable=False) is Action.BLOCK:
                self.stop = ErrorCode.CONTENT_FILTER
                return False
        if len(self._scanned) < _REMEMBERED_TEXTS and len(text) <= _REMEMBERED_LENGTH:
            self._scanned.add(text)
        return True

    def _pass(self, frame: SseFrame, document: Document, view: FrameView, out: list[bytes]) -> None:
        for number, segment in enumerate(view.segments):
            text = self._advance(segment)
            if text != segment.text:
                segment.container[segment.key] = text
            if self.stop:
                self._last_words(frame, document, view.segments[number + 1 :], out)
                return
        # Behind the texts: only now is it known what of them is still held.
        for choice in view.finished:
            self._finish(choice, view.segments, out)
            if self.stop:
                self._last_words(frame, document, [], out)
                return
        # Compared again: an end may have given back what was held, and the frame is as it came after all.
        changed = [segment for segment in view.segments if segment.container[segment.key] != segment.text]
        withheld = [spelling for spelling in view.spellings if not self.channels.spells(spelling, self._judge)]
        if changed or withheld:
            self._dialect.withhold(document)
        # Of two members of one name only the last was scanned; the bytes may leave only where there is but one.
        again = changed or withheld or not reads_one_way(frame.data or b"", document)
        raw = encode_frame(orjson.dumps(document), frame.others) if again else frame.raw
        if not again and self._templates_left:
            self._templates_left -= 1
            self._template = make_template(frame, document, view) or self._template
        if view.terminal:
            self._flush(out)
            self._held = _Held(raw, frame.others, document)
        else:
            self._send(raw, out)

    def _pass_text(self, frame: SseFrame, template: FrameTemplate, text: str, out: list[bytes]) -> None:
        """Pass a frame that is like an earlier one but for its text."""
        place = template.segment
        # No container: this frame has no document that anything could be written into.
        released = self._advance(Segment(place.channel, place.carrier, None, None, text))
        if self.stop:
            # Read in full only now: until a stop, the text alone is enough.
            document = read_document(frame.data or b"")
            (segment,) = self._dialect.view(document).segments
            segment.container[segment.key] = released
            self._last_words(frame, document, [], out)
        else:
            self._send(frame.raw if released == text else fill(template, released), out)

    def _advance(self, segment: Segment) -> str:
        try:
            text, blocked = self.channels.advance(segment, self._judge)
        except StreamShapeError:
            # None of the piece leaves: no scan follows the text it belongs to.
            self.stop = ErrorCode.UPSTREAM_MALFORMED
            return ""
        if blocked:
            self.stop = ErrorCode.CONTENT_FILTER
        return text

    def _last_words(self, frame: SseFrame, document: Document, rest: list[Segment], out: list[bytes]) -> None:
        """Let go of what was cleared before the stop, and of nothing that came in the same frame behind it."""
        for segment in rest:
            segment.container[segment.key] = ""
        self._dialect.withhold(document)
        # An end mark here would tell the client that the answer is complete, just before the notice.
        self._dialect.unfinish(document)
        self._send(encode_frame(orjson.dumps(document), frame.others), out)

    def _finish(self, choice: int, segments: list[Segment], out: list[bytes]) -> None:
        """Send what a choice owes: in the frame that ends it where that brings text of its own, else before it."""
        own = {segment.channel: segment for segment in segments if segment.text}
        owed = self.channels.finish(choice, self._judge)
        if owed.blocked:
            self.stop = ErrorCode.CONTENT_FILTER
        for key, text in owed.pieces:
            # A member the frame did not have is not added to it: clients may tell frames apart by their members.
            if key in own:
                own[key].container[own[key].key] += text
            else:
                self._send(self._piece(key, text), out)

    def _piece(self, key: ChannelKey, text: str) -> bytes:
        return encode_frame(orjson.dumps(self._dialect.piece(self._like, key, text)))

    def _flush(self, out: list[bytes]) -> None:
        """The frame that waited was not the last: it leaves as it is."""
        if self._held is not None:
            out.append(self._held.raw)
            self._held = None

    def _send(self, raw: bytes, out: list[bytes]) -> None:
        self._flush(out)
        out.append(raw)
