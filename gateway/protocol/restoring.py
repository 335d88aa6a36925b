"""Restoring: values back in the place of their placeholders, in whole replies and while a reply streams.

Restoring comes last: what is scanned, masked and counted is the text with placeholders, and a value that is put back
stood in the user's own prompt, which was judged. Rules: the output does not depend on how the text was cut; held back
is exactly the longest end of the text that may still become a placeholder of this exchange.
"""

import re

import orjson

from gateway.protocol.dialects.base import Document
from gateway.protocol.placeholders import Vault
from gateway.protocol.texts import find_texts

# Members that hold a JSON document as a string; what is put into it must not end its strings.
_JSON_MEMBERS = frozenset({"arguments", "partial_json"})


class Restorer:
    """Restores one running text.

    Args:
        vault: the values.
        escaped: True for a text that is JSON: values are written as JSON strings write them.
    """

    __slots__ = ("_begun", "_found", "_held", "_longest", "_values")

    def __init__(self, vault: Vault, *, escaped: bool) -> None:
        values = vault.values
        self._values = {each: _escaped(value) for each, value in values.items()} if escaped else values
        # By its parts and not by all placeholders: the time to look does not depend on their number.
        self._found = re.compile(f"(?:{'|'.join(map(re.escape, vault.names))})-[0-9]+-{vault.tag}")
        self._begun = frozenset(each[:size] for each in values for size in range(1, len(each)))
        self._longest = max(map(len, values))
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece; return what may be shown now."""
        text = self._held + text
        end = self._first_begun(text)
        self._held = text[end:]
        return self._restored(text[:end])

    def finish(self) -> str:
        """End the text: what is held is no placeholder."""
        held, self._held = self._held, ""
        return held

    def restore(self, text: str) -> str:
        """Restore a whole text."""
        return self._restored(text)

    def _restored(self, text: str) -> str:
        # Also where the number is of no placeholder: then it stays what it is.
        return self._found.sub(lambda found: self._values.get(found[0], found[0]), text)

    def _first_begun(self, text: str) -> int:
        for start in range(max(0, len(text) - self._longest + 1), len(text)):
            # Nearly every start is settled by its first character, and nearly every text by having no capital there.
            if text[start].isupper() and text[start:] in self._begun:
                return start
        return len(text)


def restore_document(document: Document, vault: Vault, *, structured: bool) -> bool:
    """Put the values back into a whole reply.

    Args:
        document: the reply; it is changed in place.
        vault: the values.
        structured: True where the answer itself is JSON.

    Returns:
        Whether anything was put back.
    """
    plain, escaped, changed = Restorer(vault, escaped=False), Restorer(vault, escaped=True), False
    for group in find_texts(document):
        for part in group.parts:
            is_json = structured or part.key in _JSON_MEMBERS
            text = (escaped if is_json else plain).restore(part.text)
            if text != part.text:
                part.container[part.key] = text
                changed = True
    return changed


def _escaped(value: str) -> str:
    return orjson.dumps(value).decode()[1:-1]
