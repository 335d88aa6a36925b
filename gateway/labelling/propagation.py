"""What a platform that passes content on says of it and writes into it (Labelling Measures Art. 6).

What was found decides: metadata that say so make it generated (1); without any, a user who declares it makes it "may
be" (2); without both, a visible label or other traces make it suspected (3). The platform then adds its own members:
the attribute, its name or code, and its number for the content.

Rules: the producer's members stay as they were found. An attribute that is there stays too; where none is, the one
that is written claims no more than the verdict. Where nobody knows the producer, the two members that name one are
there and empty: Annex E wants all seven, and a platform that named itself would say that it generated the content.
That is our reading; the standard has no word for an unknown producer.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.labelling.members import (
    MOST_LABEL_BYTES,
    LabelError,
    Members,
    Reading,
    Verdict,
    check_propagator,
    read_label,
    read_labels,
)

_ATTRIBUTES = {Verdict.IS: "1", Verdict.MAY_BE: "2", Verdict.SUSPECTED: "3"}
# A name stands as it is in YAML and in other places; what is no name could be more than that there.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a platform knows of content besides its metadata.

    Attributes:
        declared: the user who uploads it declares that it was generated.
        traces: a visible label or other traces of generation were found in it.
    """

    declared: bool = False
    traces: bool = False


NOTHING_KNOWN = Knowledge()


def verdict_with(reading: Reading, knowledge: Knowledge) -> Verdict:
    """Return what Art. 6 has a platform say.

    Args:
        reading: what the metadata say.
        knowledge: what is known besides.
    """
    stated = reading.members is not None and reading.members.label.strip()
    if stated and reading.verdict is not Verdict.BROKEN:
        return reading.verdict
    if knowledge.declared:
        return Verdict.MAY_BE
    # A label without an attribute is a trace itself.
    return Verdict.SUSPECTED if knowledge.traces else reading.verdict


def propagated(labels: Iterable[bytes], verdict: Verdict, propagator: str, propagate_id: str) -> bytes:
    """Return the label of content that is passed on, as JSON text in ASCII.

    Args:
        labels: every label found in it.
        verdict: what is said of it.
        propagator: the platform's code or ASCII name.
        propagate_id: its number for the content.

    Raises:
        LabelError: nothing is said of the content, what was found cannot be kept, or a value may not be written.
    """
    found = _one([read_label(each) for each in labels])
    check_propagator(propagator, propagate_id)
    if (attribute := _ATTRIBUTES.get(verdict)) is None:
        raise LabelError(
            "nothing says that the content is generated, so no label is written: the file has none, and neither a"
            " declaration nor traces were named"
        )
    old = found.members or Members()
    members = replace(
        old,
        label=old.label.strip() or attribute,
        propagator=propagator,
        propagate_id=propagate_id,
        # It protected the members of the platform before, which are gone.
        reserved_code2="",
    )
    # Escapes for what is not ASCII: the value is the same, and every format's place takes it.
    text = json.dumps(members.named() | dict(found.others), separators=(",", ":")).encode("ascii")
    if len(text) > MOST_LABEL_BYTES:
        raise LabelError(f"the label would have {len(text)} bytes; no more than {MOST_LABEL_BYTES} are written")
    return text


def _one(readings: list[Reading]) -> Reading:
    """Return the label that is kept; one that says nothing where there is none."""
    if any(each.members is None or each.verdict is Verdict.BROKEN for each in readings):
        raise LabelError(
            "the file carries a label that nobody can read, and it is not written over; pass it on as it is"
        )
    kept = {(_by_producer(each.members), each.others) for each in readings if each.members is not None}
    if len(kept) > 1:
        raise LabelError(
            "the file carries labels that do not say the same of its producer; which one is right is not decided"
            " here, so pass it on as it is"
        )
    reading = read_labels([]) if not readings else readings[0]
    for name, value in [*reading.others, *(reading.members or Members()).named().items()]:
        if not _NAME.fullmatch(name) or not value.isprintable():
            raise LabelError(
                "the file's label has names or values with control characters, which are not written again;"
                " pass it on as it is"
            )
    return reading


def _by_producer(members: Members) -> Members:
    return replace(members, propagator="", propagate_id="", reserved_code2="")
