"""Commands are values."""

from gateway.protocol import commands


def test_the_union_names_every_command() -> None:
    """A new command has to be added to the union, so the driver's type check sees it."""
    defined = {
        each for each in vars(commands).values() if isinstance(each, type) and each.__module__ == commands.__name__
    }
    assert set(commands.Command.__args__) == defined
