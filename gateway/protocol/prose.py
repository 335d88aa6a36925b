r"""Which strings the classifier is asked about: those that say something.

Rules: a string that is no text to a reader is not scored: one without a letter, a name of the wire format, bytes
written out as letters. Every other one is, wherever it stands, so no place is a way past the model. What a program
reads as text is scored as that: JSON escapes are undone.
"""

import re

from gateway.protocol.escapes import EscapeReader
from gateway.protocol.nested import LEVELS
from gateway.protocol.personal import IDENTIFIERS
from gateway.protocol.texts import TextGroup

# Strings under these names name things; a score of "gpt-4o" or of an address says nothing.
NAMES = IDENTIFIERS | {
    *("detail", "effort", "encoding_format", "end_user", "finish_reason", "format", "image_url", "media_type"),
    *("mime_type", "name", "prompt_cache_key", "role", "safety_identifier", "service_tier", "signature", "status"),
    *("stop_reason", "tool_choice", "tool_use_id", "type", "url", "user", "user_id", "voice"),
}
# A member name of somebody's own is one word; longer ones may be prose.
_MOST_OF_A_MEMBER_NAME = 40
# The longest name of a tool. Ids are shorter, and what is sealed in longer ones is an encoding.
_MOST_OF_A_NAME = 64
_MOST_OF_AN_ADDRESS = 2048
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{0,15}://")
_LETTER = re.compile(r"[A-Za-z]|[^\x00-\x7f]")
_SPACE = re.compile(r"\s")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
# Of bytes written in base64 (RFC 4648), two in five letters are capitals, as many small, and one in six is a digit.
_CAPITALS, _SMALL, _DIGITS = 0.3, 0.3, 0.08
# A program reads letters in it; the other escapes stand between words and take none of their meaning.
_SPELLS_LETTERS = "\\u"


def says_something(text: str) -> bool:
    """Tell whether a text is worth a score: it has letters, and is no encoding of bytes."""
    return _LETTER.search(text) is not None and not is_encoding(text)


def is_encoding(text: str) -> bool:
    """Tell whether a text is bytes written in base64, by its letters: words have few capitals and digits."""
    if not _ENCODED.fullmatch(text):
        return False
    size = len(text)
    # One letter all along is silence in a sound.
    return len(set(text)) == 1 or (
        sum(map(str.isupper, text)) >= _CAPITALS * size
        and sum(map(str.islower, text)) >= _SMALL * size
        and sum(map(str.isdigit, text)) >= _DIGITS * size
    )


def is_name(text: str) -> bool:
    """Tell whether a text names a thing: one word of ASCII, or an address."""
    if not text.isascii() or _SPACE.search(text):
        return False
    return len(text) <= (_MOST_OF_AN_ADDRESS if _ADDRESS.match(text) else _MOST_OF_A_NAME) or is_encoding(text)


def is_prose(group: TextGroup) -> bool:
    """Tell whether a text of a document is scored: names, numbers and encodings are not."""
    text = group.text
    # Only what is like a name: under `name` as under any other there may stand a sentence.
    if len(group.parts) == 1 and group.parts[0].key in NAMES and is_name(text):
        return False
    # What stands nowhere is a file, an input, or a member name: of these only names are one word.
    if not group.parts and len(text) <= _MOST_OF_A_MEMBER_NAME and text.isascii() and text.isidentifier():
        return False
    return says_something(text)


def readable(text: str) -> str:
    """Return a stretch of text as the program behind it reads it."""
    for _ in range(LEVELS):
        if _SPELLS_LETTERS not in text:
            break
        reader = EscapeReader()
        text = reader.feed(text) + reader.finish()
    return text
