"""Tests of `gateway.console`."""
