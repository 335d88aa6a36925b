"""How many streams are open."""

from gateway.accounts.streams import OpenStreams


def test_so_many_may_be_open_and_one_more_when_one_was_closed() -> None:
    """Each is counted for itself, and who has none open is forgotten."""
    streams = OpenStreams()
    assert [streams.enter("a", 2) for _ in range(3)] == [True, True, False]
    assert streams.enter("b", 1)
    streams.leave("a")
    assert streams.enter("a", 2)
    for _ in range(2):
        streams.leave("a")
    streams.leave("b")
    assert len(streams) == 0
