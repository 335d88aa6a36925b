"""Verifies an audit directory or an export by `docs/audit-format.md` alone; the standard library and an Ed25519.

Says whether a trail is good, and not what is wrong with it.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class NotGoodError(Exception):
    """The trail is not what was signed."""


def demand(condition: object, what: str) -> None:
    """Raise unless a condition holds."""
    if not condition:
        raise NotGoodError(what)


def sha256(data: bytes) -> bytes:
    """Return SHA-256."""
    return hashlib.sha256(data).digest()


def from_base64(text: str) -> bytes:
    """Decode canonical base64."""
    data = base64.b64decode(text, validate=True)
    demand(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def canonical(value: Any) -> bytes:  # noqa: ANN401 any JSON
    """Write JSON by RFC 8785, for values without floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse(entry: bytes) -> dict[str, Any]:
    """Read an object that has to be canonical."""

    def refuse(_: str) -> None:
        raise NotGoodError("a number that is no integer")

    value = json.loads(entry, parse_float=refuse, parse_constant=refuse)
    demand(isinstance(value, dict) and canonical(value) == entry, "not canonical")
    return dict(value)


def unframe(line: bytes) -> bytes | None:
    """Return the ENTRY of a line without its line feed; None when its CRC is wrong."""
    entry = line[9:]
    return entry if line[:9] == b"%08x " % zlib.crc32(entry) else None


class Tree:
    """The edge of a tree."""

    def __init__(self, size: int = 0, edge: list[str] | None = None) -> None:
        self.size, self.edge = size, [from_base64(node) for node in edge or []]
        demand(len(self.edge) == bin(size).count("1"), "the edge has another length")

    def add(self, entry: bytes) -> None:
        """Add a leaf."""
        node, bits = sha256(b"\0" + entry), self.size
        while bits & 1:
            node, bits = sha256(b"\1" + self.edge.pop() + node), bits >> 1
        self.edge.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root."""
        if not self.edge:
            return sha256(b"")
        node = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            node = sha256(b"\1" + left + node)
        return node


class Key:
    """A public key."""

    def __init__(self, text: str) -> None:
        self.name, key_id, encoded = text.strip().split("+", 2)
        content = from_base64(encoded)
        self.raw = content[1:]
        self.id = sha256(self.name.encode() + b"\n\1" + self.raw)[:4]
        demand(content[:1] == b"\1" and self.id.hex() == key_id, "the key does not fit its id")

    def open(self, note: bytes) -> "Checkpoint":
        """Return the checkpoint in a note that this key signed."""
        text, _, signatures = note.decode().rpartition("\n\n")
        text += "\n"
        trusted = False
        demand(signatures.endswith("\n"), "no signature")
        for line in signatures[:-1].split("\n"):
            dash, name, encoded = line.split(" ")
            content = from_base64(encoded)
            demand(dash == "—", "no signature line")
            if (name, content[:4]) == (self.name, self.id):
                try:
                    Ed25519PublicKey.from_public_bytes(self.raw).verify(content[4:], text.encode())
                except InvalidSignature:
                    raise NotGoodError("wrong signature") from None
                trusted = True
        demand(trusted, "not signed by this key")
        return Checkpoint(text)


class Checkpoint:
    """The text of a checkpoint."""

    def __init__(self, text: str) -> None:
        self.origin, size, root, number, time = text[:-1].split("\n")
        demand(re.fullmatch(r"time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time), "no time")
        self.size, self.number = int(size), int(number.removeprefix("number "))
        demand((size, number) == (str(self.size), f"number {self.number}"), "no numbers")
        self.root = from_base64(root)
        self.log_id = self.origin.rpartition("/")[2]


def segment_entries(path: Path, first: int, end: int | None, tree: Tree, signed: int) -> Iterator[bytes]:
    """Yield the entries of a segment, and check its header against the tree before it."""
    data = path.read_bytes()
    head, *lines, rest = data.split(b"\n")
    header = parse(unframe(head) or b"")
    demand(
        header
        == {
            "v": 1,
            "type": "segment",
            "log_id": path.parent.name,
            "first_sequence": first,
            "tree": [base64.b64encode(node).decode() for node in tree.edge],
        },
        "the header is not this segment's",
    )
    for number, line in enumerate(lines):
        if end is not None and first + number == end:
            return
        entry = unframe(line)
        if entry is None:
            demand(end is None and first + number >= signed, "damaged")
            later = [*lines[number + 1 :], rest]
            torn = b"\0" in line or all(unframe(each) is None for each in later)
            demand(torn and len(b"\n".join([line, *later])) <= 2 * 1024 * 1024, "damaged, and by no crash")
            return
        yield entry
    demand(end is None or first + len(lines) == end, "ends before the next segment begins")


def check_log(directory: Path, key: Key, anchors: list[bytes]) -> None:
    """Verify a log in its directory."""
    latest = directory / "checkpoint"
    latest_note = latest.read_bytes() if latest.exists() else b""
    notes = history_notes(directory / "checkpoints")
    paths = sorted(directory.glob("*.seg"))
    demand(notes or not (paths or latest_note), "no history")
    demand(not notes or latest_note in ([b"", *notes])[-2:], "the latest checkpoint is not the history's")
    roots: dict[int, set[bytes]] = {}
    before = -1
    for number, note in enumerate(notes):
        found = key.open(note)
        demand((found.log_id, found.number) == (directory.name, number), "of another log, or out of order")
        demand(found.size > before and (number or not found.size), "sizes do not go up")
        roots.setdefault(found.size, set()).add(found.root)
        before = found.size
    for each in map(key.open, anchors):
        if each.log_id == directory.name:
            roots.setdefault(each.size, set()).add(each.root)
    tree, signed = Tree(), max(roots, default=0)
    demand(roots.pop(0, {tree.root()}) == {tree.root()}, "another root of nothing")
    for index, path in enumerate(paths):
        end = int(paths[index + 1].stem) if index + 1 < len(paths) else None
        demand(int(path.stem) == tree.size, "a segment is missing")
        for entry in segment_entries(path, tree.size, end, tree, signed):
            parse(entry)
            tree.add(entry)
            demand(roots.pop(tree.size, {tree.root()}) == {tree.root()}, "another root than was signed")
    demand(not roots, "entries are missing")


def history_notes(path: Path) -> list[bytes]:
    """Return the notes in a history."""
    if not path.exists():
        return []
    notes = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        fields = parse(unframe(line) or b"")
        demand((fields["v"], fields["type"], len(fields)) == (1, "checkpoint", 3), "no checkpoint")
        notes.append(fields["note"].encode())
    return notes


def check_export(folder: Path, key: Key) -> None:
    """Verify one log of an export."""
    checkpoint = key.open((folder / "checkpoint").read_bytes())
    demand(Key((folder / "key.pub").read_text()).raw == key.raw, "another key")
    tree = Tree()
    if (folder / "range.json").exists():
        content = (folder / "range.json").read_bytes()
        fields = parse(content[:-1])
        demand(content.endswith(b"\n") and fields.keys() == {"v", "type", "first_sequence", "tree"}, "no range")
        demand((fields["v"], fields["type"]) == (1, "range"), "no range")
        tree = Tree(fields["first_sequence"], fields["tree"])
    *lines, rest = (folder / "entries.ndjson").read_bytes().split(b"\n")
    demand(not rest, "half a line")
    for line in lines:
        parse(line)
        tree.add(line)
    demand((tree.size, tree.root()) == (checkpoint.size, checkpoint.root), "not what was signed")


def check_proof(content: bytes, key: Key) -> bytes:
    """Verify a proof; return the entry."""
    proof = json.loads(content)
    demand((proof["v"], proof["type"]) == (1, "inclusion_proof"), "no proof")
    checkpoint = key.open(proof["checkpoint"].encode())
    entry: bytes = proof["entry"].encode()
    node, index, last = sha256(b"\0" + entry), proof["sequence"], checkpoint.size - 1
    for hash_ in map(from_base64, proof["path"]):
        demand(last, "too long")
        if index & 1 or index == last:
            node = sha256(b"\1" + hash_ + node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + hash_)
        index, last = index >> 1, last >> 1
    demand(not last and node == checkpoint.root, "not under the checkpoint")
    return entry


def check(path: Path, key_line: str, anchors: list[bytes] | None = None) -> None:
    """Verify what is under a path.

    Raises:
        NotGoodError: it is not what was signed.
    """
    try:
        key = Key(key_line)
        if exported := sorted(each.parent for each in path.rglob("entries.ndjson")):
            for folder in exported:
                check_export(folder, key)
            return
        logs = [each for each in sorted(path.iterdir()) if re.fullmatch(r"[0-9a-f]{16}", each.name)]
        known = {key.open(note).log_id for note in anchors or []}
        demand(known <= {each.name for each in logs}, "a log is missing")
        for log in logs:
            check_log(log, key, anchors or [])
    # Whatever cannot be read as the page says is not good.
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as exc:
        raise NotGoodError("not as described") from exc
