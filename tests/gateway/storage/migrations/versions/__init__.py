"""Tests of `gateway.storage.migrations.versions`."""
