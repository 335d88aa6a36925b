"""Tests of `gateway.rulesets`."""
