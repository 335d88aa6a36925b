"""What is looked after while a gateway runs: the marks, the number of the suspended, the history's retention."""

import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from filters.findings import Severity
from gateway import metrics
from gateway.errors import ResourceError
from gateway.settings.loader import load
from gateway.storage.engine import StorageError
from gateway.strikes.board import Board
from gateway.strikes.fleet import FleetMarks
from gateway.strikes.keeping import Keeper, board_path, rule_of
from gateway.strikes.person import Person
from gateway.strikes.rule import Rule
from gateway.strikes.store import Note, StrikeStore

ALICE, BOB = Person("acc-1", "alice"), Person("acc-1", "bob")
HOUR = 3600.0


def violate(store: StrikeStore, person: Person, times: int = 1) -> None:
    """Count strikes."""
    store.note([Note(person, "r", Severity.HIGH, True, ())] * times)  # noqa: FBT003 the present turn's


def marked(board: Board, person: Person) -> bool:
    """Whether the store is asked about a person."""
    return board.is_marked(board.slot(person))


class Away(StrikeStore):
    """A store that fails."""

    def count_suspended(self) -> int:
        """Fail."""
        raise StorageError("away")


def test_the_rule_is_what_the_settings_say() -> None:
    """The defaults are the standard's."""
    assert rule_of(load(None, {}).settings.strikes) == Rule()
    own = load(None, {"SLUICE_STRIKES__SUSPEND": "7d", "SLUICE_STRIKES__WEIGHTS__HIGH": "3"}).settings.strikes
    assert rule_of(own).suspend_seconds == 7 * 24 * 3600
    assert rule_of(own).weights[Severity.HIGH] == 3


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"SLUICE_STORE__URL": "sqlite:///var/x.db"}, Path("var/x.db-strikes")),
        ({"SLUICE_STORE__URL": "postgresql+psycopg://h/d"}, None),
        ({"SLUICE_STORE__URL": "postgresql+psycopg://h/d", "SLUICE_STRIKES__BOARD": "/run/b"}, Path("/run/b")),
    ],
)
def test_the_board_stands_beside_an_sqlite_store(environ: dict[str, str], path: Path | None) -> None:
    """Nobody can tell whether a PostgreSQL store has gateways on one machine alone."""
    assert board_path(load(None, environ).settings) == path


def test_a_board_is_built_at_the_start(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Of what the store has."""
    store, board = StrikeStore(sqlite_engine), Board(tmp_path / "board")
    Keeper(store, board, 190).begin()
    violate(store, ALICE)
    board.write([BOB])
    Keeper(store, Board(tmp_path / "board"), 190).begin()
    assert (marked(board, ALICE), marked(board, BOB)) == (True, False)


def test_a_start_without_the_board_waits_for_the_others(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may still read the one that was taken away, and look once a second."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    store = StrikeStore(sqlite_engine)
    Keeper(store, Board(tmp_path / "first"), 190).begin()
    assert waited == []
    violate(store, ALICE)
    Keeper(store, Board(tmp_path / "second"), 190).begin()
    assert waited == [2.0]


def test_a_lost_board_is_made_anew(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Within a second, by each process that has it."""
    store, board = StrikeStore(sqlite_engine), Board(tmp_path / "board")
    keeper = Keeper(store, board, 190)
    keeper.begin()
    violate(store, ALICE)
    (tmp_path / "board").unlink()
    keeper.work()
    assert not board.is_lost()
    assert (marked(board, ALICE), marked(board, BOB)) == (True, False)


def test_marks_nobody_needs_go_within_an_hour(sqlite_engine: Engine, tmp_path: Path) -> None:
    """Until then they cost a look into the store."""
    now = [0.0]
    store, board = StrikeStore(sqlite_engine), Board(tmp_path / "board")
    keeper = Keeper(store, board, 190, clock=lambda: now[0])
    keeper.begin()
    board.set([BOB])
    keeper.work()
    assert marked(board, BOB)
    now[0] = HOUR
    keeper.work()
    assert not marked(board, BOB)


def test_the_suspended_are_counted_and_old_history_goes(sqlite_engine: Engine) -> None:
    """As the store says, in every process."""
    old = StrikeStore(sqlite_engine, clock=lambda: 1_000_000)
    violate(old, BOB)
    store = StrikeStore(sqlite_engine)
    violate(store, ALICE, 3)
    keeper = Keeper(store, None, 190)
    keeper.begin()
    keeper.work()
    keeper.close()
    assert metrics.REGISTRY.get_sample_value("sluice_accounts_suspended") == 1
    assert {past.person for past in store.history()} == {ALICE}


def test_a_store_that_fails_is_tried_again(sqlite_engine: Engine) -> None:
    """A keeper that died would leave the marks to themselves."""
    keeper = Keeper(Away(sqlite_engine), None, 190)
    keeper.work()
    keeper.work()


@pytest.mark.redis
def test_a_fleet_renews_its_lease(sqlite_engine: Engine, redis_url: str) -> None:
    """At the start and with every look."""
    marks = FleetMarks(redis_url)
    keeper = Keeper(StrikeStore(sqlite_engine), marks, 190)
    keeper.begin()
    marks._setting.delete("sluice:strikes:lease")
    keeper.work()
    assert marks._setting.exists("sluice:strikes:lease")
    marks._setting.close()


def test_a_board_that_cannot_be_made_ends_the_start(tmp_path: Path) -> None:
    """With what to do about it."""
    with pytest.raises(ResourceError, match=r"\[strikes\] board"):
        Board(tmp_path / "absent" / "board")
