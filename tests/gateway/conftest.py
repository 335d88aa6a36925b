"""Fixtures for the parts that have a store."""

from tests.stores import empty_engine, postgresql_url, sqlite_url, store_engine, store_url

__all__ = ["empty_engine", "postgresql_url", "sqlite_url", "store_engine", "store_url"]
