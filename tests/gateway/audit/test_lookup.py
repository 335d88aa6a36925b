"""An answer is complete, whatever the index has."""

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.audit.entry import encode_exchange
from gateway.audit.index import Indexer
from gateway.audit.lookup import look_up, look_up_in_files
from gateway.audit.queries import Question
from gateway.audit.writer import LogWriter
from gateway.storage.schema import AUDIT_CURSORS
from tests.gateway.audit.builders import FINDING, exchange

_QUESTIONS = [
    Question(),
    Question(since_us=102, until_us=107),
    Question(request_id="r3"),
    Question(end_user="u1"),
    Question(account="acc_b"),
    Question(risk="A.1.f"),
    Question(decision="block"),
    Question(decision="allow", account="acc_b"),
    Question(type="event"),
]
_COUNT = 10


def _write(directory: Path, first: int, count: int) -> None:
    writer = LogWriter(directory)
    for number in range(first, first + count):
        record = exchange(
            # The id of one is the account of another: what is found in the bytes has to be looked at.
            request_id=f"r{number}",
            started_at_us=100 + number,
            account="acc_b" if number % 2 else f"r{number - 1}",
            user="u1" if number % 3 else "",
            decision="block" if number % 4 == 0 else "allow",
            findings=(dataclasses.replace(FINDING),) if number % 4 == 0 else (),
        )
        writer.append_batch([encode_exchange(record)])
    writer.close()


@pytest.mark.parametrize("indexed", [0, 4, _COUNT])
@pytest.mark.parametrize("question", _QUESTIONS)
def test_the_answer_is_that_of_the_files(
    store_engine: sa.Engine, tmp_path: Path, question: Question, indexed: int
) -> None:
    """Nothing, some or all of the trail in the index: the same entries, newest first, none twice."""
    _write(tmp_path, 0, indexed)
    Indexer(store_engine, tmp_path).index_new()
    _write(tmp_path, indexed, _COUNT - indexed)
    answer = look_up(store_engine, tmp_path, question, 100)
    assert answer.entries == look_up_in_files(tmp_path, question, 100)
    assert answer.unindexed == _COUNT - indexed
    assert look_up(store_engine, tmp_path, question, 2).entries == answer.entries[:2]
    assert len(look_up(store_engine, None, question, 100).entries) <= indexed


def test_what_is_indexed_meanwhile_is_given_once(store_engine: sa.Engine, tmp_path: Path) -> None:
    """An entry in the index and behind the cursor that was read is one entry."""
    _write(tmp_path, 0, 3)
    Indexer(store_engine, tmp_path).index_new()
    with store_engine.begin() as connection:
        connection.execute(sa.delete(AUDIT_CURSORS))
    assert len(look_up(store_engine, tmp_path, Question(), 100).entries) == 3


def test_a_directory_that_is_not_there_is_no_empty_trail(tmp_path: Path) -> None:
    """It is said, with the option that names another."""
    with pytest.raises(OSError, match="--directory"):
        look_up_in_files(tmp_path / "absent", Question(), 1)
