"""What a worker knows of agreements."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.accounts.agreed import Agreed
from gateway.storage.engine import StorageError


class Source:
    """A store that says what it is told to."""

    def __init__(self) -> None:
        self.number = 1
        self.holds = {("a", "p"): "agr-1"}
        self.away = False
        self.reads = 0

    def revision(self) -> int:
        """Return the counter."""
        if self.away:
            raise StorageError("away")
        return self.number

    def holding(self) -> tuple[int, dict[tuple[str, str], str]]:
        """Return what holds."""
        self.reads += 1
        return self.number, dict(self.holds)


@pytest.fixture
def source() -> Source:
    """A store."""
    return Source()


@pytest.fixture
def agreed(source: Source) -> Iterator[Agreed]:
    """What a worker knows."""
    made = Agreed(source)
    yield made
    made.close()


def test_a_change_is_seen_at_the_next_poll(source: Source, agreed: Agreed) -> None:
    """And the table is read only when the counter says that something changed."""
    assert agreed.of("a", "p") == ""
    assert asyncio.run(agreed.refresh())
    assert asyncio.run(agreed.refresh())
    assert (agreed.of("a", "p"), agreed.of("a", "q"), source.reads) == ("agr-1", "", 1)
    source.number, source.holds = 2, {}
    assert asyncio.run(agreed.refresh())
    assert (agreed.of("a", "p"), source.reads) == ("", 2)


def test_while_the_store_is_away_the_last_answer_holds(source: Source, agreed: Agreed) -> None:
    """The agreements did not go away with it."""
    asyncio.run(agreed.refresh())
    source.away = True
    assert not asyncio.run(agreed.refresh())
    assert agreed.of("a", "p") == "agr-1"


def test_it_is_polled_until_told_to_stop(source: Source, agreed: Agreed) -> None:
    """Again and again, by the loop."""

    async def watch() -> None:
        task = asyncio.create_task(agreed.watch(0))
        while agreed.of("a", "p") != "agr-1":  # noqa: ASYNC110 what is seen is what is asked
            await asyncio.sleep(0)
        source.number, source.holds = 2, {("a", "p"): "agr-2"}
        while agreed.of("a", "p") != "agr-2":  # noqa: ASYNC110 the same
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(watch())
