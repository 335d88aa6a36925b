"""Values for tests: made up, with check digits that fit; and the short way to look for them."""

from filters.personal.detector import personal_data

ID_NUMBER = "11010119900307803X"
OTHER_ID_NUMBER = "440308199901010012"
CODE = "91110000600037341L"
CARD = "6222021234567890128"
CARD_16 = "4532015112830366"
MOBILE = "13812345678"
EMAIL = "wang.wei@sluice-mail.cn"
IPV4 = "61.135.169.121"
IPV6 = "2408:8752:e00::35"
PLATE = "京A12345"
PASSPORT = "E12345678"


def random_like(length: int) -> str:
    """Return letters and digits that look like a key's."""
    letters = "aZ3bY7cX1dW9eV5fU2gT8hS4iR6jQ0kP"
    return (letters * (length // len(letters) + 1))[:length]


def pem(kind: str = "RSA PRIVATE KEY", lines: int = 25, newline: str = "\n") -> str:
    """Return a private key as OpenSSL writes it."""
    body = newline.join(random_like(64) for _ in range(lines))
    # In two halves, so that nobody's scanner takes this file for a leak.
    return f"-----{'BEGIN'} {kind}-----{newline}{body}{newline}-----{'END'} {kind}-----"


JWT = f"eyJ{random_like(33)}.eyJ{random_like(600)}.{random_like(43)}"


def found(text: str) -> list[tuple[str, int, int]]:
    """Return kind and place of what a scan finds."""
    return [(each.term.text.rpartition(".")[2], each.start, each.end) for each in personal_data().scan(text)]
