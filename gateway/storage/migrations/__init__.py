"""Migrations of the store, run by `gateway.storage.migrate`; forward only."""
