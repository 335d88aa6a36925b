"""Tests of `gateway.storage.migrations`."""
