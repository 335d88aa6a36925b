"""Pictures for tests of labels, made here, and what is compared of them."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from gateway.labelling.members import Members

PRODUCER = "001191110102MACQD9K64010000"
OTHER = "001191440300708461136T1WFUO"
MEMBERS = Members.first(PRODUCER, "content-1")
OLD_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/x">'
    b"<dc:creator><rdf:Seq><rdf:li>\xe5\xbc\xa0\xe4\xb8\x89</rdf:li></rdf:Seq></dc:creator></rdf:Description>"
    b"</rdf:RDF></x:xmpmeta>"
)


def noise(height: int = 40, width: int = 60, channels: int = 3, seed: int = 1) -> Image.Image:
    """Return a picture in which every pixel differs."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def saved(path: Path, picture: Image.Image | None = None, **options: Any) -> Path:  # noqa: ANN401 Pillow's own
    """Save a picture; return its path."""
    (picture or noise()).save(path, **options)
    return path


def frames() -> dict[str, Any]:
    """Return the options that make an animation of four frames."""
    return {"save_all": True, "append_images": [noise(seed=seed) for seed in (2, 3, 4)], "duration": 80, "loop": 0}


def rotated() -> Image.Exif:
    """Return EXIF that has a viewer turn the picture by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def profile() -> bytes:
    """Return an ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def deep_png(path: Path) -> Path:
    """Save a grey picture of 16 bits."""
    return saved(path, Image.fromarray(np.random.default_rng(1).integers(0, 65536, (40, 60), dtype=np.uint16)))


def deep_tiff(path: Path) -> Path:
    """Save a grey TIFF of 16 bits in four strips."""
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (40, 60), dtype=np.uint16))
    return saved(path, picture, strip_size=1200)


PICTURES: dict[str, Callable[[Path], Path]] = {
    "plain.png": saved,
    "deep.png": deep_png,
    "animated.png": lambda path: saved(path, **frames()),
    "palette.png": lambda path: saved(path, noise().quantize(16)),
    "profile.png": lambda path: saved(path, icc_profile=profile(), exif=rotated()),
    "plain.jpg": lambda path: saved(path, subsampling="4:2:0"),
    "full.jpg": lambda path: saved(path, subsampling="4:4:4", progressive=True),
    "grey.jpg": lambda path: saved(path, noise(channels=1)),
    "cmyk.jpg": lambda path: saved(path, noise().convert("CMYK")),
    "rotated.jpg": lambda path: saved(path, exif=rotated(), icc_profile=profile(), comment=b"a comment"),
    "xmp.jpg": lambda path: saved(path, xmp=OLD_XMP),
    "lossy.webp": saved,
    "lossless.webp": lambda path: saved(path, noise(channels=4), lossless=True),
    "animated.webp": lambda path: saved(path, **frames()),
    "rich.webp": lambda path: saved(path, exif=rotated(), icc_profile=profile(), xmp=OLD_XMP),
    "plain.gif": saved,
    "animated.gif": lambda path: saved(path, **frames()),
    "plain.tif": saved,
    "packed.tif": lambda path: saved(path, compression="tiff_lzw", icc_profile=profile()),
    "big.tif": lambda path: saved(path, big_tiff=True),
    "deep.tif": deep_tiff,
    "pages.tif": lambda path: saved(path, save_all=True, append_images=[noise(seed=2)]),
    "plain.avif": saved,
    "rich.avif": lambda path: saved(path, noise(channels=4), exif=rotated(), icc_profile=profile(), xmp=OLD_XMP),
}
"""Pictures by file name, and how each is made."""


def pixels(path: Path) -> list[str]:
    """Return a digest of each frame as a decoder sees it, with its mode and size."""
    digests = []
    with Image.open(path) as picture:
        for frame in range(getattr(picture, "n_frames", 1)):
            picture.seek(frame)
            data = np.asarray(picture)
            digests.append(f"{picture.mode} {data.shape} {hashlib.sha256(data.tobytes()).hexdigest()}")
    return digests


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401 Pillow's own
    """Return a picture as a file's bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
