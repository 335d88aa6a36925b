"""``sluice migrate``: bring the store's tables up to date."""

import typer
from sqlalchemy import Engine

from gateway.audit.event_forms import EventName
from gateway.cli.context import ConfigOption, StoreOption, failures_reported, open_store
from gateway.cli.trail import Trail, trail_of
from gateway.storage.migrate import migrate, pending


def migrate_command(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Bring the store's tables up to what this version expects; safe to repeat, and from several places at once."""
    with failures_reported():
        engine = open_store(store, config)
        try:
            missing = migrate_recorded(engine, trail_of(config))
        finally:
            engine.dispose()
    typer.echo(f"Migrated: {', '.join(missing)}." if missing else "The store is up to date.")


def migrate_recorded(engine: Engine, trail: Trail) -> tuple[str, ...]:
    """Run the migrations that a store lacks, recorded before; return which they were.

    Args:
        engine: the store.
        trail: where it is recorded.

    Raises:
        StorageError: the store cannot be reached, or was migrated by a newer program.
        ResourceError: the trail takes no entry; the store is as it was.
    """
    # Asked before, for the record and the message alone; the migration looks again under its lock.
    if missing := pending(engine):
        trail.record(EventName.STORE_MIGRATED, missing[-1], {"migrations": ", ".join(missing)})
    migrate(engine)
    return missing
