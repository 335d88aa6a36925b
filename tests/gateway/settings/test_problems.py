"""Problems say what to do and give no secret away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.problems import (
    SHOWN_CHARACTERS,
    Problem,
    SettingsError,
    dotted,
    has_password,
    has_user,
    shown,
    without_password,
)


def test_a_problem_reads_as_place_key_value_wrong_and_remedy() -> None:
    """One line holds everything an operator needs."""
    problem = Problem("sluice.toml", "server.port", "0", "should be at least 1", "Set a port")
    assert str(problem) == "sluice.toml: server.port = 0: should be at least 1. Set a port."


def test_a_problem_of_a_whole_file_names_no_key() -> None:
    """Without a key, the line speaks of the place alone."""
    assert str(Problem("sluice.toml", "", None, "is empty", "Fill it")) == "sluice.toml: is empty. Fill it."


def test_an_error_has_one_line_per_problem() -> None:
    """All problems are told at once."""
    problems = [Problem("a", "b", None, "c", "d"), Problem("e", "f", None, "g", "h")]
    error = SettingsError(problems)
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("postgresql+psycopg://me:pw@host/db", "postgresql+psycopg://…@host/db"),
        ("http://key@host", "http://…@host"),
        ("http://me:p@/w@host", "http://…@host"),
        (
            "postgresql+psycopg://host/db?password=pw&sslmode=require",
            "postgresql+psycopg://host/db?password=…&sslmode=require",
        ),
        ("http://host/v1?api_key=sk&v=1", "http://host/v1?api_key=…&v=1"),
        ("http://host/v1", "http://host/v1"),
    ],
)
def test_passwords_in_addresses_are_hidden(url: str, hidden: str) -> None:
    """User information and a password parameter are left out; the rest stays."""
    assert without_password(url) == hidden


@given(password=st.text(min_size=1), host=st.from_regex(r"[a-z]{1,9}", fullmatch=True))
def test_no_password_survives(password: str, host: str) -> None:
    """Whatever the password is, what is shown does not depend on it."""
    url = f"postgresql+psycopg://user:{password}@{host}/db"
    assert has_password(url)
    assert without_password(url) == f"postgresql+psycopg://…@{host}/db"


@pytest.mark.parametrize(
    ("url", "user", "password"),
    [
        ("sqlite:///var/sluice.db", False, False),
        ("postgresql+psycopg://me@host:5432/db", True, False),
        ("postgresql+psycopg://me:pw@host/db", True, True),
        ("postgresql+psycopg://host/db?PASSWORD=pw", False, True),
        ("postgresql+psycopg://host/db?sslmode=require&sslkey=client.key", False, False),
    ],
)
def test_a_user_alone_is_no_password(url: str, user: bool, password: bool) -> None:  # noqa: FBT001 - a table of cases
    """A user name may stand in a file, a password may not."""
    assert (has_user(url), has_password(url)) == (user, password)


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (3, "3"), (0.5, "0.5"), ("a", '"a"'), ([1], None), ({"api_key": "k"}, None), (None, None)],
)
def test_values_are_shown_as_toml_writes_them(value: object, text: str | None) -> None:
    """Scalars are shown; tables and lists, which may hold anything, are not."""
    assert shown(value) == text


def test_long_values_are_cut() -> None:
    """A message stays readable whatever was pasted into the file."""
    assert shown("x" * 1000) == f'"{"x" * SHOWN_CHARACTERS}…"'


def test_parts_with_dots_are_quoted() -> None:
    """A risk id reads as one part of the path."""
    assert dotted(("policies", "default", "risks", "A.1.f", 0)) == 'policies.default.risks."A.1.f".0'
