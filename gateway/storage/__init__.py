"""Schema, migrations and engines: SQLite on one machine, PostgreSQL for a fleet."""
