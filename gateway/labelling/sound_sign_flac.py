"""The label to be heard in FLAC files: decoded, put beside the label and encoded again, which loses nothing.

Source: RFC 9639. The frames are numbered and the head holds a digest of all samples, so frames cannot simply be put
in front; encoding is without loss, and every sample of the file is what it was. Its metadata stay, but for the
stream's description, which is new, and the table of places to seek to, which would be wrong.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from gateway.labelling import media
from gateway.labelling.media import Wave
from gateway.labelling.members import LabelError
from gateway.labelling.sound_comments import blocks_of
from gateway.labelling.sound_tone import missing, sign_wave, silence
from gateway.labelling.splice import Kept, Piece, kept_bytes, size_of, write_spliced
from gateway.protocol.labels import Position

_STREAM_INFO, _PLACES = 0, 3
_LAST = 0x80
_DEPTHS = {16: ("s16", 15), 24: ("s32", 31)}
_FRAME_SAMPLES = 4096


def write_flac_sign(source: Path, target: Path, position: Position | None = None, prompt: Path | None = None) -> None:
    """Write a FLAC file with a label to be heard, where it has none yet.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        position: start, end or both; None for the start.
        prompt: sound file of any kind to be heard instead of the rhythm; None for the rhythm.

    Raises:
        LabelError: the file is damaged, or of a depth that is not encoded here.
        OSError: a file cannot be read or written.
    """
    wanted = missing(source, position or Position.START, prompt)
    if wanted is None:
        write_spliced(source, target, b"", lambda file, _: [Kept(0, size_of(file))])
        return
    encoded = target.with_name(f"{target.name}.flac")
    try:
        _encode(source, encoded, wanted, prompt)
        _join(source, encoded, target)
    finally:
        encoded.unlink(missing_ok=True)


def _encode(source: Path, target: Path, position: Position, prompt: Path | None) -> None:
    av = media.library()
    with (
        media.translated("the sound"),
        closing(media.opened(source)) as old,
        closing(av.open(str(target.absolute()), "w", format="flac")) as new,
    ):
        stream = old.streams.audio[0]
        context = stream.codec_context
        name, bits = _DEPTHS.get(_depth(stream), ("", 0))
        if not name:
            raise LabelError("the FLAC file has samples of neither 16 nor 24 bits, which are not encoded here")
        own = new.add_stream("flac", rate=context.sample_rate, layout=context.layout)
        own.codec_context.format = name
        if bits == _DEPTHS[24][1]:
            own.codec_context.options = {"bits_per_raw_sample": "24"}
        for samples in _waves(old, stream, position, prompt, bits):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), name, context.layout.name)
            frame.sample_rate = context.sample_rate
            for packet in own.encode(frame):
                new.mux(packet)
        for packet in own.encode(None):
            new.mux(packet)


def _depth(stream: Any) -> int:  # noqa: ANN401 of the library
    # The head of the stream: 5 bits of depth less one, behind 20 of rate and 3 of channels.
    head = bytes(stream.codec_context.extradata or b"")
    return (int.from_bytes(head[10:18]) >> 36 & 31) + 1 if len(head) >= 18 else 0  # noqa: PLR2004 as RFC 9639 8.2


def _waves(old: Any, stream: Any, position: Position, prompt: Path | None, bits: int) -> Iterator[Any]:  # noqa: ANN401
    rate, channels = stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels
    kind = np.int16 if bits == _DEPTHS[16][1] else np.int32

    def stored(wave: Wave) -> Any:  # noqa: ANN401 of either width
        peak = (1 << bits) - 1
        whole = np.round(np.clip(wave, -1.0, 1.0) * peak).astype(np.int64)
        # Of 32 bits the codec takes the upper 24.
        whole = whole if kind is np.int16 else whole & ~0xFF
        return np.repeat(whole.astype(kind), channels)

    sign = sign_wave(rate, prompt)
    if position is not Position.END:
        yield stored(np.concatenate((sign, silence(rate))))
    for frame in old.decode(stream):
        samples = frame.to_ndarray()
        yield samples.T.ravel() if frame.format.is_planar else samples.ravel()
    if position is not Position.START:
        yield stored(np.concatenate((silence(rate), sign)))


def _join(source: Path, encoded: Path, target: Path) -> None:
    """Write the metadata of one file and the frames of another."""
    with source.open("rb") as old, encoded.open("rb") as new, target.open("wb") as out:
        blocks, fresh = blocks_of(old), blocks_of(new)
        kept = [each for each in blocks if each.kind not in (_STREAM_INFO, _PLACES)]
        pieces: list[tuple[Any, Piece]] = [(old, Kept(0, blocks[0].body - 4)), (new, b"")]
        for place, (file, block) in enumerate([(new, fresh[0]), *((old, each) for each in kept)]):
            last = _LAST if place == len(kept) else 0
            pieces.append((file, bytes([block.kind | last]) + (block.end - block.body).to_bytes(3)))
            pieces.append((file, Kept(block.body, block.end)))
        pieces.append((new, Kept(fresh[-1].end, size_of(new))))
        for file, piece in pieces:
            for part in (piece,) if isinstance(piece, bytes) else kept_bytes(file, piece):
                out.write(part)
