"""In which language a client is told something: by the script of what it wrote.

A script is certain from one character, a language is not; which of the languages of one script is meant, the policy
says by their order.
"""

import re
from collections.abc import Sequence

_LATIN = "latin"
# Those that texts of another script are full of come last: Japanese holds Chinese characters, and nearly every text
# a Latin word.
_SCRIPTS = (
    ("kana", re.compile(r"[\u3040-\u30ff]")),
    ("hangul", re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")),
    ("tibetan", re.compile(r"[\u0f00-\u0fff]")),
    ("mongolian", re.compile(r"[\u1800-\u18af]")),
    ("arabic", re.compile(r"[\u0600-\u06ff]")),
    ("cyrillic", re.compile(r"[\u0400-\u04ff]")),
    ("devanagari", re.compile(r"[\u0900-\u097f]")),
    ("thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("greek", re.compile(r"[\u0370-\u03ff]")),
    ("hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("han", re.compile(r"[\u3400-\u9fff]")),
)
# By the first part of a tag (BCP 47); every other language is taken for one of Latin letters.
_WRITTEN_IN = {
    "ja": ("kana", "han"),
    "ko": ("hangul",),
    "bo": ("tibetan",),
    "mn": ("mongolian", "cyrillic"),
    "ar": ("arabic",),
    "fa": ("arabic",),
    "ug": ("arabic",),
    "ur": ("arabic",),
    "kk": ("cyrillic",),
    "ky": ("cyrillic",),
    "ru": ("cyrillic",),
    "uk": ("cyrillic",),
    "hi": ("devanagari",),
    "ne": ("devanagari",),
    "th": ("thai",),
    "el": ("greek",),
    "he": ("hebrew",),
    "zh": ("han",),
    "yue": ("han",),
}


def language_among(text: str, languages: Sequence[str]) -> str:
    """Return the language whoever wrote a text is answered in.

    Args:
        text: what they wrote.
        languages: tags such as ``zh``, the preferred first; at least one.
    """
    for script, pattern in _SCRIPTS:
        if pattern.search(text):
            for language in languages:
                if script in _scripts_of(language):
                    return language
    # Of a script nobody here writes, or of none: what most people read that no other language fits.
    return next((language for language in languages if _LATIN in _scripts_of(language)), languages[0])


def _scripts_of(language: str) -> tuple[str, ...]:
    return _WRITTEN_IN.get(language.partition("-")[0], (_LATIN,))
