from collections.abc import Iterable
from typing import final

from typing_extensions import Buffer

@final
class Scanner:
    def __new__(
        cls, pages: Buffer, units: Buffer, several: Buffer, slots: Buffer, marks: Buffer, longest: int, kinds: int
    ) -> Scanner: ...
    def scan(self, text: str, start: int, reading: int, /) -> tuple[int, int, list[tuple[int, int, int, str]]]: ...
    def tail(self, text: str, start: int, fresh: int, reading: int, /) -> tuple[int, int, int] | None: ...

def build(patterns: tuple[Iterable[str], ...], /) -> tuple[bytes, bytes, int, int]: ...
