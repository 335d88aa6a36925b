"""Labels in threads: bounds of number, bytes and time, and files that break the labelling."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from gateway.labelling.generated import Labelled
from gateway.protocol.carriage import Medium
from gateway.protocol.commands import LabelFiles
from gateway.protocol.events import FilesLabelled, LabellingFailed
from gateway.protocol.labels import LabelledFile, Labelling, Lack, Position
from gateway.proxy import file_labeller
from gateway.proxy.file_labeller import FileLabeller, checked_prompt
from gateway.settings.problems import SettingsError
from gateway.standin.works import draw
from tests.media import PRODUCER, wav
from tests.settings_files import load_text

_T = TypeVar("_T")
NAMED = Labelling(PRODUCER, Position.END, {}).members("req-1")


def wish(*files: bytes) -> LabelFiles:
    """Build a wish."""
    return LabelFiles(Medium.IMAGE, files, (NAMED,) * len(files), "AI生成")


class Gate:
    """Stands in for the labelling of a file, and goes on when it is told to."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun = threading.Semaphore(0)

    def label(self, data: bytes, *_: object) -> Labelled:
        """Wait, then give the file back."""
        self.begun.release()
        assert self.opened.wait(20)
        return Labelled(data + b"!")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Give a gate in the place of the labelling."""
    gate = Gate()
    monkeypatch.setattr(file_labeller, "label_file", gate.label)
    yield gate
    gate.opened.set()


def run(use: Callable[[FileLabeller], Awaitable[_T]], **bounds: int) -> _T:
    """Use a labeller on a loop of its own."""

    async def main() -> _T:
        labeller = FileLabeller(**bounds)  # type: ignore[arg-type] # bounds alone
        try:
            return await use(labeller)
        finally:
            labeller.close()

    return asyncio.run(main())


def test_files_come_back_labelled_in_their_order() -> None:
    """One that takes no label goes beside those that do."""
    pictures = [draw("a", "", ""), b"none", draw("b", "", "")]
    answer = run(lambda labeller: labeller.label(wish(*pictures), "req-1"))
    assert isinstance(answer, FilesLabelled)
    assert [file.lack for file in answer.files] == [None, Lack.FORMAT, None]
    assert answer.files[1].data == b"none"
    assert PRODUCER.encode() in answer.files[2].data


def test_a_file_that_breaks_the_labelling_takes_none_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as it came, and its words stay out of the log."""

    def broken(data: bytes, *_: object) -> Labelled:
        if data == b"bad":
            raise MemoryError("words of a stranger")
        return Labelled(data + b"!")

    monkeypatch.setattr(file_labeller, "label_file", broken)
    answer = run(lambda labeller: labeller.label(wish(b"good", b"bad"), "req-1"))
    assert answer == FilesLabelled((LabelledFile(b"good!"), LabelledFile(b"bad", Lack.FAULT)))


def test_the_log_tells_a_manifest_from_a_missing_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert on files without a label must not fire for one that has all of it."""

    def lacking(data: bytes, *_: object) -> Labelled:
        return Labelled(data, Lack.MANIFEST if data == b"signed" else Lack.FORMAT, "why")

    monkeypatch.setattr(file_labeller, "label_file", lacking)
    with capture_logs() as logs:
        run(lambda labeller: labeller.label(wish(b"signed", b"none"), "req-1"))
    told = [(each["event"], each["log_level"], each["request_id"]) for each in logs]
    assert told == [("file_manifest_outdated", "info", "req-1"), ("file_not_labelled", "warning", "req-1")]


@pytest.mark.parametrize("bounds", [{"most_waiting": 2}, {"most_bytes": 9}])
def test_beyond_the_bound_nobody_waits(gate: Gate, bounds: dict[str, int]) -> None:
    """Told at once; there is room again when one is done."""

    async def use(labeller: FileLabeller) -> list[FilesLabelled | LabellingFailed]:
        first = [asyncio.ensure_future(labeller.label(wish(b"1234"), "r")) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await labeller.label(wish(b"1234"), "r")
        gate.opened.set()
        await asyncio.gather(*first)
        return [refused, await labeller.label(wish(b"1234"), "r")]

    assert run(use, **bounds) == [LabellingFailed(Lack.QUEUE), FilesLabelled((LabelledFile(b"1234!"),))]


def test_one_alone_may_be_larger_than_the_bound(gate: Gate) -> None:
    """It was bounded where it was read, and would never have its turn."""
    gate.opened.set()
    answer = run(lambda labeller: labeller.label(wish(b"1234"), "r"), most_bytes=1)
    assert isinstance(answer, FilesLabelled)


def test_who_waits_too_long_is_told(gate: Gate) -> None:
    """Its place is taken until the thread is done with it."""

    async def use(labeller: FileLabeller) -> tuple[object, object]:
        late = await labeller.label(wish(b"1"), "r")
        later = await labeller.label(wish(b"2"), "r")
        gate.opened.set()
        return late, later

    late = run(use, seconds=0, most_waiting=1)
    assert late in (
        (LabellingFailed(Lack.TIME), LabellingFailed(Lack.QUEUE)),
        (LabellingFailed(Lack.TIME), LabellingFailed(Lack.TIME)),
    )


def test_who_leaves_gives_the_place_back(gate: Gate) -> None:
    """A file whose turn has not come is never labelled."""

    async def use(labeller: FileLabeller) -> object:
        running = asyncio.ensure_future(labeller.label(wish(b"1"), "r"))
        await asyncio.to_thread(gate.begun.acquire)
        leaving = asyncio.ensure_future(labeller.label(wish(b"2"), "r"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        gate.opened.set()
        await running
        return await labeller.label(wish(b"3"), "r")

    assert run(use, threads=1, most_waiting=2) == FilesLabelled((LabelledFile(b"3!"),))


def test_a_prompt_is_read_before_anything_is_served(tmp_path: Path) -> None:
    """No sound would be labelled by one that is none."""
    prompt = tmp_path / "prompt.wav"
    prompt.write_bytes(wav())
    assert checked_prompt(load_text(tmp_path, f'[labels]\nvoice_prompt = "{prompt}"\n')) == prompt
    assert checked_prompt(load_text(tmp_path, "")) is None
    for wrong in (b"RIFF", b""):
        prompt.write_bytes(wrong)
        with pytest.raises(SettingsError, match="voice_prompt"):
            checked_prompt(load_text(tmp_path, f'[labels]\nvoice_prompt = "{prompt}"\n'))
    with pytest.raises(SettingsError, match="cannot be read"):
        checked_prompt(load_text(tmp_path, '[labels]\nvoice_prompt = "/nowhere.wav"\n'))
