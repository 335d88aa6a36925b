"""Fixtures for the parts that have a store."""

from tests.stores import store_engine

__all__ = ["store_engine"]
