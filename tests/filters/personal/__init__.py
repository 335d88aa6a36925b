"""Tests of personal data and secrets."""
