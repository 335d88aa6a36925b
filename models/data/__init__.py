"""Training rows written for this project."""
