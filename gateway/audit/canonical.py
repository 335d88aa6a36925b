"""Canonical JSON: one value, one sequence of bytes, in every language (RFC 8785, JCS).

Rules: integers within ±(2^53 − 1), strings, booleans, None, lists, tuples and dicts; everything else is refused, as
floats are, whose form is where implementations of RFC 8785 differ. orjson would happily write dates, UUIDs and
dataclasses in a form of its own, so types are checked before it is asked.
"""

from collections.abc import Iterable
from typing import cast

import orjson

# RFC 8785 takes every number for a double, which holds integers exactly up to 2^53 only.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# What orjson can be told to refuse. It takes floats, enums and UUIDs all the same.
_PASSED_BY = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_SCALARS = frozenset({str, int, bool, type(None)})
_SEQUENCES = frozenset({list, tuple})
# So that a deep value is a ValueError here and no RecursionError of the check itself.
_DEPTH_LIMIT = 32
# The last character of the Basic Multilingual Plane. RFC 8785 §3.2.3 sorts keys by UTF-16 code units, orjson by code
# points; the two orders agree unless a key goes beyond the plane, where surrogates sort before U+E000.
_LAST_AGREED = "\uffff"


def canonical_json(value: object) -> bytes:
    """Return the one RFC 8785 form of a value.

    Raises:
        TypeError: a value is of a type that has no agreed form here, such as a float.
        ValueError: an integer is too large, a string holds half a surrogate pair, a key goes beyond U+FFFF, or
            containers are nested too deeply.
    """
    _check((value,), 0)
    return canonical_json_of_known(value)


def canonical_json_of_known(value: object) -> bytes:
    """Return the same of a value whose types its maker vouches for: the walk over them costs four times the writing.

    Raises:
        ValueError: an integer is too large, a string holds half a surrogate pair, or a value is of a type that orjson
            refuses.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS | _PASSED_BY)
    except orjson.JSONEncodeError as exc:
        # The types are known to be right, so only these two values are left.
        raise ValueError(
            "canonical JSON takes integers within ±(2^53 - 1) and strings without lone surrogates only"
        ) from exc


def _check(values: Iterable[object], depth: int) -> None:
    """Refuse types without an agreed form."""
    for value in values:
        # Exact types: a subclass may be written by its own rules, as an enum is by its value.
        kind = type(value)
        if kind in _SCALARS or (kind in _SEQUENCES and not value):
            continue
        if depth > _DEPTH_LIMIT:
            raise ValueError(f"canonical JSON is nested more than {_DEPTH_LIMIT} deep; flatten the value")
        if kind is dict:
            mapping = cast("dict[str, object]", value)
            _check_keys(mapping)
            _check(mapping.values(), depth + 1)
        elif kind in _SEQUENCES:
            _check(cast("Iterable[object]", value), depth + 1)
        else:
            raise TypeError(f"canonical JSON has no form for {kind.__name__}; convert it to a string or an integer")


def _check_keys(keys: Iterable[str]) -> None:
    try:
        joined = "".join(keys)
    except TypeError:
        raise TypeError("canonical JSON takes strings as keys only") from None
    if not joined.isascii() and max(joined) > _LAST_AGREED:
        raise ValueError("a key holds a character beyond U+FFFF, where key orders differ; use another key")
