"""Tests of `gateway.standin`."""
