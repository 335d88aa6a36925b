"""Guesses what a mistyped name was meant to be."""

import difflib
from collections.abc import Collection


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return "Did you mean …?" for the known name closest to a mistyped one, or None when none is close."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}" if close else None
