"""Pictures that carry labels, each in an XMP packet (TC260-PG-20259A).

Rules: no pixel is decoded or encoded; lengths that a file states are held against what it has and against a bound; a
packet that is there is kept and extended; what is not understood is copied as it is or refused, never dropped.
"""

from dataclasses import replace

from gateway.labelling.container import Format
from gateway.labelling.images import gif, heif, jpeg, png, tiff, visible, webp

# GIF has no colours to spare for a label, and HEIF no writer of pixels here.
_DRAWN = tuple(replace(each, show=visible.show) for each in (png.PNG, jpeg.JPEG, webp.WEBP, tiff.TIFF, heif.AVIF))

FORMATS: tuple[Format, ...] = (*_DRAWN, gif.GIF, heif.HEIF)
