"""Checks an audit trail, or an export of one, without trusting who keeps it."""
