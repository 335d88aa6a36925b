"""Lets `python -m gateway.cli` do what `sluice` does."""

from gateway.cli import main

main()
