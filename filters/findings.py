"""What detection says: findings, and the closed sets they are described with.

A finding locates one reason to act in the text as received. What is done about it is the policy's business
(`gateway.protocol.policy`); a term only suggests an action of its own.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """A kind of check that reads text."""

    KEYWORDS = "keywords"


class Phase(StrEnum):
    """Which half of an exchange a text belongs to."""

    REQUEST = "request"
    RESPONSE = "response"


class Action(StrEnum):
    """What is done about a finding, mildest first."""

    OFF = "off"
    FLAG = "flag"
    MASK = "mask"
    BLOCK = "block"


class Severity(IntEnum):
    """How grave a term is, as its list says; for people who sort and for strike weights."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Term(NamedTuple):
    """One row of a keyword list that the matcher looks for.

    Attributes:
        text: the term as the list spells it.
        risk: risk id of the taxonomy, such as ``A.1.f``.
        severity: how grave it is.
        action: what to do where no policy says otherwise.
        phases: the halves of an exchange it is looked for in.
    """

    text: str
    risk: str
    severity: Severity = Severity.MEDIUM
    action: Action = Action.BLOCK
    phases: frozenset[Phase] = frozenset(Phase)


class Finding(NamedTuple):
    """One reason to act, located in the text as received.

    Attributes:
        stage: the check that found it.
        risk: risk id of the taxonomy.
        start: offset of its first character, in code points of the text as received.
        end: offset behind its last character.
        term: the list's row behind it.
    """

    stage: Stage
    risk: str
    start: int
    end: int
    term: Term
