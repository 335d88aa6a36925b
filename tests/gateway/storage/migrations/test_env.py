"""Alembic runs on the connection it is given."""

from sqlalchemy import Engine, inspect

from gateway.storage.migrate import migrate
from gateway.storage.transactions import writing


def test_migrations_write_where_the_engine_points(empty_engine: Engine) -> None:
    """Tables and version are in the store that was named, and free to be written at once."""
    migrate(empty_engine)
    assert {"accounts", "alembic_version"} <= set(inspect(empty_engine).get_table_names())
    with writing(empty_engine) as connection:
        assert connection.exec_driver_sql("DELETE FROM revisions").rowcount == 4
