"""What the files of an export are called, and the one of them that says which part of a log it holds."""

import base64
from collections.abc import Sequence

import orjson

from gateway.audit.canonical import canonical_json
from gateway.audit.tree import Tree

ENTRIES_NAME = "entries.ndjson"
CHECKPOINT_NAME = "checkpoint"
KEY_NAME = "key.pub"
RANGE_NAME = "range.json"


def range_file(first: int, edge: Sequence[bytes]) -> bytes:
    """Return the file for a part of a log: the sequence of its first entry, and the edge of the tree before it."""
    tree = [base64.b64encode(node).decode() for node in edge]
    return canonical_json({"v": 1, "type": "range", "first_sequence": first, "tree": tree}) + b"\n"


def read_range(content: bytes) -> Tree:
    """Return the tree before a part of a log.

    Raises:
        ValueError: the content is no such file, or not in its one form.
    """
    try:
        fields = orjson.loads(content)
        tree = Tree(fields["first_sequence"], [base64.b64decode(node, validate=True) for node in fields["tree"]])
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ValueError("does not say which part of the log this is") from exc
    if range_file(tree.size, tree.edge) != content:
        raise ValueError("is not canonical")
    return tree
