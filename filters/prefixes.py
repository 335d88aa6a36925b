"""Beginnings: from a regular expression to one that matches what may still become a match of it.

A text that arrives in pieces has to know where a match may have begun and not yet ended. For an expression ``P`` this
module writes the expression of its proper prefixes: all strings that some further text makes a match of ``P``. It
knows RE2's syntax as far as it is of use in a list, and nothing that RE2 does not.

Rules: what stands for one character is copied and never interpreted, so classes, escapes and scripts mean what RE2
says; an assertion about the following character is a beginning of its own, since that character has to be seen. Where
the characters around an assertion can never occur, more is taken for a beginning than is one; never less.
"""

import re
from typing import NamedTuple

LONGEST_EXPRESSION = 500
"""Most characters of an expression."""
_DEEPEST_GROUP = 20

_QUANTIFIER = re.compile(r"([*+?]|\{(\d+)(?:(,)(\d*))?\})\??")
_ESCAPE = re.compile(r"\\(?:[pP]\{[^}]*\}|[pP].|x\{[0-9a-fA-F]*\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
# A bracket directly behind the opening one is a member, and a named class brings its own brackets.
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?P?<\w+>|\?(?P<flags>[imsU-]*)(?P<end>[:)]))?")
_LOOK_BEHIND = frozenset({"^", r"\A"})
_LOOK_AHEAD = frozenset({"$", r"\z", r"\b", r"\B"})


class Shape(NamedTuple):
    """An expression, or a part of one.

    Attributes:
        text: the part itself, grouped so that it can stand anywhere.
        some: expression of its matches that are not empty; None where it has none.
        prefixes: expression of its proper prefixes, the empty one among them; None where it has none.
        begun: expression of its proper prefixes that are not empty; None where it has none.
        shortest: characters of its shortest match.
        anchored: True when it asks for the beginning or the end of the whole text.
    """

    text: str
    some: str | None
    prefixes: str | None
    begun: str | None
    shortest: int
    anchored: bool = False


_NOTHING = Shape("", None, None, None, 0)


def shape_of(expression: str) -> Shape:
    """Take an expression apart, and say how its matches begin.

    Args:
        expression: one that RE2 reads.

    Raises:
        ValueError: it is longer or deeper than the bounds, or asks for something that no text can be cut at.
    """
    if len(expression) > LONGEST_EXPRESSION:
        raise ValueError(f"is longer than {LONGEST_EXPRESSION} characters: make two of it")
    return _Reader(expression).alternatives(())


def _either(*expressions: str | None) -> str | None:
    known = [each for each in expressions if each is not None]
    return f"(?:{'|'.join(known)})" if known else None


def _joined(first: str | None, second: str | None) -> str | None:
    return None if first is None or second is None else first + second


def _sequence(parts: list[Shape]) -> Shape:
    whole = _NOTHING
    # From the right, so that each part is written into the prefixes once and not once for each that follows it.
    for part in reversed(parts):
        later = _joined(part.text, whole.prefixes)
        if part.shortest:
            some: str | None = part.text + whole.text
            begun = _either(part.begun, later)
        else:
            some = _either(_joined(part.some, whole.text), _joined(part.text, whole.some))
            begun = _either(part.begun, _joined(part.some, whole.prefixes), _joined(part.text, whole.begun))
        whole = Shape(
            part.text + whole.text,
            some,
            _either(part.prefixes, later),
            begun,
            part.shortest + whole.shortest,
            part.anchored or whole.anchored,
        )
    return whole


def _repeated(part: Shape, least: int, most: int | None) -> Shape:
    whole = f"(?:{part.text}){{{least},{'' if most is None else most}}}"
    if most == 0:
        return Shape(whole, None, None, None, 0, part.anchored)
    more = "" if most is None else most - 1
    once = None if part.some is None else f"(?:{part.some})"
    # Where a round may be empty, rounds that are not may be fewer than the least.
    some = whole if least and part.shortest else _joined(once, f"{{1,{'' if most is None else most}}}")
    return Shape(
        whole,
        some,
        _joined(f"(?:{part.text}){{0,{more}}}", part.prefixes),
        # Without a round, or behind some.
        _either(part.begun, None if most == 1 else _joined(_joined(once, f"{{1,{more}}}"), part.prefixes)),
        part.shortest * least,
        part.anchored,
    )


class _Reader:
    """Reads one expression from left to right; RE2 has read it before, so it is well formed."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0
        self._depth = 0

    def alternatives(self, flags: tuple[str, ...]) -> Shape:
        """Read up to the end of the group, or of the expression."""
        branches: list[Shape] = []
        while True:
            # Flags go on behind a bar, up to the end of their group.
            branch, flags = self._branch(flags)
            branches.append(branch)
            if self._text[self._at : self._at + 1] != "|":
                break
            self._at += 1
        if len(branches) == 1:
            return branches[0]
        return Shape(
            f"(?:{'|'.join(branch.text for branch in branches)})",
            _either(*(branch.some for branch in branches)),
            _either(*(branch.prefixes for branch in branches)),
            _either(*(branch.begun for branch in branches)),
            min(branch.shortest for branch in branches),
            any(branch.anchored for branch in branches),
        )

    def _branch(self, flags: tuple[str, ...]) -> tuple[Shape, tuple[str, ...]]:
        parts: list[Shape] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            group = _GROUP.match(self._text, self._at)
            if group and group["end"] == ")":
                self._at = group.end()
                flags = (*flags, group["flags"])
            else:
                part = self._group(group, flags) if group else self._single(flags)
                parts.append(self._quantified(part))
        return _sequence(parts), flags

    def _group(self, opening: re.Match[str], flags: tuple[str, ...]) -> Shape:
        self._depth += 1
        if self._depth > _DEEPEST_GROUP:
            raise ValueError(f"has groups nested more than {_DEEPEST_GROUP} deep: write it flatter")
        self._at = opening.end()
        inner = self.alternatives((*flags, opening["flags"]) if opening["flags"] else flags)
        self._at += 1
        self._depth -= 1
        return inner._replace(text=f"(?:{inner.text})", some=_either(inner.some))

    def _single(self, flags: tuple[str, ...]) -> Shape:
        found = _CLASS.match(self._text, self._at) or _ESCAPE.match(self._text, self._at)
        raw = found[0] if found else self._text[self._at]
        if raw in (r"\C", r"\Q"):
            raise ValueError(f"uses {raw}, which is not supported: write the characters themselves, escaped")
        self._at += len(raw)
        # A multi-line `^` asks for a line; only without the flag does it ask for the whole text.
        anchored = raw in (r"\A", r"\z") or (raw in "^$" and not any("m" in each for each in flags))
        # A brace that is no count here must not become one by what is written in front of it.
        text = r"\{" if raw == "{" else raw
        for each in reversed(flags):
            text = f"(?{each}:{text})"
        if raw in _LOOK_BEHIND:
            return Shape(text, None, None, None, 0, anchored)
        # The empty prefix says that one character, or the look at it, is still to come.
        if raw in _LOOK_AHEAD:
            return Shape(text, None, "(?:)", None, 0, anchored)
        return Shape(text, text, "(?:)", None, 1, anchored)

    def _quantified(self, part: Shape) -> Shape:
        # Once: RE2 takes no second one.
        if found := _QUANTIFIER.match(self._text, self._at):
            self._at = found.end()
            sign, least, comma, most = found.groups()
            if least is None:
                part = _repeated(part, int(sign == "+"), 1 if sign == "?" else None)
            elif comma is None:
                part = _repeated(part, int(least), int(least))
            else:
                part = _repeated(part, int(least), int(most) if most else None)
        return part
