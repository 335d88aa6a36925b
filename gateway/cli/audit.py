"""`sluice audit`: the audit trail; each topic's commands are in a module of its own."""

import typer

from gateway.cli.audit_content import app as content_app
from gateway.cli.audit_export import export
from gateway.cli.audit_index import collect, reindex
from gateway.cli.audit_key import key
from gateway.cli.audit_prove import check_proof_command, prove
from gateway.cli.audit_show import show
from gateway.cli.audit_verify import verify

app = typer.Typer(help="The audit trail: what was decided, on whose request, and why.", no_args_is_help=True)

app.command()(show)
app.command()(verify)
app.command()(prove)
app.command("check-proof")(check_proof_command)
app.command()(export)
app.command()(key)
app.command()(collect)
app.command()(reindex)
app.add_typer(content_app, name="content")
