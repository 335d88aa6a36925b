"""What Alembic runs: the migrations, on the connection and in the transaction of `gateway.storage.migrate`."""

from alembic import context

from gateway.storage.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
