"""How values of a list are compared and shown."""

import unicodedata

_QUOTED_CHARACTERS = 40


def folded(text: str) -> str:
    """Return the form in which two spellings of a term count as the same: NFKC, without case."""
    # Twice, because folding the case can undo the normal form.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def quoted(value: str) -> str:
    """Return a value fit for one line of a message."""
    return repr(value if len(value) <= _QUOTED_CHARACTERS else value[:_QUOTED_CHARACTERS] + "…")
