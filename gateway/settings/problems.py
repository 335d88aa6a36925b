"""What is wrong with the settings, in a form an operator can act on.

Rule: a problem never quotes a secret. A value whose nature is unknown (a misspelt key, a whole table) is left out.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

SHOWN_CHARACTERS = 80  # longer values are cut: the key says where to look

# Greedy on purpose: a password may hold `/` or `@`, and hiding too much is the safe mistake.
_USER_INFORMATION = re.compile(r"(?<=://).*@", re.DOTALL)
_USER_AND_PASSWORD = re.compile(r"://[^@]*:.*@", re.DOTALL)
_PASSWORD_PARAMETER = re.compile(r"[?&](ssl)?password=", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:key|token|secret|password|auth|sig)[^=&]*=)[^&]+", re.IGNORECASE)


class Problem(NamedTuple):
    """One thing that is wrong with the settings.

    Attributes:
        place: the file, environment variable or command line it stands in.
        key: dotted name of the setting; empty when the file as a whole is meant.
        value: what was given, without secrets; None where it is not shown.
        wrong: what is wrong with it.
        remedy: what to do.
    """

    place: str
    key: str
    value: str | None
    wrong: str
    remedy: str

    def __str__(self) -> str:
        given = "" if self.value is None else f" = {self.value}"
        subject = f": {self.key}{given}" if self.key else ""
        return f"{self.place}{subject}: {self.wrong}. {self.remedy}."


class SettingsError(Exception):
    """The settings cannot be used; its text is one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Kept as values too, so that `--json` and the doctor need not take the text apart.
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def without_password(url: str) -> str:
    """Return a URL with its user, password and parameters that sound secret hidden; other text as it is."""
    # Addresses carry secrets behind the question mark as well, under names nobody can list in full.
    return _SECRET_PARAMETER.sub(r"\1…", _USER_INFORMATION.sub("…@", url))


def has_password(url: str) -> bool:
    """Whether a URL carries a password, before the host or as a parameter; a user name alone is no secret."""
    return any(pattern.search(url) for pattern in (_USER_AND_PASSWORD, _PASSWORD_PARAMETER))


def has_user(url: str) -> bool:
    """Whether a URL carries a user name, with or without a password."""
    return _USER_INFORMATION.search(url) is not None


def shown(value: object) -> str | None:
    """Return a scalar as TOML would write it, cut and without passwords; None for anything else."""
    # First, because a bool is an int in Python and would be shown as True, which is no TOML.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    # A table or list may hold a secret anywhere inside, and its key already says where to look.
    if not isinstance(value, str):
        return None
    text = without_password(value)
    return f'"{text}"' if len(text) <= SHOWN_CHARACTERS else f'"{text[:SHOWN_CHARACTERS]}…"'


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as TOML would write it: parts that hold a dot are quoted."""
    parts = (str(part) for part in path)
    return ".".join(f'"{part}"' if "." in part else part for part in parts)
