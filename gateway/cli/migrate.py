"""``sluice migrate``: bring the store's tables up to date."""

import typer

from gateway.cli.context import StoreOption, failures_reported, open_store
from gateway.storage.migrate import migrate, pending


def migrate_command(store: StoreOption = None) -> None:
    """Bring the store's tables up to what this version expects; safe to repeat, and from several places at once."""
    with failures_reported():
        engine = open_store(store)
        try:
            # Asked before, for the message alone; the migration looks again under its lock.
            missing = pending(engine)
            migrate(engine)
        finally:
            engine.dispose()
    typer.echo(f"Migrated: {', '.join(missing)}." if missing else "The store is up to date.")
