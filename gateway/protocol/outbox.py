"""Frames on their way out of a stream: those that wait, those made here, and what a later frame says once more.

Rules: frames leave in the order in which they came; a frame nothing was changed in leaves as the bytes that came;
where a format says a running text once more, what leaves is what was shown of it, however much later; where it
numbers its frames, each number is above the one before. Frames made here pass through the same hands as the model's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from gateway.protocol.channels import Channels
from gateway.protocol.dialects.base import ChannelKey, Dialect, Document, Segment, StreamDialect, Wait
from gateway.protocol.sse import encode_frame

# Ends of parts that wait for what follows them: three in the longest form known (`response.output_text.done` and the
# two ends around it). What goes beyond is a stream of nothing but ends, and does not wait.
_MOST_WAITING = 8


class Leaving(NamedTuple):
    """A frame that was cleared.

    Attributes:
        raw: its bytes as they came.
        others: its lines beside the data.
        document: what it says.
        wait: whether it may leave before its successor is known.
        repeats: where it says running texts once more.
        changed: True when it has to be encoded again.
        end: True when nothing may follow it.
    """

    raw: bytes
    others: tuple[bytes, ...]
    document: Document
    wait: Wait
    repeats: Sequence[Segment]
    changed: bool
    end: bool = False


class Outbox:
    """The way out of one stream.

    Args:
        dialect: wire format.
        stream: the reply in that format.
        channels: its running texts.
    """

    def __init__(self, dialect: Dialect, stream: StreamDialect, channels: Channels) -> None:
        self._dialect = dialect
        self._stream = stream
        self._channels = channels
        self._waiting: list[Leaving] = []
        self._out: list[bytes] = []
        self._number = -1  # of the frame sent last
        self._terminator = stream.terminator

    def take(self) -> bytes:
        """Return what may leave now, once."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    def send(self, frame: Leaving) -> None:
        """Let a frame leave as soon as its turn comes."""
        # The format's own terminator, which belongs behind the members.
        if frame.end and frame.wait is Wait.NOT:
            self._terminator = self._encode(frame)
            return
        # Only ends of parts wait together; what may be the last of the stream is the end of what waits before it.
        if frame.wait is not Wait.PART or self.last_waits or len(self._waiting) >= _MOST_WAITING:
            self.flush()
        if frame.wait is Wait.NOT:
            self._out.append(self._encode(frame))
        else:
            self._waiting.append(frame)

    def send_bytes(self, raw: bytes) -> None:
        """Let bytes leave that the format need not take note of."""
        if self._waiting:
            self.flush()
        self._out.append(raw)

    def end(self, documents: list[Document]) -> None:
        """Send frames that were made here, the last of which ends the stream."""
        *first, last = documents
        for document in first:
            self.send(self._made(document))
        # It may be none that could end a stream of the model's: an end without a reason.
        self.send(self._made(last)._replace(wait=Wait.LAST))

    def owe(self, pieces: list[tuple[ChannelKey, str]]) -> None:
        """Bring pieces of running texts in frames of their own, before the ends that wait for them."""
        if pieces and self.last_waits:
            self.flush()
        for channel, text in pieces:
            self._out += [self._encode(self._made(each)) for each in self._stream.pieces(channel, text)]

    def flush(self) -> None:
        """Let go of what waits: no label belongs before it any more, and it is not the last."""
        waiting, self._waiting = self._waiting, []
        self._out += [self._encode(frame) for frame in waiting]

    @property
    def last_waits(self) -> bool:
        """True while a frame waits that may be the last of the stream."""
        return bool(self._waiting) and self._waiting[-1].wait is Wait.LAST

    def close(self, members: Document) -> None:
        """Let the last frame leave, with members, and the terminator behind it."""
        last = self._waiting.pop()
        self._stream.mark(last.document, members)
        self._out.append(self._encode(last._replace(changed=True)))
        if not last.end:
            self._out.append(self._terminator)

    def _made(self, document: Document) -> Leaving:
        view = self._stream.view(document)
        for segment in view.segments:
            self._channels.note(segment.channel, segment.text)
        name = (b"event: " + document["type"].encode(),) if self._stream.typed else ()
        return Leaving(b"", name, document, view.wait, view.repeats, changed=True, end=view.end)

    def _encode(self, frame: Leaving) -> bytes:
        rewritten = self._repeat(frame)
        if rewritten:
            self._dialect.withhold(frame.document)
        renumbered = self._renumber(frame.document)
        self._stream.sent(frame.document)
        again = frame.changed or rewritten or renumbered
        return encode_frame(orjson.dumps(frame.document), frame.others) if again else frame.raw

    def _repeat(self, frame: Leaving) -> bool:
        """Write what was shown of running texts to where the frame says them once more; tell whether it was more."""
        rewritten = False
        for place in frame.repeats:
            shown = self._channels.shown_of(place.channel)
            if place.container[place.key] != shown:
                place.container[place.key] = shown
                rewritten = True
        return rewritten

    def _renumber(self, document: Document) -> bool:
        """Move a frame's number on where frames were made before it; tell whether that was needed."""
        name = self._stream.sequence
        number = document.get(name) if name else None
        # A server that numbers nothing needs no numbers from here.
        if type(number) is not int:
            return False
        moved = number <= self._number
        self._number = document[name] = max(number, self._number + 1)
        return moved
