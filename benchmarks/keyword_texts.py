"""Terms and texts that the keyword engine is measured with: harmless ones as they are, terms and attacks made up.

Rules: everything made up is seeded, so that two runs measure the same; no real term is needed, and none is printed.
"""

import gzip
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import BenchmarkError
from filters.findings import Term
from filters.lists import load_lists, shipped_lists

# Lengths of terms and their weights: four characters on average, a Latin word being longer than a Chinese one.
_CHINESE_LENGTHS = {2: 15, 3: 30, 4: 35, 5: 12, 6: 8}
_LATIN_LENGTHS = {4: 20, 5: 30, 6: 30, 7: 10, 8: 10}
_CHINESE_SHARE = 0.85
_COMMON_CHARACTERS = 3_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SEED = 20_260_101
# What the hostile texts nearly say.
NEAR_MISSES = ("大麻", "冰毒", "海洛因", "赌博网站", "viagra")
_HOSTILE_BYTES = 2**20


class Harmless(NamedTuple):
    """Harmless texts, as received.

    Attributes:
        replies: replies in Chinese.
        all_replies: replies in all languages.
        prompts: prompts in all languages.
    """

    replies: tuple[str, ...]
    all_replies: tuple[str, ...]
    prompts: tuple[str, ...]


def read_harmless(directory: Path) -> Harmless:
    """Read ``replies.jsonl.gz`` and ``prompts.jsonl.gz``: JSON lines with ``text`` and ``lang``.

    Raises:
        BenchmarkError: a file is not there.
    """
    replies = list(_read(directory / "replies.jsonl.gz"))
    prompts = tuple(text for _, text in _read(directory / "prompts.jsonl.gz"))
    chinese = tuple(text for language, text in replies if language == "zh")
    return Harmless(chinese, tuple(text for _, text in replies), prompts)


def _read(path: Path) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        raise BenchmarkError(f"{path} is missing: name the directory of the harmless texts with --data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["lang"], row["text"]


def made_up_terms(count: int, replies: Sequence[str]) -> tuple[Term, ...]:
    """Return distinct terms of characters that are common in the replies, with all folds on.

    Args:
        count: how many.
        replies: where the characters are counted.
    """
    chance = random.Random(_SEED)  # noqa: S311  # nothing secret is made of it
    counted = Counter(char for text in replies for char in text if "\u4e00" <= char <= "\u9fff")
    # By count and then by code, so that a tie does not change the terms.
    common = sorted(counted, key=lambda char: (-counted[char], char))[:_COMMON_CHARACTERS]
    texts: dict[str, None] = {}
    while len(texts) < count:
        chinese = chance.random() < _CHINESE_SHARE
        lengths = _CHINESE_LENGTHS if chinese else _LATIN_LENGTHS
        size = chance.choices(list(lengths), list(lengths.values()))[0]
        texts["".join(chance.choices(common if chinese else _LETTERS, k=size))] = None
    return tuple(Term(text, "A.1.f") for text in texts)


def shipped_terms() -> tuple[Term, ...]:
    """Return the terms of the shipped lists."""
    return load_lists(shipped_lists(), datetime.now(UTC).date())


def near_miss_terms() -> tuple[Term, ...]:
    """Return the terms that the hostile texts nearly say."""
    return tuple(Term(text, "A.1.f") for text in NEAR_MISSES)


def hostile_texts(replies: Sequence[str]) -> dict[str, str]:
    """Return texts that are made to be dear, each of a mebibyte of UTF-8, ordinary text first.

    Args:
        replies: what ordinary text is made of.
    """
    chance = random.Random(_SEED)  # noqa: S311  # nothing secret is made of it
    invisible = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
    syllables = ("da", "ma", "bing", "du", "hai", "luo", "yin", "bo", "wang", "zhan")
    units = {
        "ordinary Chinese": "\n".join(replies),
        "one letter": "a",
        "one ideograph": "麻",
        "one ideograph of a term, then another": "麻" * 40 + "大" * 40,
        "separators": "*-_ .|",
        "separators between the letters of terms": "".join(f"{'* '.join(term)}。" for term in NEAR_MISSES),
        "combining marks": "a" + "\u0336\u0301\u0489" * 20,
        "zero width between the letters of terms": "".join(
            char + "".join(chance.choices(invisible, k=6)) for term in NEAR_MISSES for char in term[:-1]
        ),
        "look-alikes nested": "𝐯іⓐｇrа𝐯1ⓐ9ᴦ" * 2 + "vіvіаgrvi@gr",
        "near misses": "大麻烦病毒海落音大妈赌搏望站并读viagrviagr",
        "terms": "，".join(NEAR_MISSES),
        "pinyin": "".join(chance.choices(syllables, k=5_000)),
        "pinyin between ideographs": "".join(chance.choices((*syllables, *"大麻冰毒海洛因赌博网站"), k=5_000)),
        "letters and signs": "".join(chance.choices("vi4gr@$!1|0a", k=5_000)),
    }
    return {name: _grown(unit) for name, unit in units.items()}


def _grown(unit: str) -> str:
    size = len(unit.encode())
    text = unit * (_HOSTILE_BYTES // size + 1)
    return text.encode()[:_HOSTILE_BYTES].decode(errors="ignore")


def pieces(text: str, size: int) -> list[str]:
    """Return the text in pieces of so many characters."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def samples_of(text: str, size: int, count: int) -> list[str]:
    """Return texts of one length, cut out of a long one."""
    return list(itertools.islice((piece for piece in pieces(text, size) if len(piece) == size), count))
