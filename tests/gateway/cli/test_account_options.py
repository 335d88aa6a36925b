"""Options of commands about accounts say which of them is wrong."""

import pytest
import typer

from gateway.cli.account_options import read_expires, read_networks


def test_wrong_values_name_their_option() -> None:
    """And what to write instead."""
    for read, said in (
        (lambda: read_expires("soon", 1), "90d or 24h"),
        (lambda: read_networks(["10.0.0.1/8"]), "203.0.113.0/24"),
    ):
        with pytest.raises(typer.BadParameter, match=said) as caught:
            read()
        assert caught.value.param_hint in {"--expires", "--allow-from"}


def test_what_was_not_given_is_nothing() -> None:
    """No end, and anywhere."""
    assert (read_expires(None, 1), read_networks(None)) == (None, ())
