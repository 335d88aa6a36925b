"""Films that carry labels, each in the place TC260-PG-20257A names."""

from gateway.labelling.container import Format
from gateway.labelling.video_mkv import MATROSKA
from gateway.labelling.video_mp4 import MP4

FORMATS: tuple[Format, ...] = (MP4, MATROSKA)
