"""Pictures that carry labels, each in an XMP packet (TC260-PG-20259A).

Rules: no pixel is decoded or encoded; lengths that a file states are held against what it has and against a bound; a
packet that is there is kept and extended; what is not understood is copied as it is or refused, never dropped.
"""

from gateway.labelling.container import Format
from gateway.labelling.images import gif, heif, jpeg, png, tiff, webp

FORMATS: tuple[Format, ...] = (png.PNG, jpeg.JPEG, webp.WEBP, gif.GIF, tiff.TIFF, heif.HEIF, heif.AVIF)
