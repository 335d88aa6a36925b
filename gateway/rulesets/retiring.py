"""The end of a ruleset: given back in slices, so that no exchange waits for it.

A hundred thousand terms are as many objects to free, which takes a tenth of a second where it happens at once, and it
happens wherever the last exchange lets go of them. So they are held here until nobody else has them.
"""

import sys
import threading
import time
from collections.abc import Callable

from filters.findings import Term

_LOOK_SECONDS = 1.0
_SLICE_TERMS = 500
# Long enough for a loop that waits to take the interpreter's lock.
_PAUSE_SECONDS = 0.001
# What asks for the number of references counts itself, and the variable that it asks about.
_OWN_REFERENCES = 2


def retire(terms: list[tuple[Term, ...]]) -> threading.Thread:
    """Give the terms of a ruleset back once nobody has them, beside everything else.

    Args:
        terms: the ruleset's own, alone in a list; it is emptied.
    """
    thread = threading.Thread(target=give_back, args=(terms,), name="retired ruleset", daemon=True)
    thread.start()
    return thread


def give_back(terms: list[tuple[Term, ...]], sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until nobody else has some terms, then free them in slices.

    Args:
        terms: a ruleset's own, alone in a list; it is emptied.
        sleep: waits for so many seconds.
    """
    held = terms.pop()
    # An exchange may go on for long, and ends with the ruleset it began with.
    # None at all are everybody's.
    while held and sys.getrefcount(held) > _OWN_REFERENCES:
        sleep(_LOOK_SECONDS)
    freed = list(held)
    del held
    while freed:
        del freed[-_SLICE_TERMS:]
        sleep(_PAUSE_SECONDS)
