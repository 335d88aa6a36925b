"""Tests of the written rows."""
