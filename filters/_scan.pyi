from collections.abc import Iterable
from typing import Any, final

from typing_extensions import Buffer

@final
class Scanner:
    def __new__(
        cls, pages: Buffer, units: Buffer, several: Buffer, slots: Buffer, marks: Buffer, longest: int, depths: int
    ) -> Scanner: ...
    def scan(
        self, text: str, start: int, reading: int, settled: dict[str, Any], plain: dict[str, Any], /
    ) -> tuple[int, int, list[tuple[int, int, int, str, Any]]]: ...
    def junctions(
        self, text: str, start: int, syllables: Buffer, longest: int, /
    ) -> list[tuple[int, int]] | None: ...
    def tail(self, text: str, start: int, fresh: int, reading: int, /) -> tuple[int, int, int] | None: ...

def build(patterns: tuple[Iterable[str], ...], /) -> tuple[bytes, bytes, int, int]: ...
def hashes(texts: list[str], /) -> bytes: ...
