"""Tests of `gateway.proxy`."""
