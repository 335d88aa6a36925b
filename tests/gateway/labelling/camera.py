"""A picture as the cameras of telephones write it: HEIC with a grid of HEVC tiles, thumbnail, rotation and EXIF.

Source: ISO/IEC 23008-12 (items `grid`, `hvc1`, `Exif`; references `dimg`, `thmb`, `cdsc`; properties), put together
by hand, since nothing at hand writes such files; the tiles are real, so programs decode them.
"""

import io
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

TILE = 64
_TILES, _GRID, _THUMBNAIL, _EXIF = (1, 2, 3, 4), 49, 50, 51


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _tiles(count: int) -> tuple[bytes, list[bytes]]:
    """Return the head of HEVC and pictures, each on its own."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream: Any = container.add_stream(
            "libx265", rate=1, options={"x265-params": "keyint=1:log-level=none", "g": "1"}
        )
        stream.width = stream.height = TILE
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            picture = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            tile = np.asarray(Image.fromarray(picture).resize((TILE, TILE)))
            frame = av.VideoFrame.from_ndarray(tile, "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    target.seek(0)
    with av.open(target, "r") as container:
        video = container.streams.video[0]
        return bytes(video.codec_context.extradata or b""), [
            bytes(each) for each in container.demux(video) if each.size
        ]


def _entry(item: int, kind: bytes, *, hidden: bool = False) -> bytes:
    return _full(b"infe", 2, int(hidden), struct.pack(">HH4s", item, 0, kind), b"\0")


def _reference(kind: bytes, item: int, *to: int) -> bytes:
    return _box(kind, struct.pack(f">HH{len(to)}H", item, len(to), *to))


def camera_picture(path: Path) -> Path:
    """Write such a file of four tiles; return its path."""
    head, pictures = _tiles(5)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", 6
    block = b"\0\0\0\x06" + b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    items = dict(zip((*_TILES, _THUMBNAIL, _EXIF), (*pictures, block), strict=True))
    size = struct.pack(">HH", 2 * TILE, 2 * TILE)
    inner = b"\0\0\x01\x01" + size  # two rows of two
    properties = _box(
        b"ipco",
        _box(b"hvcC", head),
        _full(b"ispe", 0, 0, struct.pack(">II", TILE, TILE)),
        _full(b"ispe", 0, 0, struct.pack(">II", 2 * TILE, 2 * TILE)),
        _box(b"irot", b"\x03"),
        _full(b"pixi", 0, 0, b"\x03\x08\x08\x08"),
        _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)),
    )
    uses = {**dict.fromkeys((*_TILES, _THUMBNAIL), (0x81, 2, 6)), _GRID: (3, 0x84, 5, 6)}
    order = sorted(uses)
    table = b"".join(struct.pack(">HB", item, len(uses[item])) + bytes(uses[item]) for item in order)

    def tables(start: int) -> bytes:
        places, at = b"", start
        for item, data in items.items():
            places += struct.pack(">HHHHII", item, 0, 0, 1, at, len(data))
            at += len(data)
        places += struct.pack(">HHHHII", _GRID, 1, 0, 1, 0, len(inner))
        return _full(
            b"meta",
            0,
            0,
            _full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(12), b"\0"),
            _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))),
            _full(b"pitm", 0, 0, struct.pack(">H", _GRID)),
            _full(
                b"iinf",
                0,
                0,
                struct.pack(">H", len(items) + 1),
                *(_entry(each, b"hvc1", hidden=True) for each in _TILES),
                _entry(_GRID, b"grid"),
                _entry(_THUMBNAIL, b"hvc1"),
                _entry(_EXIF, b"Exif", hidden=True),
            ),
            _full(
                b"iref",
                0,
                0,
                _reference(b"dimg", _GRID, *_TILES),
                _reference(b"thmb", _THUMBNAIL, _GRID),
                _reference(b"cdsc", _EXIF, _GRID),
            ),
            _box(b"iprp", properties, _full(b"ipma", 0, 0, struct.pack(">I", len(order)), table)),
            _box(b"idat", inner),
            _full(b"iloc", 1, 0, b"\x44\0", struct.pack(">H", len(items) + 1), places),
        )

    front = _box(b"ftyp", b"heic", bytes(4), b"mif1", b"MiHE", b"MiPr", b"miaf", b"MiHB", b"heic")
    start = len(front) + len(tables(0)) + 8
    path.write_bytes(front + tables(start) + _box(b"mdat", *items.values()))
    return path


def decoded(path: Path) -> list[Any]:
    """Return every picture that is decoded from the file, tiles and thumbnail."""
    found = []
    with av.open(str(path)) as container:
        count = len(container.streams.video)
    for index in range(count):
        with av.open(str(path)) as container:
            found += [each.to_ndarray(format="rgb24") for each in container.decode(video=index)]
    return found
