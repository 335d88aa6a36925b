"""What detection says: findings, and the closed sets they are described with.

A finding locates one reason to act in the text as received. What is done about it is the policy's business
(`gateway.protocol.policy`); a term only suggests an action of its own.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple

MOST_FINDINGS = 2_000
"""A text with more than this is past judging one by one; whoever judges takes the bound itself for a finding."""


class Stage(StrEnum):
    """A kind of check that reads text."""

    KEYWORDS = "keywords"
    PERSONAL_DATA = "personal_data"


class Phase(StrEnum):
    """Which half of an exchange a text belongs to."""

    REQUEST = "request"
    RESPONSE = "response"


class Action(StrEnum):
    """What is done about a finding, mildest first."""

    OFF = "off"
    FLAG = "flag"
    RESTORE = (
        "restore"  # in a prompt: a placeholder goes to the model, the reply has the value again; in a reply: masked
    )
    MASK = "mask"
    BLOCK = "block"


class Severity(IntEnum):
    """How grave a term is, as its list says; for people who sort and for strike weights."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Kind(StrEnum):
    """How a term is matched."""

    LITERAL = "literal"  # the text itself, wherever it occurs
    WORD = "word"  # the text where it stands as a word of its own
    ALL = "all"  # several parts, near each other or not, some of them forbidden
    PATTERN = "pattern"  # a regular expression (RE2)
    ALLOW = "allow"  # a phrase inside which no other term counts


class Step(StrEnum):
    """A step by which a text was brought to the spelling of a term; a list may switch each of them off per term."""

    WIDTH = "width"
    CASE = "case"
    TRADITIONAL = "traditional"
    LOOKALIKE = "lookalike"
    DIGITS = "digits"
    INVISIBLE = "invisible"
    SEPARATORS = "separators"
    REPEATS = "repeats"
    PINYIN = "pinyin"
    INITIALS = "initials"
    HOMOPHONES = "homophones"
    SPLIT = "split"
    LEET = "leet"


ROMANISED = frozenset({Step.PINYIN, Step.INITIALS})
"""Expansions that write a Chinese term in Latin letters; none counts where a letter goes on from either end."""


class Term(NamedTuple):
    """One row of a keyword list that the matcher looks for.

    Attributes:
        text: the term as the list spells it.
        risk: risk id of the taxonomy, such as ``A.1.f``.
        severity: how grave it is.
        action: what to do where no policy says otherwise.
        phases: the halves of an exchange it is looked for in.
        kind: how it is matched.
        languages: codes of the languages it belongs to, such as ``zh``; empty where the list does not say.
        folds_off: steps that must not be needed to find it.
    """

    text: str
    risk: str
    severity: Severity = Severity.MEDIUM
    action: Action = Action.BLOCK
    phases: frozenset[Phase] = frozenset(Phase)
    kind: Kind = Kind.LITERAL
    languages: frozenset[str] = frozenset()
    folds_off: frozenset[Step] = frozenset()


class Finding(NamedTuple):
    """One reason to act, located in the text as received.

    Attributes:
        stage: the check that found it.
        risk: risk id of the taxonomy.
        start: offset of its first character, in code points of the text as received.
        end: offset behind its last character.
        term: the list's row behind it.
        via: the steps that were needed to find it, in the order of `Step`; empty where it stands as listed.
    """

    stage: Stage
    risk: str
    start: int
    end: int
    term: Term
    via: tuple[Step, ...] = ()


class Known(NamedTuple):
    """A finding in a text that is still coming, and the moment it became certain.

    Some findings need to see what follows them (the end of a word, a longer phrase that allows them). The moment
    depends on the text alone and never on how it was cut.

    Attributes:
        at: length of the text by which it is certain, in code points as received; never less than its end.
        finding: what was found.
    """

    at: int
    finding: Finding


Findings = tuple[tuple[Finding, ...], ...]
"""What was found in each of several texts, in their order."""
