"""Brings a store's tables up to what this program expects.

Any number of processes may migrate at the same time: one does the work, the others wait for it and find nothing left
to do. A migration is one transaction on both databases, so that a failed one leaves the store as it was.
"""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from sqlalchemy import Connection, Engine, text

from gateway.storage.engine import StorageError, open_engine
from gateway.storage.transactions import reading, writing

MIGRATION_SECONDS = 600
"""Longest that PostgreSQL may work on a migration, or wait for another process's."""

# An arbitrary number that all our processes agree on: "sluice" in ASCII.
_LOCK = 0x736C75696365


def migrate(store: Engine | str) -> None:
    """Run the migrations that a store lacks.

    Args:
        store: an engine, or a URL for `open_engine`.

    Raises:
        StorageError: when the store cannot be reached, or was migrated by a newer program.
    """
    if isinstance(store, Engine):
        _upgrade(store)
        return
    engine = open_engine(store)
    try:
        _upgrade(engine)
    finally:
        engine.dispose()


def pending(engine: Engine) -> tuple[str, ...]:
    """Return the migrations that a store lacks, the first to run first.

    Raises:
        StorageError: when the store cannot be reached, or was migrated by a newer program.
    """
    with reading(engine) as connection:
        return _pending(connection)


def _upgrade(engine: Engine) -> None:
    with writing(engine) as connection:
        _wait_for_turn(connection)
        if _pending(connection):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _wait_for_turn(connection: Connection) -> None:
    # SQLite is locked by the way the transaction began.
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL statement_timeout = '{MIGRATION_SECONDS}s'"))
        # The transaction's and not the session's: the server gives it back however this process ends.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _pending(connection: Connection) -> tuple[str, ...]:
    script = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    try:
        revisions = [each.revision for each in script.iterate_revisions("head", current or "base")]
    except ResolutionError as exc:
        raise StorageError(
            f"The store is at revision {current!r}, which this program does not know: a newer one migrated it. "
            "Run that version, or restore a backup made before the upgrade."
        ) from exc
    return tuple(reversed(revisions))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "gateway.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config
