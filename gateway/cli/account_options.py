"""Options that commands about accounts share, and how their values are read."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer

from gateway.accounts.account import Network, parse_network
from gateway.cli.times import parse_moment

_T = TypeVar("_T")

NameArgument = Annotated[str, typer.Argument(help="Name of the account, or its id.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
ExpiresOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="When it ends: 90d, 24h, or an ISO date (UTC).")
]
AllowFromOption = Annotated[
    list[str] | None, typer.Option(metavar="CIDR", help="Network it may be used from; may be repeated.")
]
ModelsOption = Annotated[
    list[str] | None, typer.Option("--allow-model", metavar="MODEL", help="Model it may ask for; may be repeated.")
]


def read_option(option: str, parse: Callable[[str], _T], text: str) -> _T:
    """Read the value of an option.

    Raises:
        typer.BadParameter: it cannot be read; says of which option.
    """
    try:
        return parse(text)
    except ValueError as exc:
        # Wrong use, with the option's name; the parsers do not know which option they read.
        raise typer.BadParameter(str(exc), param_hint=option) from exc


def read_expires(text: str | None, now_us: int) -> int | None:
    """Return the moment ``--expires`` names, in microseconds of Unix time; None for none."""
    return read_option("--expires", lambda given: parse_moment(given, now_us), text) if text else None


def read_networks(texts: Sequence[str] | None) -> tuple[Network, ...]:
    """Return the networks ``--allow-from`` names."""
    return tuple(read_option("--allow-from", _parse_network, text) for text in texts or ())


def _parse_network(text: str) -> Network:
    try:
        return parse_network(text)
    except ValueError as exc:
        raise ValueError(
            # Bits behind the prefix are refused: 203.0.113.7/24 may mean one address or 256 of them.
            "Write a network such as 203.0.113.0/24 or 2001:db8::/32, no bits behind its prefix."
        ) from exc
