"""Tests of `gateway.storage`."""
