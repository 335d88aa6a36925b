"""The label to be heard in Ogg files with Opus: packets of its own in front of the file's, which stay as they are.

Sources: RFC 3533 (pages), RFC 7845 (a packet says itself how it was made, positions count samples of 48,000 a
second). Only at the start: at the end, the last page says how many samples to leave out, and would be in the
middle. Vorbis is refused: its packets need code books from the file's head, which no encoder here makes to measure.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gateway.labelling import media
from gateway.labelling.members import LabelError
from gateway.labelling.sound_ogg import Page, headers_of, make_page, page_at
from gateway.labelling.sound_tone import missing, sign_wave, silence
from gateway.labelling.splice import MOST_PARTS, Kept, Piece, read_at, size_of, write_spliced
from gateway.protocol.labels import Position

_RATE = 48_000
_PACKET_SAMPLES = 960  # of 20 milliseconds, the usual length
_BITS = 64_000  # clear for a tone, and for speech
_PAGE_PACKETS = 50  # RFC 7845 section 6: a page a second
_HEAD_BYTES = 19
_CHANNELS_AT, _MAPPING_AT = 9, 18
_NO_POSITION = -1
_BEGINS = 0x02


def write_ogg_sign(source: Path, target: Path, position: Position | None = None, prompt: Path | None = None) -> None:
    """Write an Opus file with a label to be heard at its start, where it has none yet.

    Args:
        source: the file without it.
        target: the file with it; overwritten.
        position: start; None for the same.
        prompt: sound file of any kind to be heard instead of the rhythm; None for the rhythm.

    Raises:
        LabelError: the sound is not Opus of one or two channels, or the label is wanted elsewhere.
        OSError: a file cannot be read or written.
    """
    if position not in (None, Position.START):
        raise LabelError("in an Ogg file the label to be heard stands at the start")
    with source.open("rb") as file:
        _channels(file)
    wanted = missing(source, Position.START, prompt)
    write_spliced(source, target, b"", lambda file, _: ogg_pieces(file, prompt) if wanted else _whole(file))


def ogg_pieces(file: BinaryIO, prompt: Path | None = None) -> Iterator[Piece]:
    """Give what an Opus file with the label at its start is made of.

    Args:
        file: the file without it.
        prompt: what is heard; None for the rhythm.

    Raises:
        LabelError: the sound is not Opus of one or two channels, or the file is damaged.
    """
    headers = headers_of(file)
    packets = _encoded(_channels(file), prompt, prompt.stat().st_mtime_ns if prompt else 0)
    pages = _pages(packets, headers.first.serial, headers.pages + 1)
    yield Kept(0, headers.end)
    yield from pages
    at, size, count = headers.end, size_of(file), 0
    while at < size:
        page, count = page_at(file, at), count + 1
        if page.flags & _BEGINS or page.serial != headers.first.serial or count > MOST_PARTS:
            raise LabelError("the Ogg file has several streams, one after the other; take them apart first")
        yield _moved(file, page, len(pages), len(packets) * _PACKET_SAMPLES)
        at = page.end


def _whole(file: BinaryIO) -> Iterator[Piece]:
    yield Kept(0, size_of(file))


def _channels(file: BinaryIO) -> int:
    first = headers_of(file).first
    head = read_at(file, first.body, first.end - first.body)
    if head[:8] != b"OpusHead" or len(head) < _HEAD_BYTES:
        raise LabelError(
            "the Ogg file has Vorbis or FLAC inside, and a label to be heard would mean encoding all of it again;"
            " put it in before compressing, or use Opus"
        )
    if head[_MAPPING_AT] or head[_CHANNELS_AT] not in (1, 2):
        raise LabelError("the Opus file has more than two channels; put the label to be heard in before compressing")
    return head[_CHANNELS_AT]


@lru_cache(maxsize=16)
def _encoded(channels: int, prompt: Path | None, _: int) -> tuple[bytes, ...]:
    between = silence(_RATE)
    # Some of it is left out at the file's start (pre-skip).
    wave = np.concatenate((between, sign_wave(_RATE, prompt), between))
    options = {"b": str(_BITS), "frame_duration": "20", "application": "audio"}
    return tuple(media.encoded(wave, "libopus", _RATE, channels, options))


def _pages(packets: tuple[bytes, ...], serial: int, sequence: int) -> list[bytes]:
    pages: list[bytes] = []
    for start in range(0, len(packets), _PAGE_PACKETS):
        part = packets[start : start + _PAGE_PACKETS]
        lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in part)
        position = (start + len(part)) * _PACKET_SAMPLES
        pages.append(make_page(0, position, serial, sequence + len(pages), lacing, b"".join(part)))
    return pages


def _moved(file: BinaryIO, page: Page, pages: int, samples: int) -> bytes:
    content = read_at(file, page.body, page.end - page.body)
    position = page.position if page.position == _NO_POSITION else page.position + samples
    return make_page(page.flags, position, page.serial, page.sequence + pages, page.lacing, content)
