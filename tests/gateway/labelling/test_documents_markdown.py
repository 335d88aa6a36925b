"""The mapping `AIGC` in front matter."""

import orjson
import pytest
import yaml

from gateway.labelling.documents_markdown import front_end, markdown_labels, markdown_with_label
from gateway.labelling.members import LabelError, Members, compact_json, read_label
from tests.media import LABEL

_MEMBERS = orjson.loads(LABEL)


def _front(text: bytes) -> object:
    return yaml.safe_load(text.decode("utf-8-sig").split("---")[1])


@pytest.mark.parametrize(
    ("text", "others"),
    [
        (b"", {}),
        (b"# Text\n", {}),
        (b"---\ntitle: 'Kept'\n---\n# Text\n", {"title": "Kept"}),
        (b"---\r\ntitle: Kept\r\n---\r\n# Text\r\n", {"title": "Kept"}),
        (b"\xef\xbb\xbf---\ntitle: Kept\n...\n", {"title": "Kept"}),
        (b"---\nAIGC:\n  Label: '1'\n  Other: x\ntitle: Kept\n---\n", {"title": "Kept"}),
        (
            b"---\ntitle: Kept\naigc: {Label: '1'}\nlist:\n  - AIGC: no label\n---\n",
            {"title": "Kept", "list": [{"AIGC": "no label"}]},
        ),
        (b"---\n---\n", {}),
    ],
)
def test_a_stranger_reads_the_label_and_all_else(text: bytes, others: dict[str, object]) -> None:
    """Another YAML reader finds the members beside what was there; twice is as once."""
    new = markdown_with_label(text, LABEL)
    if b"..." not in text:
        assert _front(new) == {"AIGC": _MEMBERS, **others}
    assert [orjson.loads(each) for each in markdown_labels(new)] == [_MEMBERS]
    assert markdown_with_label(new, LABEL) == new
    assert (b"\r\n" in new) is (b"\r\n" in text)
    assert new[front_end(new) :] == text[front_end(text) :]


def test_the_text_behind_stays() -> None:
    """Byte for byte, whatever its encoding."""
    text = b"not in UTF-8: \xc4\xe3\n---\nAIGC: in the text\n"
    assert markdown_with_label(text, LABEL).endswith(b"---\n" + text)


def test_security_data_go_through() -> None:
    """They are JSON themselves, with quotes of both kinds."""
    members = Members.first("producer", "1", '{"a":"it\'s"}')
    label = compact_json(members)
    new = markdown_with_label(b"", label)
    assert read_label(markdown_labels(new)[0]).members == members
    assert _front(new) == {"AIGC": members.named()}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (b'---\nAIGC: {"Label": "1"}\n---\n', b'{"Label": "1"}'),
        (b'---\nAIGC: \'{"Label": "1"}\'\n---\n', b'{"Label": "1"}'),
        (b'---\n"AIGC":\n    "Label" : "1"\n---\n', b'{"Label":"1"}'),
        (b"---\nAIGC:\n  nothing\n---\n", b"AIGC:\n  nothing\n"),
        (b"---\nAIGC: x\n", None),
        (b"text\n---\nAIGC: x\n---\n", None),
    ],
)
def test_forms_of_others_are_read(text: bytes, label: bytes | None) -> None:
    """On one line, in other quotes; in front matter only."""
    assert markdown_labels(text) == ([] if label is None else [label])


def test_toml_is_refused() -> None:
    """A file has one front matter."""
    with pytest.raises(LabelError, match="TOML"):
        markdown_with_label(b"+++\ntitle = 'x'\n+++\n", LABEL)


def test_long_lines_are_read_in_one_pass() -> None:
    """What could be tried in many ways is not."""
    spaces = b" " * 80_000
    assert markdown_labels(b"---\nAIGC:\n" + spaces + b"Label:" + spaces + b"x" + spaces + b"\n---\n") == [
        b'{"Label":"x"}'
    ]
