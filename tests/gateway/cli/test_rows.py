"""Rows are read one by one, and none stops the others."""

import gzip
import io
from pathlib import Path

import orjson
import pytest

from gateway.cli.rows import Row, open_source, open_target, read_rows, write_row


def _read(data: bytes, limit_bytes: int = 100) -> list[Row]:
    return list(read_rows(io.BytesIO(data), limit_bytes))


def test_rows_are_numbered_as_an_editor_does() -> None:
    """Blank lines count and are no rows; the last line needs no end; CR LF is an end."""
    data = b'{"id": 1, "text": "a"}\r\n\n \n{"text": "b"}'
    assert _read(data) == [Row(1, 1, "a"), Row(4, None, "b")]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"no", Row(1, None, None)),
        (b'"text"', Row(1, None, None)),
        (b'{"id": "x"}', Row(1, "x", None)),
        (b'{"id": "x", "text": null}', Row(1, "x", None)),
        (b'{"text": "\\ud800"}', Row(1, None, None)),
    ],
)
def test_a_row_that_cannot_be_used_is_a_row(line: bytes, row: Row) -> None:
    """With its id where it has one; those behind it are read."""
    assert _read(line + b'\n{"text": "a"}\n') == [row, Row(2, None, "a")]


@pytest.mark.parametrize("length", [21, 22, 100, 1000])
def test_a_row_over_the_bound_is_passed_over(length: int) -> None:
    """It is never in memory as a whole, and the next row begins behind its end."""
    fits = b'{"text": "%b"}\n' % (b"x" * (20 - 13))
    long = b'{"text": "%b"}\n' % (b"x" * (length - 13))
    lines = _Noting(fits + long + fits)
    assert [row.text is None for row in read_rows(lines, 20)] == [False, True, False]
    assert lines.most == 21


class _Noting(io.BytesIO):
    """A file that notes the longest line it was asked for."""

    most = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line."""
        self.most = max(self.most, size or 0)
        return super().readline(size)


def test_rows_are_read_when_they_are_asked_for() -> None:
    """Nothing is read ahead: a file of any size takes the memory of one row."""
    lines = io.BytesIO(b'{"text": "a"}\n' * 3)
    rows = read_rows(lines)
    next(rows)
    assert lines.tell() == len(b'{"text": "a"}\n')


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    """Compressed by its name, both ways; progress is that of the file on disk."""
    path = tmp_path / name
    with open_target(path) as target:
        for text in ("水", "b"):
            write_row(target, {"id": text, "text": text})
    with open_source(path) as source:
        assert list(read_rows(source.lines)) == [Row(1, "水", "水"), Row(2, "b", "b")]
        assert source.raw.tell() == source.size_bytes == path.stat().st_size
    packed = name.endswith(".gz")
    data = path.read_bytes()
    assert orjson.loads((gzip.decompress(data) if packed else data).splitlines()[0]) == {"id": "水", "text": "水"}


def test_a_dash_is_standard_input_and_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is closed, since it is not ours; how long the input is, nobody knows."""
    given, written = io.BytesIO(b'{"text": "a"}'), io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written))
    with open_source(Path("-")) as source, open_target(Path("-")) as target:
        assert source.size_bytes is None
        for row in read_rows(source.lines):
            write_row(target, {"text": row.text})
    assert not given.closed
    assert written.getvalue() == b'{"text":"a"}\n'
