"""The seven members of a label in a file: written strictly, read leniently.

Sources: GB 45438-2025 chapter 6 and Annex E (names, order, string types, characters; propagator equal to producer at
first writing), Labelling Measures Art. 6 (what a platform that passes content on makes of what it finds). Files in
the wild wrap the members, leave some out, reorder and rename them; that is told as a problem, and read all the same.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

MOST_LABEL_BYTES = 64 * 1024
"""Longest label that is read; real ones stay below 8192 bytes even with signatures in both reserved members."""
MOST_LABELS = 64
"""Most labels of one file that are read; the standard wants one, and some files have two or three."""
MOST_WRITTEN_BYTES = 8192
MOST_VALUE_CHARACTERS = 1024

# Annex E j: visible ASCII without space, quote and backslash; only security data needs the quote it takes escaped.
_VALUE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]*")
_RESERVED_VALUE = re.compile(r"[\x21-\x5B\x5D-\x7E]*")

NAMES = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
"""Names of the members in the order of Annex E."""
_ATTRIBUTES = ("label", "producer", "produce_id", "reserved_code1", "propagator", "propagate_id", "reserved_code2")
_FOLDED = {name.lower(): attribute for name, attribute in zip(NAMES, _ATTRIBUTES, strict=True)}
_RESERVED = frozenset({"ReservedCode1", "ReservedCode2"})
# The scheme of a cloud platform from before the standard, which has no attribute.
_OLDER = {"serviceprovider": "producer", "contentid": "produce_id"}
_OLDER_ONLY = frozenset({"serviceprovider", "serviceuser", "contentid"})


class LabelError(Exception):
    """A label or a file that cannot take or show one; the message says why and what to do."""


class Verdict(StrEnum):
    """What Labelling Measures Art. 6 has a platform say of a file."""

    IS = "is"
    MAY_BE = "may_be"
    SUSPECTED = "suspected"
    BROKEN = "broken"  # something stands in a label's place that nobody can read
    NONE = "none"


_VERDICTS = {"1": Verdict.IS, "2": Verdict.MAY_BE, "3": Verdict.SUSPECTED}
# A file with several labels is what the one that says most says of it.
_ORDER = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Members:
    """The seven members of GB 45438-2025 Annex E.

    Attributes:
        label: ``1`` is generated, ``2`` may be, ``3`` is suspected.
        producer: provider code or ASCII name of who generated it.
        produce_id: number of the content there.
        reserved_code1: the producer's security data; may be empty.
        propagator: provider code or name of who passes it on.
        propagate_id: number of the content there.
        reserved_code2: the propagator's security data; may be empty.
    """

    label: str = ""
    producer: str = ""
    produce_id: str = ""
    reserved_code1: str = ""
    propagator: str = ""
    propagate_id: str = ""
    reserved_code2: str = ""

    @classmethod
    def first(cls, producer: str, produce_id: str, reserved_code1: str = "") -> "Members":
        """Return the members of content that is labelled for the first time, by who generated it.

        Args:
            producer: provider code or ASCII name.
            produce_id: number of this content there.
            reserved_code1: security data, or empty.

        Raises:
            LabelError: a value is missing, too long, or has characters Annex E does not take.
        """
        # Annex E notes 1: at first writing the propagator is the producer.
        return cls("1", producer, produce_id, reserved_code1, producer, produce_id).checked()

    def checked(self) -> "Members":
        """Return these members when they may be written.

        Raises:
            LabelError: a value is missing, too long, or has characters Annex E does not take.
        """
        if self.label not in _VERDICTS:
            raise LabelError("Label has to be 1, 2 or 3 (GB 45438-2025 Annex E c)")
        for name, value in self.named().items():
            _check_value(name, value)
        if len(orjson.dumps(self.named())) > MOST_WRITTEN_BYTES:
            raise LabelError(f"the label is longer than {MOST_WRITTEN_BYTES} bytes; shorten its security data")
        return self

    def named(self) -> dict[str, str]:
        """Return the members under their names, in the standard's order."""
        return dict(zip(NAMES, asdict(self).values(), strict=True))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file's label says.

    Attributes:
        verdict: what a platform has to say of the file.
        members: what was found, missing ones empty; None without a readable label.
        problems: where the label departs from the standard, for people.
        others: names and values of members that the standard does not have; values as text.
    """

    verdict: Verdict
    members: Members | None = None
    problems: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()


def check_propagator(propagator: str, propagate_id: str) -> None:
    """Hold what a propagator writes to what a producer has to.

    Args:
        propagator: provider code or ASCII name.
        propagate_id: number of the content there.

    Raises:
        LabelError: one is missing, too long, or has characters Annex E does not take.
    """
    _check_value("ContentPropagator", propagator)
    _check_value("PropagateID", propagate_id)


def compact_json(members: Members) -> bytes:
    """Return members as they are written into files: the inner object, in the standard's order, without spaces."""
    return orjson.dumps(members.checked().named())


def read_label(text: bytes) -> Reading:
    """Return what one label says.

    Args:
        text: what stands in a label's place, as UTF-8.
    """
    if len(text) > MOST_LABEL_BYTES:
        return _broken(f"the label has {len(text)} bytes; no more than {MOST_LABEL_BYTES} are read")
    problems: list[str] = []
    found = _unwrapped(_parsed(text))
    if found is None:
        return _broken("what stands in the label's place is not a JSON object with members of Annex E")
    members, others = _members(found, problems)
    if members is None:
        return _older(found) or _broken("the label has none of the members of Annex E")
    return Reading(_verdict(members, problems), members, tuple(problems), others)


def read_labels(texts: Iterable[bytes]) -> Reading:
    """Return what all labels of a file say together.

    Args:
        texts: what stands in the places of labels; empty for a file without any.
    """
    labels = list(texts)
    if len(labels) > MOST_LABELS:
        return _broken(f"the file has {len(labels)} labels or more; no more than {MOST_LABELS} are read")
    readings = [read_label(text) for text in labels]
    if not readings:
        return Reading(Verdict.NONE)
    strongest = min(readings, key=lambda each: _ORDER.index(each.verdict))
    if len(readings) == 1:
        return strongest
    # 6.1 c: one file, one label.
    problems = (*strongest.problems, f"the file has {len(readings)} labels; the standard wants one")
    if len({each.members for each in readings}) > 1:
        problems += ("the labels do not say the same",)
    return replace(strongest, problems=problems)


def _check_value(name: str, value: str) -> None:
    if not value and name not in _RESERVED:
        raise LabelError(f"{name} is empty; only the two reserved members may be")
    if len(value) > MOST_VALUE_CHARACTERS * (4 if name in _RESERVED else 1):
        raise LabelError(f"{name} has {len(value)} characters; that is too long")
    pattern = _RESERVED_VALUE if name in _RESERVED else _VALUE
    if not pattern.fullmatch(value):
        raise LabelError(
            f"{name} has characters that GB 45438-2025 Annex E j does not take: use visible ASCII without space,"
            " double quote and backslash"
        )


def _broken(problem: str) -> Reading:
    return Reading(Verdict.BROKEN, None, (problem,))


def _parsed(text: bytes) -> Any:  # noqa: ANN401 JSON of strangers
    shown = text.decode("utf-8", "replace").strip("\ufeff\0 \t\r\n")
    # Some write the key in front of the object instead of around it.
    shown = re.sub(r'^"?AIGC"?\s*+[:=]?+\s*+(?=\{)', "", shown)
    for candidate in (shown, html.unescape(shown)):  # encoded once more than XML needs
        try:
            return orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
    return None


def _unwrapped(document: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 JSON of strangers
    # Annex E wraps the object, guides do not; some write the object as a string, or a second time around.
    for _ in range(3):
        if isinstance(document, str):
            document = _parsed(document.encode("utf-8", "replace"))
        if not isinstance(document, Mapping):
            return None
        inner = next((value for name, value in document.items() if name.lower() == "aigc"), None)
        if inner is None:
            return document
        document = inner
    return None


def _members(found: Mapping[str, Any], problems: list[str]) -> tuple[Members | None, tuple[tuple[str, str], ...]]:
    values: dict[str, str] = {}
    strange: list[tuple[str, str]] = []
    for name, value in found.items():
        attribute = _FOLDED.get(name.replace("_", "").replace("-", "").lower())
        if attribute is None:
            strange.append((name, _text(name, value, [])))
            continue
        values[attribute] = _text(name, value, problems)
    if not values:
        return None, ()
    for name, attribute in zip(NAMES, _ATTRIBUTES, strict=True):
        if attribute not in values:
            problems.append(f"{name} is missing")
    if strange:
        problems.append(f"{len(strange)} members are not of the standard")
    return Members(**values), tuple(strange)


def _text(name: str, value: Any, problems: list[str]) -> str:  # noqa: ANN401 JSON of strangers
    if isinstance(value, str):
        return value
    problems.append(f"{name[:32]} is not a string")
    return "" if value is None else orjson.dumps(value).decode("ascii", "replace")


def _verdict(members: Members, problems: list[str]) -> Verdict:
    if not members.label:
        # Art. 6 (1) wants metadata that state it plainly; these are traces, which is (3).
        return Verdict.SUSPECTED
    verdict = _VERDICTS.get(members.label.strip())
    if verdict is None:
        problems.append("Label is none of 1, 2 and 3")
        return Verdict.BROKEN
    return verdict


def _older(found: Mapping[str, Any]) -> Reading | None:
    folded = {name.replace("_", "").lower(): value for name, value in found.items()}
    if not _OLDER_ONLY & folded.keys():
        return None
    problems: list[str] = ["a scheme from before the standard, which names a provider and does not say what it is"]
    values = {attribute: _text(name, folded[name], problems) for name, attribute in _OLDER.items() if name in folded}
    others = tuple(
        (name, _text(name, value, [])) for name, value in found.items() if name.replace("_", "").lower() not in _OLDER
    )
    return Reading(Verdict.SUSPECTED, Members(**values), tuple(problems), others)
