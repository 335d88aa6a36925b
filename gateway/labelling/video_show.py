"""The label people see on a film: words on its first two seconds, drawn here.

Source: GB 45438-2025 5.4. Only the opening is encoded again, up to a picture behind two seconds at which a player can
enter; every packet behind it, and every packet of sound and subtitles, stays byte for byte. Where the film cannot be
joined again there, all its pictures are encoded again, and the result says so. What was written is decoded and looked
at before it counts: the label on every picture of two seconds, and those behind the joint the same to the last bit.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from gateway.labelling import media
from gateway.labelling.members import LabelError
from gateway.labelling.video_boxes import boxes_of
from gateway.labelling.video_codecs import as_stored, joined_head, joining_options, open_encoder, reminder
from gateway.labelling.video_opening import Opening, opening_of, whole
from gateway.labelling.video_words import Drawing, drawing_for, drawn, is_shown, same_pictures

ALL_ANEW = (
    "all pictures of the film were encoded again, since it cannot be entered soon after the label's two seconds"
)
_FORMATS = ("mov", "matroska")
_MANIFEST = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_COMPARED = 24
# Of Apple's own table; with any other the file has a table of free keys.
_APPLE = frozenset({"title", "artist", "album", "date", "comment", "genre", "copyright", "encoder", "description"})
_OF_THE_FILE = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


def show_words(source: Path, target: Path, text: str) -> str | None:
    """Write a film with words on its first two seconds, where it has none yet.

    Args:
        source: MP4, QuickTime, Matroska or WebM.
        target: where it goes.
        text: the wording.

    Returns:
        What is to be told of it, if anything.

    Raises:
        LabelError: the film cannot be decoded, drawn on or encoded; the message says why.
        OSError: a file cannot be read or written.
    """
    av = media.library()
    with media.translated("the film"):
        opening, drawing, has = _looked_at(source, text)
        if has:
            shutil.copyfile(source, target)
            return None
        if opening.joint is not None:
            with suppress(LabelError), media.translated("the film"):
                _write(av, source, target, opening, drawing)
                if _is_right(source, target, opening, drawing):
                    return None
            with closing(_opened(source)) as old:
                opening = whole(opening, old, old.streams.video[0])
        _write(av, source, target, opening, drawing)
        if not _is_right(source, target, opening, drawing):
            raise LabelError("the words could not be read back from the film, so it was not written")
        return ALL_ANEW


def _opened(source: Path) -> Any:  # noqa: ANN401 of the library
    container = media.opened(source)
    if not container.format.name.startswith(_FORMATS):
        container.close()
        raise LabelError("the film is of another kind than MP4, QuickTime, Matroska and WebM")
    if not container.streams.video or container.streams.video[0].codec_context is None:
        container.close()
        raise LabelError("the file has no pictures that are decoded here, or they are encrypted")
    return container


def _looked_at(source: Path, text: str) -> tuple[Opening, Drawing, bool]:
    with closing(_opened(source)) as container:
        opening = opening_of(container, container.streams.video[0])
    with closing(_opened(source)) as container:
        stream = container.streams.video[0]
        until, drawing, has = opening.until(stream.time_base), None, True
        for frame in container.decode(stream):
            if drawing is None:
                drawing = drawing_for(text, frame, frame.rotation, float(stream.sample_aspect_ratio or 1))
            elif frame.pts >= until:
                break
            has = is_shown(frame, drawing)
            if not has:
                break
        if drawing is None:
            raise LabelError("the film's pictures cannot be decoded")
        return opening, drawing, has


def _write(av: Any, source: Path, target: Path, opening: Opening, drawing: Drawing) -> None:  # noqa: ANN401
    kind, options = _form(source)
    with (
        closing(_opened(source)) as old,
        closing(av.open(str(target.absolute()), "w", format=kind, options=options)) as new,
    ):
        film = _Film(av, old, opening, drawing)
        streams = {}
        for stream in old.streams:
            try:
                streams[stream.index] = new.add_stream_from_template(stream, opaque=True)
            except ValueError as exc:
                raise LabelError(f"the film has a track ({stream.type}) that cannot be copied here") from exc
            for name in ("metadata", "disposition"):
                with suppress(AttributeError):
                    setattr(streams[stream.index], name, getattr(stream, name))
        film.set_head(streams[film.stream.index])
        new.metadata.update({name: value for name, value in old.metadata.items() if name not in _OF_THE_FILE})
        new.set_chapters(old.chapters())
        for packet in film.packets():
            packet.stream = streams[packet.stream_index]
            new.mux(packet)


def _form(source: Path) -> tuple[str, dict[str, str]]:
    """Return how the library calls the kind of file, and what makes it build one like this."""
    with source.open("rb") as file:
        head = file.read(4096)
        if head[:4] == b"\x1aE\xdf\xa3":
            return ("webm" if b"webm" in head[:64] else "matroska"), {}
        boxes = [(each.kind, file.seek(each.body) and file.read(16)) for each in boxes_of(file)]
    if any(kind == b"uuid" and body == _MANIFEST for kind, body in boxes):
        raise LabelError("the film carries a C2PA manifest, which drawing would break; draw first, sign then")
    kinds = [kind for kind, _ in boxes]
    flags = []
    if b"moof" in kinds:
        flags += ["frag_keyframe", "empty_moov", "default_base_moof"]
    elif b"mdat" in kinds and b"moov" in kinds and kinds.index(b"moov") < kinds.index(b"mdat"):
        flags.append("faststart")
    with closing(media.opened(source)) as container:
        if set(container.metadata) - _APPLE - _OF_THE_FILE:
            flags.append("use_metadata_tags")
    return ("mov" if head[8:12] == b"qt  " or head[4:8] != b"ftyp" else "mp4"), (
        {"movflags": "+".join(flags)} if flags else {}
    )


class _Film:
    """The packets of a film with its opening encoded again, in the order of the file."""

    def __init__(self, av: Any, old: Any, opening: Opening, drawing: Drawing) -> None:  # noqa: ANN401 of the library
        self.stream = old.streams.video[0]
        self._av, self._old, self._opening, self._drawing = av, old, opening, drawing
        self._codec = self.stream.codec_context.name.removeprefix("lib").replace("dav1d", "av1").split("-")[0]
        self._head = bytes(self.stream.codec_context.extradata or b"")
        self._until = opening.until(self.stream.time_base)
        self._encoder: Any = None
        self._made: list[Any] = []

    def set_head(self, stream: Any) -> None:  # noqa: ANN401 of the library
        """Give a stream the head that its packets need."""
        frame = next(self._frames())
        joined = self._opening.joint is not None
        options = joining_options(self._codec, self._head) if joined else {}
        self._encoder = open_encoder(self._av, self._codec, frame, self.stream, options)
        new = bytes(self._encoder.extradata or b"")
        if joined:
            stream.codec_context.extradata = joined_head(self._codec, self._head, new) or None
            if self._codec in ("h264", "hevc"):
                stream.codec_context.codec_tag = (
                    {"h264": "avc1", "hevc": "hev1"}[self._codec] if "mov" in self._old.format.name else "\0\0\0\0"
                )
        elif new or self._codec in ("vp8", "vp9", "mjpeg"):
            stream.codec_context.extradata = new or None

    def _frames(self) -> Iterator[Any]:
        with closing(_opened(Path(self._old.name))) as container:
            yield next(container.decode(video=0))

    def packets(self) -> Iterator[Any]:
        """Give all packets."""
        number = 0
        for packet in self._old.demux():
            if packet.stream_index != self.stream.index:
                if packet.size:
                    yield packet
                continue
            if self._opening.joint is None or number < self._opening.joint:
                number += bool(packet.size)
                yield from self._again(packet.decode())
            elif packet.size:
                if number == self._opening.joint:
                    yield from self._end()
                    packet = self._first(packet)  # noqa: PLW2901 the same with its parameters
                number += 1
                yield packet
        if self._opening.joint is None:
            yield from self._end()

    def _again(self, frames: list[Any]) -> Iterator[Any]:
        for frame in frames:
            again = drawn(frame, self._drawing) if frame.pts < self._until else frame
            if again is frame:
                again.pict_type = 0  # what kind of picture it was is not what it becomes
            again.time_base = self.stream.time_base
            yield from self._stamped(self._encoder.encode(again))

    def _end(self) -> Iterator[Any]:
        if self._opening.joint is not None:
            yield from self._again(self.stream.codec_context.decode(None))
        yield from self._stamped(self._encoder.encode(None))
        if self._opening.joint is not None and len(self._made) != len(self._opening.decoded_at):
            raise LabelError("the film's opening has pictures that are not shown, or nobody knows when")

    def _stamped(self, packets: list[Any]) -> Iterator[Any]:
        for packet in packets:
            data = bytes(packet)
            if self._opening.joint is not None:
                data = as_stored(self._codec, self._head, data)
            new = self._av.Packet(data)
            new.pts, new.time_base, new.is_keyframe = packet.pts, self.stream.time_base, packet.is_keyframe
            number = len(self._made)
            decoded_at = self._opening.decoded_at
            new.dts = decoded_at[number] if number < len(decoded_at) else packet.pts
            new.duration = self._opening.lengths.get(packet.pts, packet.duration or 0)
            new.stream = self.stream
            self._made.append(packet.pts)
            yield new

    def _first(self, packet: Any) -> Any:  # noqa: ANN401 of the library
        ahead = reminder(self._codec, self._head)
        if not ahead:
            return packet
        new = self._av.Packet(ahead + bytes(packet))
        for name in ("pts", "dts", "duration", "time_base", "is_keyframe", "stream"):
            setattr(new, name, getattr(packet, name))
        return new


def _is_right(source: Path, target: Path, opening: Opening, drawing: Drawing) -> bool:
    """Tell whether a player shows the label long enough, and behind the joint what it showed before."""
    with closing(_opened(source)) as old, closing(_opened(target)) as new:
        before, after = (each.decode(each.streams.video[0]) for each in (old, new))
        base = old.streams.video[0].time_base
        until, joint = opening.until(base), opening.joint_time
        shown = compared = 0
        for frame, other in zip(before, after, strict=False):
            if abs(float(frame.pts * base) - float(other.pts * other.time_base)) > float(Fraction(1, 500)):
                return False
            if frame.pts < until:
                if not is_shown(other, drawing):
                    return False
                shown += 1
            elif joint is None or compared >= _COMPARED:
                break
            elif frame.pts >= joint:
                if not same_pictures(frame, other):
                    return False
                compared += 1
        return shown > 0 and (joint is None or compared > 0)
