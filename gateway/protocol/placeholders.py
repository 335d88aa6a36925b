"""Placeholders: what the model reads in place of a value that is restored in its reply.

Rules: the same value has the same placeholder throughout an exchange; placeholders and values live in the exchange's
memory alone, are bounded in number, and are never logged or recorded. What is not a placeholder of this exchange is
never restored: each ends in a tag that is derived from the exchange's id, which nobody knows beforehand, and that
occurs nowhere in the prompt.

The form, `PHONE-1-7f3a`, is of letters, digits and hyphens only: JSON, HTML, Markdown, links and program text carry
it unescaped. It ends in the tag, so that none is the beginning of another.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from filters.findings import Stage, Term
from gateway.protocol.texts import MASK_CHARACTER, TextGroup

MOST_VALUES = 256
"""Most values of one exchange; further ones are masked for good."""
# Longer and longer ones, should a prompt be full of short ones; one of the last cannot occur by chance or by design.
_TAG_LENGTHS = (4, 4, 4, 4, 6, 6, 8, 8, 16, 32, 64)


class Vault:
    """The values of one exchange and their placeholders.

    Args:
        seed: names the exchange; unknown before it began.
    """

    __slots__ = ("_counts", "_placeholders", "_seed", "_tag")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._tag = ""
        self._placeholders: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._placeholders)

    @property
    def tag(self) -> str:
        """What every placeholder ends in."""
        return self._tag

    @property
    def names(self) -> list[str]:
        """What placeholders begin with, before their number."""
        return list(self._counts)

    @property
    def values(self) -> dict[str, str]:
        """The values by their placeholder."""
        return {placeholder: value for value, placeholder in self._placeholders.items()}

    def open(self, texts: Iterable[str]) -> None:
        """Choose the tag, once: one that the prompt does not hold.

        Args:
            texts: every text of the prompt.
        """
        if self._tag:
            return
        prompt = "\n".join(texts)
        for number, length in enumerate(_TAG_LENGTHS):
            tag = hashlib.sha256(f"{self._seed} {number}".encode()).hexdigest()[:length]
            if tag not in prompt:
                break
        self._tag = tag

    def placeholder(self, term: Term, stage: Stage, value: str) -> str:
        """Return the placeholder of a value, or mask characters once there are too many.

        Args:
            term: what the value was found by.
            stage: the check that found it.
            value: text as received.
        """
        known = self._placeholders.get(value)
        if known is not None:
            return known
        if len(self._placeholders) >= MOST_VALUES:
            return MASK_CHARACTER * len(value)
        # The kind helps the model to answer; a keyword's own text must not reach it.
        kind = term.text.rpartition(".")[2] if stage is Stage.PERSONAL_DATA else "term"
        name = kind.upper().replace("_", "-")
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._placeholders.setdefault(value, f"{name}-{self._counts[name]}-{self._tag}")


class Edit(NamedTuple):
    """What is to become of a part of a text.

    Attributes:
        start: offset of its first character.
        end: offset behind its last.
        term: what it is restored as; None where it is masked for good.
        stage: the check that found it.
    """

    start: int
    end: int
    term: Term | None
    stage: Stage


def write_edits(group: TextGroup, edits: Iterable[Edit], vault: Vault) -> None:
    """Put placeholders and masks into the document a text was found in.

    Args:
        group: a text with parts.
        edits: what is to become of it; they may overlap.
        vault: keeps the values.
    """
    merged, offset = _merged(edits), 0
    for part in group.parts:
        end, at, pieces = offset + len(part.text), offset, list[str]()
        for edit in merged:
            first, last = max(edit.start, offset), min(edit.end, end)
            if first >= last:
                continue
            pieces.append(group.text[at:first])
            if edit.term is None:
                pieces.append(MASK_CHARACTER * (last - first))
            # A value over two parts is replaced in the first; nothing of it is left in the second.
            elif edit.start >= offset:
                pieces.append(vault.placeholder(edit.term, edit.stage, group.text[edit.start : edit.end]))
            at = last
        part.container[part.key] = "".join(pieces) + group.text[at:end]
        offset = end


def _merged(edits: Iterable[Edit]) -> list[Edit]:
    """Return edits that do not overlap: what overlaps a mask is masked, pieces of one secret are one value."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda each: (each.start, -each.end)):
        last = merged[-1] if merged else None
        if last is not None and (edit.start < last.end or (edit.start == last.end and edit.term is last.term)):
            term = None if edit.term is None else last.term
            merged[-1] = last._replace(end=max(last.end, edit.end), term=term)
        else:
            merged.append(edit)
    return merged
