"""Answers that are one fenced block of code: a sentence inside would be part of the program.

Source: CommonMark 0.31 section 4.5. A block that nobody closed runs to the end of the text.
"""

import re

# An opening fence, and what may still become one.
_OPENING = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_BEGINNING = re.compile(r" {0,3}(?:`{0,3}|~{0,3}|`{3,}[^`]*|~{3,}.*)", re.DOTALL)
_INDENTED = 4  # characters of white space make another kind of block
# Longer lines close nothing, and none is kept whole.
_LINE_CHARACTERS = 256


class Fence:
    """What is known so far of a text that begins as a fenced block.

    Attributes:
        alone: False once it is more than one such block, or none; then nothing has to be fed any more.
    """

    __slots__ = ("_closed", "_line", "_mark", "alone")

    def __init__(self) -> None:
        self.alone = True
        self._line = ""
        self._mark = ""  # the opening fence
        self._closed = False

    @property
    def opened(self) -> bool:
        """True when all of the text is one block of code."""
        return self.alone and (bool(self._mark) or bool(_OPENING.match(self._line)))

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        if not self.alone:
            return
        *lines, rest = text.split("\n")
        for line in lines:
            self._take(line)
            if not self._end():
                return
            self._line = ""
        self._take(rest)
        # Half a line is enough to see that a text is no code, and nearly every one is none.
        if self._line.strip() and (self._closed or (not self._mark and not _BEGINNING.fullmatch(self._line))):
            self.alone = False

    def _take(self, text: str) -> None:
        self._line += text[: _LINE_CHARACTERS - len(self._line)]

    def _end(self) -> bool:
        """Read a line that is complete; return whether all may still be one block."""
        line = self._line.rstrip()
        if not line:
            return True
        if self._closed:
            self.alone = False
        elif not self._mark:
            opening = _OPENING.match(line)
            self.alone = opening is not None
            self._mark = opening[1] if opening else ""
        else:
            bare = line.strip(" ")
            # Of the same mark, as long at least, and with nothing behind it.
            same = bare.startswith(self._mark) and not bare.strip(self._mark[0])
            self._closed = same and len(line) - len(bare) < _INDENTED
        return self.alone
