"""Tests of `gateway.proxy.upstream`."""
