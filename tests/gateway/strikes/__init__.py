"""Tests of `gateway.strikes`."""
