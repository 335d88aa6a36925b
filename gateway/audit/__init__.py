"""The audit trail: canonical entries in append-only segment files, indexed into SQL behind."""
