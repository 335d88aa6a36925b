r"""Write the composed styles: every `frames/<style>.txt` becomes `<style>.jsonl`, the same rows each time.

Run from the root of the repository: `python -m models.data.written.harmless.compose`.

A frame file holds blocks. `== zh input` opens one and names its language and side; `[frames]` lists sentences with
slots such as `{dish}`; `[dish]` lists what may stand there, and `{dish2}` is another choice from it. `[tone*]` lists
small words that may repeat without limit. A block without frames takes them, and every list it lacks, from the block
before it. In every line `\n` stands for a line break.
"""

# ruff: noqa: INP001, T201 - a script among the rows it writes, which reports by printing

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_HERE = Path(__file__).parent
_SEED = 20261125
_MOST_USES = 8  # of one frame, and of one subject
_TRIES = 40
_MOST_ALIKE = 0.7
_GRAM = 5
_MOST_CHARACTERS = 2000
_SLOT = re.compile(r"\{([a-z]+)\d?\}")


@dataclass(frozen=True)
class Block:
    """The frames of one language and side, with what may fill their slots."""

    lang: str
    side: str
    lists: dict[str, list[str]] = field(default_factory=dict)
    unlimited: set[str] = field(default_factory=set)


def read_blocks(text: str) -> list[Block]:
    """Read a frame file.

    Args:
        text: The file's text, in the form the module describes.

    Returns:
        Its blocks, in order.

    Raises:
        ValueError: A line stands before any block or list.
    """
    blocks: list[Block] = []
    current: list[str] | None = None
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("== "):
            lang, side = line[3:].split()
            blocks.append(Block(lang, side))
            current = None
        elif blocks and (heading := re.fullmatch(r"\[([a-z]+)(\*?)\]", line)):
            current = blocks[-1].lists.setdefault(heading[1], [])
            if heading[2]:
                blocks[-1].unlimited.add(heading[1])
        elif current is None:
            raise ValueError(f"{line!r} stands in no list; open a block with '== lang side', a list with '[name]'")
        else:
            current.append(line.replace("\\n", "\n"))
    for earlier, block in pairwise(blocks):
        if "frames" not in block.lists:
            block.lists.update(earlier.lists | block.lists)
            block.unlimited.update(earlier.unlimited)
    return blocks


def grams(text: str) -> frozenset[str]:
    """Return the character 5-grams of a text, which measure how alike two rows are."""
    return frozenset(text[start : start + _GRAM] for start in range(max(1, len(text) - _GRAM + 1)))


def compose(block: Block, rng: random.Random) -> Iterator[str]:
    """Fill a block's frames.

    Every frame and every subject is used at most `_MOST_USES` times, and the least used subjects come first, so that
    no sentence and no subject stands for a whole style.

    Args:
        block: Frames and subjects.
        rng: Source of every choice.

    Yields:
        Texts, none too like an earlier one.
    """
    uses: Counter[tuple[str, str]] = Counter()
    seen: list[frozenset[str]] = []
    for _ in range(_MOST_USES):
        for frame in rng.sample(block.lists["frames"], len(block.lists["frames"])):
            for _ in range(_TRIES):
                chosen = _choose(block, frame, uses, rng)
                if chosen is None:
                    break
                text = _SLOT.sub(lambda slot, chosen=chosen: chosen[slot[0]], frame)  # type: ignore[misc]
                own = grams(text)
                if len(text) <= _MOST_CHARACTERS and not any(_alike(own, other) for other in seen):
                    seen.append(own)
                    uses.update((_SLOT.sub(r"\1", slot), value) for slot, value in chosen.items())
                    yield text
                    break


def _choose(block: Block, frame: str, uses: Counter[tuple[str, str]], rng: random.Random) -> dict[str, str] | None:
    """Pick a filling for each slot, all different, or nothing when a list is used up."""
    chosen: dict[str, str] = {}
    for slot in dict.fromkeys(match[0] for match in _SLOT.finditer(frame)):
        name = _SLOT.sub(r"\1", slot)
        values = [value for value in block.lists[name] if value not in chosen.values()]
        if name not in block.unlimited:
            least = min((uses[name, value] for value in values), default=_MOST_USES)
            values = [value for value in values if uses[name, value] <= min(least + 1, _MOST_USES - 1)]
        if not values:
            return None
        chosen[slot] = rng.choice(values)
    return chosen


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared >= _MOST_ALIKE * (len(one) + len(other) - shared)


def write_style(frames: Path) -> int:
    """Write the rows of one frame file.

    Args:
        frames: The frame file; its stem names the style.

    Returns:
        How many rows were written.
    """
    style = frames.stem
    rng = random.Random(f"{_SEED} {style}")  # noqa: S311 - reproducible choices, no secret
    rows: list[dict[str, str]] = []
    for block in read_blocks(frames.read_text("utf-8")):
        for text in compose(block, rng):
            row = {"id": f"{style}-{len(rows) + 1:04d}", "text": text, "lang": block.lang, "side": block.side}
            rows.append(row | {"label": "safe", "category": "safe", "source": f"sluice/{style}"})
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (_HERE / f"{style}.jsonl").write_text(lines, "utf-8")
    return len(rows)


if __name__ == "__main__":
    for path in sorted((_HERE / "frames").glob("*.txt")):
        print(path.stem, write_style(path))
