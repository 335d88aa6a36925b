"""Sound that carries labels, each in the place TC260-PG-202510A names."""

from dataclasses import replace

from gateway.labelling.container import Format
from gateway.labelling.sound_comments import FLAC
from gateway.labelling.sound_id3 import MP3
from gateway.labelling.sound_ogg import OGG
from gateway.labelling.sound_sign import refuse_sign, show_sign
from gateway.labelling.sound_wav import WAV
from gateway.labelling.video_mp4 import M4A

# FLAC in front of MP3: an ID3 tag may stand in front of both.
FORMATS: tuple[Format, ...] = (
    replace(WAV, show=show_sign),
    *(replace(each, show=refuse_sign) for each in (FLAC, MP3, OGG, M4A)),
)
