"""``sluice agreements``: end users who label replies themselves, and so get them without the visible label."""

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway.accounts.agreements import AgreementStore, describe_agreement
from gateway.audit.events import now_us
from gateway.cli.context import ConfigOption, StoreOption, console, store_for
from gateway.cli.times import parse_past
from gateway.cli.trail import ReasonOption, trail_of

app = typer.Typer(
    no_args_is_help=True,
    help="End users who took over the duty to label (Labelling Measures, article 9): their replies carry no visible"
    " label, and each is recorded with the agreement it was given under.",
)

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name of the account.")]
EndUserOption = Annotated[
    str,
    typer.Option(
        "--end-user",
        metavar="PSEUDONYM",
        help="Its end user, as 'sluice audit content pseudonym' gives it; none is the account itself.",
    ),
]


@app.command()
def accept(
    account: AccountArgument,
    *,
    version: Annotated[str, typer.Option(help="Which wording of the user agreement was accepted.")],
    accepted_at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it was accepted: an ISO date or time; now where not given."),
    ] = None,
    end_user: EndUserOption = "",
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Note that an end user accepted; from now on their replies carry no visible label."""
    at_us = now_us()
    accepted_at_us = at_us if accepted_at is None else _moment(accepted_at)
    with store_for(store, config) as engine:
        agreements = AgreementStore(engine, trail_of(config, reason).record)
        made = agreements.accept(account, end_user, version, accepted_at_us, at_us)
    typer.echo(f"Agreement {made.id} holds. The members programs read stay in every reply.")


@app.command()
def end(
    account: AccountArgument,
    *,
    end_user: EndUserOption = "",
    reason: ReasonOption = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """End an agreement; replies carry the visible label again within seconds."""
    with store_for(store, config) as engine:
        AgreementStore(engine, trail_of(config, reason).record).end(account, end_user, now_us())
    typer.echo("The agreement is ended.")


@app.command("list")
def list_agreements(
    account: Annotated[str | None, typer.Argument(metavar="[ACCOUNT]", help="Of this account alone.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """List agreements, also those that have ended, the newest first."""
    with store_for(store, config) as engine:
        found = AgreementStore(engine).list_all(account)
    if as_json:
        typer.echo(json.dumps([describe_agreement(each) for each in found], ensure_ascii=False, indent=2))
        return
    table = Table()
    # An id that is folded could not be copied; pseudonyms and accounts are long, and may be.
    table.add_column("Agreement", no_wrap=True)
    for name in ("Account", "End user", "Version", "Accepted", "Ended"):
        table.add_column(name, overflow="fold")
    for each in found:
        table.add_row(*(Text(cell or "–") for cell in describe_agreement(each).values()))
    console().print(table)


def _moment(text: str) -> int:
    try:
        return parse_past(text)
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--accepted-at") from exc
