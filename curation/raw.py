"""Terms taken from other people's lists, by tables that say what is taken and what it becomes.

Rules: nothing is taken that no table asks for, so a raw list that grows adds nothing unseen; a raw list turns digits
that stand for words into figures and hangs contacts on its offers, and both are undone here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from filters.list_rows import COLUMNS

_TABLES = Path(__file__).parent / "raw"
_CHINESE = "zh"
_LANGUAGE = re.compile(r"-([a-z]{2,3})\.txt$")
# Not in a language's own script; how people write them there is not known well enough to judge them.
_LEFT_OUT = ("-ar-latn.txt", "project-")
_CONTACT = re.compile(r"qq|tel|q$|(?:联系)?电话$|联系方式$|联系$|网址?$|网站$|价格$|公司$|淘宝$|商店$|网上|多少钱$")
_SPELT_BY_FIGURES = (
    *(
        ("2手", "二手"),
        ("3利达", "三利达"),
        ("3箭", "三箭"),
        ("3棱", "三棱"),
        ("5连发", "五连发"),
        ("6合彩", "六合彩"),
    ),
    *(("46级", "四六级"), ("4级", "四级"), ("6级", "六级"), ("2代", "二代"), ("1代", "一代"), ("3唑", "三唑")),
    *(
        ("1夜情", "一夜情"),
        ("3级片", "三级片"),
        ("王8蛋", "王八蛋"),
        ("1元", "一元"),
        ("0件", "零件"),
        ("1字", "一字"),
    ),
    *(("娥眉", "峨眉"), ("汽枪", "气枪"), ("弩弓", "弓弩"), ("jiba", "鸡巴")),
)
# Names and slogans of sites long gone: letters and figures with no meaning of their own.
_SITE = re.compile(
    r"(?!(?:av|sm|bt|gv|mm|nmsl|cnm|3p|4p|69)(?![a-z0-9]))[a-z0-9]{2,}|本站|注册|观看|点击|图源|[0-9]{3,}|世界影院"
)
# One phrase for each thing that is done, the commonest wording first: more would be the same said again.
_ACTS: Mapping[str, tuple[str, ...]] = {
    "sell": ("出售{}", "{}出售", "销售{}", "{}销售", "买卖{}", "卖{}", "专卖{}"),
    "wholesale": ("批发{}", "{}批发", "{}厂家", "{}专卖"),
    "order": ("订购{}", "{}订购", "求购{}", "购买{}", "买{}", "{}购买"),
    "supply": ("供应{}", "提供{}", "{}供应", "{}提供", "专业{}"),
    "deliver": ("{}货到付款", "{}直销", "直销{}", "{}送货上门", "{}到货", "{}专营"),
    "make": ("制作{}", "{}制作", "{}制作方法", "{}制造方法", "{}的制作方法", "自制{}", "{}制作教程", "如何制作{}"),
    "recipe": ("{}配方", "{}的配方", "{}合成方法", "{}制作工艺", "{}制造技术", "{}技术", "{}教程"),
    "plan": ("{}图纸", "{}组装", "{}改装", "{}破解版", "{}下载"),
    "acquire": ("高价收购{}", "收购{}", "{}转让", "转让{}"),
    "hire": ("找{}报仇", "雇佣{}", "专业{}", "有偿{}"),
}


class RawTerm(NamedTuple):
    """A term as it stands in a raw list, its contacts and figures undone.

    Attributes:
        text: the term.
        language: of the list.
        source: name of the list.
        licence: it comes under.
    """

    text: str
    language: str
    source: str
    licence: str


class _Section(NamedTuple):
    """A section of a table: what its terms become, and its lines."""

    values: Mapping[str, str]
    lines: tuple[str, ...]


def raw_rows(data: Path) -> Iterator[dict[str, str]]:
    """Yield the rows that the tables make of the raw lists, in the order of the tables.

    Args:
        data: directory of the raw lists, with the README that names their licences.

    Raises:
        ValueError: a table picks a word that no list has.
    """
    by_language: dict[str, dict[str, RawTerm]] = {}
    for term in read_raw(data):
        by_language.setdefault(term.language, {}).setdefault(term.text, term)
    for section in _sections("picked.txt"):
        yield from _picked(section, by_language)
    for section in _sections("goods.txt"):
        yield from _offers(section, by_language[_CHINESE])
    for section in _sections("patterns.txt"):
        yield from _matching(section, by_language)


def read_raw(data: Path) -> Iterator[RawTerm]:
    """Yield the terms of all raw lists but the left-out ones, in the order of their names."""
    licences = _licences(data / "README.md")
    for path in sorted(data.glob("*/*.txt")):
        if any(mark in path.name for mark in _LEFT_OUT):
            continue
        named = _LANGUAGE.search(path.name)
        language = named[1] if named else _CHINESE
        source, licence = licences[f"{path.parent.name}/{path.name}"]
        for line in path.read_text(encoding="utf-8").splitlines():
            text = _spelt(line) if language == _CHINESE else line.strip()
            if text:
                yield RawTerm(text, language, source, licence)


def _licences(readme: Path) -> dict[str, tuple[str, str]]:
    """Return source and licence by file, as the table of the README has them."""
    found = {}
    for line in readme.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) > 3 and cells[1].endswith(".txt"):  # noqa: PLR2004 category, file, source, licence
            # What follows the name says how the raw list was made, not where it comes from.
            found[f"{cells[0]}/{cells[1]}"] = (re.split(r"[:,(]| dictionary", cells[2])[0].strip(), cells[3])
    return found


def _spelt(line: str) -> str:
    text = _CONTACT.sub("", line.strip())
    for figures, spelling in _SPELT_BY_FIGURES:
        text = text.replace(figures, spelling)
    return text.strip()


def _sections(name: str) -> Iterator[_Section]:
    """Yield the sections of a table."""
    header, lines = "", list[str]()
    for line in [*(_TABLES / name).read_text(encoding="utf-8").splitlines(), "@ "]:
        if line.startswith("@ "):
            if header:
                yield _Section(_values(header.split()), tuple(lines))
            header, lines = line[2:], []
        elif line.strip() and not line.startswith("#"):
            lines.append(line.strip())


def _values(words: Sequence[str]) -> dict[str, str]:
    names = ("languages", "kind", "risk", "severity", "action", "acts")
    given = dict(zip(names, words, strict=False))
    return {**dict.fromkeys(COLUMNS, ""), "phase": "both", **given}


def _row(values: Mapping[str, str], term: RawTerm) -> dict[str, str]:
    return {
        **{column: values[column] for column in COLUMNS},
        "term": term.text,
        "source": term.source,
        "licence": term.licence,
    }


def _picked(section: _Section, raw: Mapping[str, Mapping[str, RawTerm]]) -> Iterator[dict[str, str]]:
    """Yield the words that a table names one by one."""
    known = raw[section.values["languages"]]
    for line in section.lines:
        for word in map(str.strip, line.split("|")):
            if word in known:
                yield _row(section.values, known[word])


def _offers(section: _Section, raw: Mapping[str, RawTerm]) -> Iterator[dict[str, str]]:
    """Yield, for each of the goods, one raw term for each thing done with it."""
    for goods in (word for line in section.lines for word in line.split()):
        for act in section.values["acts"].split(","):
            phrases = (wording.format(goods) for wording in _ACTS[act])
            found = next((raw[phrase] for phrase in phrases if phrase in raw), None)
            if found:
                yield _row(section.values, found)


def _matching(section: _Section, raw: Mapping[str, Mapping[str, RawTerm]]) -> Iterator[dict[str, str]]:
    """Yield the terms in which the one expression of a section is found and the other is not."""
    taken = re.compile(next(line[2:] for line in section.lines if line.startswith("+")))
    left = re.compile(next((line[2:] for line in section.lines if line.startswith("-")), r"\b\B"))
    shortest = 3 if section.values["languages"] == _CHINESE else 4
    for text, term in raw[section.values["languages"]].items():
        # Letters with figures or signs among them are spellings the engine finds by itself.
        spelling = re.search(r"[@$!€*_.+:;/()\[\]{}=]", text) or (
            re.search(r"\d", text) and section.values["languages"] != _CHINESE
        )
        site = section.values["languages"] == _CHINESE and _SITE.search(text)
        if len(text) >= shortest and not spelling and not site and taken.search(text) and not left.search(text):
            yield _row(section.values, term)
