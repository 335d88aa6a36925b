"""Films that carry labels, each in the place TC260-PG-20257A names, and on their first pictures."""

from dataclasses import replace

from gateway.labelling.container import Format
from gateway.labelling.video_mkv import MATROSKA
from gateway.labelling.video_mp4 import MP4
from gateway.labelling.video_show import show_words

FORMATS: tuple[Format, ...] = tuple(replace(each, show=show_words) for each in (MP4, MATROSKA))
