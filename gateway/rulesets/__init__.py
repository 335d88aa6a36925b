"""Rulesets in force: which lists are active, versions of them, and reload while serving.

A reload never builds in a process that serves: a hundred thousand terms take seconds, and the interpreter's lock with
them. A child process reads, checks and builds; the worker only loads what it hands over, and swaps one reference.

What `filters.ruleset` must offer for that:

- ``dump_ruleset(ruleset) -> bytes`` in the child, at any cost.
- ``load_ruleset(dump, pause) -> Ruleset`` in a thread of the worker. It calls ``pause()`` at least every two
  milliseconds of work, and with no call of a library that holds the lock longer in between: the thread gives the lock
  away there, so that an exchange waits for one slice and never for the load.
- A ruleset is few large objects rather than many small ones (automata and tables as bytes, a term made when it is
  found): when the last exchange lets an old one go, it is freed on the event loop.
"""
