"""In which language a client is answered."""

import pytest

from gateway.protocol.languages import language_among

MANY = ("en", "de", "zh", "ja", "ko", "ru", "kk", "ug", "bo", "th")


@pytest.mark.parametrize(
    ("text", "languages", "expected"),
    [
        ("你好", ("zh", "en"), "zh"),
        ("hello", ("zh", "en"), "en"),
        ("", ("zh", "en"), "en"),
        ("привет", ("zh", "en"), "en"),
        ("说说 Python", MANY, "zh"),
        ("日本語です", MANY, "ja"),
        ("日本語です", ("zh", "en"), "zh"),
        ("안녕", MANY, "ko"),
        ("привет", MANY, "ru"),
        ("сәлем", ("kk", "ru"), "kk"),
        ("ياخشىمۇسىز", MANY, "ug"),
        ("བོད་སྐད", MANY, "bo"),
        ("Guten Tag", ("de", "en"), "de"),
        ("hello", ("zh-Hant",), "zh-Hant"),
        ("你好", ("en", "zh-Hant"), "zh-Hant"),
    ],
)
def test_the_first_language_of_the_script_is_taken(text: str, languages: tuple[str, ...], expected: str) -> None:
    """Else the first in Latin letters, else the first."""
    assert language_among(text, languages) == expected
