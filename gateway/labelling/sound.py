"""Sound that carries labels, each in the place TC260-PG-202510A names."""

from dataclasses import replace

from gateway.labelling.container import Format
from gateway.labelling.sound_comments import FLAC
from gateway.labelling.sound_id3 import MP3
from gateway.labelling.sound_ogg import OGG
from gateway.labelling.sound_sign import write_sign
from gateway.labelling.sound_sign_flac import write_flac_sign
from gateway.labelling.sound_sign_m4a import write_m4a_sign
from gateway.labelling.sound_sign_mp3 import write_mp3_sign
from gateway.labelling.sound_sign_ogg import write_ogg_sign
from gateway.labelling.sound_wav import WAV
from gateway.labelling.video_mp4 import M4A

# FLAC in front of MP3: an ID3 tag may stand in front of both.
FORMATS: tuple[Format, ...] = (
    replace(WAV, sound=write_sign),
    replace(FLAC, sound=write_flac_sign),
    replace(MP3, sound=write_mp3_sign),
    replace(OGG, sound=write_ogg_sign),
    replace(M4A, sound=write_m4a_sign),
)
