"""Which lists a ``sluice lists`` command works on, and how such commands fail."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from filters.list_rows import ListRow
from filters.lists import ListError, Problem, read_rows
from gateway.cli.context import failures_reported
from gateway.rulesets.sources import active_lists
from gateway.rulesets.versions import VersionStore
from gateway.settings.loader import load
from gateway.settings.models import Lists

WhichArgument = Annotated[
    str | None,
    typer.Argument(metavar="[DIR]", help="A directory, or a version's id; otherwise the active lists."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


class Chosen(NamedTuple):
    """The lists that a command works on.

    Attributes:
        directories: where they are.
        version: id of the published version they are; empty for plain directories.
    """

    directories: tuple[Traversable, ...]
    version: str = ""


def settings_of(config: Path | None) -> Lists:
    """Return the settings of the lists.

    Raises:
        SettingsError: the settings are wrong.
    """
    return load(config, os.environ).settings.lists


def choose(lists: Lists, named: str | None) -> Chosen:
    """Return the lists that are named.

    Args:
        lists: the settings.
        named: a directory, or the beginning of a version's id; None takes the active lists.

    Raises:
        ListError: the version is not as it was published.
        VersionError: there is no such version.
    """
    if named is None:
        return Chosen(*active_lists(lists))
    # A directory first: its name can hardly be that of a version by chance, and ./NAME says so clearly.
    if Path(named).is_dir():
        return Chosen((Path(named),))
    store = VersionStore(lists.versions)
    version = store.find(named).id
    return Chosen(store.directories(version), version)


def read_all(directories: Iterable[Traversable]) -> tuple[tuple[ListRow, ...], ...]:
    """Return the rows of each directory; a file's name has the directory's in front.

    Raises:
        ListError: something is wrong with one of them; with everything that is wrong with any.
    """
    read: list[tuple[ListRow, ...]] = []
    problems: list[Problem] = []
    for directory in directories:
        try:
            rows = read_rows(directory)
        except ListError as error:
            problems.extend(_in(directory, problem) for problem in error.problems)
        else:
            read.append(tuple(dataclasses.replace(row, file=f"{directory.name}/{row.file}") for row in rows))
    if problems:
        raise ListError(problems)
    return tuple(read)


def joined(read: Iterable[Iterable[ListRow]]) -> tuple[ListRow, ...]:
    """Return the rows of all directories as one."""
    return tuple(row for rows in read for row in rows)


def echo_json(value: object) -> None:
    """Write JSON for programs, with Chinese as it is."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def list_failures_reported() -> Iterator[None]:
    """End the command when something expected fails: lists that are wrong, files that cannot be read or written."""
    with failures_reported():
        try:
            yield
        except ListError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        except OSError as error:
            typer.echo(f"Error: {error.filename or 'a file'}: {error.strerror or type(error).__name__}.", err=True)
            raise typer.Exit(1) from error


def _in(directory: Traversable, problem: Problem) -> Problem:
    # A problem with the directory itself has its name already.
    return problem if problem.file == directory.name else problem._replace(file=f"{directory.name}/{problem.file}")
