"""The member `AIGC` of JSON documents."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.documents_json import json_labels, json_with_label
from gateway.labelling.members import LabelError
from tests.media import LABEL

_MEMBERS = orjson.loads(LABEL)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just("AIGC"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=4) | st.sampled_from(["AIGC", "aigc"]), _VALUES, max_size=4),
    st.sampled_from([None, 1, "\t"]),
)
def test_all_else_stays(document: dict[str, object], indent: int | str | None) -> None:
    """Whatever a document has, it has afterwards, and one label; twice is as once."""
    text = json.dumps(document, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    new = json_with_label(text, LABEL)
    kept = {name: value for name, value in document.items() if name.upper() != "AIGC"}
    assert orjson.loads(new) == {"AIGC": _MEMBERS, **kept}
    assert json_labels(new) == [LABEL]
    assert json_with_label(new, LABEL) == new


def test_bytes_stay_but_for_the_label() -> None:
    """Spaces, order, forms of numbers and line ends are those of the file."""
    text = b'\xef\xbb\xbf {\r\n  "a" : 1.50e1 ,\r\n "AIGC" : {"Label": "1"},  "b":["}", {"AIGC": 1}]\r\n}\r\n'
    assert json_with_label(text, LABEL) == (
        b'\xef\xbb\xbf {"AIGC":' + LABEL + b',\r\n  "a" : 1.50e1 ,  "b":["}", {"AIGC": 1}]\r\n}\r\n'
    )
    assert json_labels(text) == [b'{"Label": "1"}']


def test_every_label_is_read() -> None:
    """Names that come twice are two labels, also where their letters are escaped."""
    assert json_labels(b'{"AIGC": 1, "\\u0041IGC": "2"}') == [b"1", b'"2"']
    assert json_labels(b"[1]") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"[1]", "not an object"), (b'{"a":', "no JSON"), (b"[" * 5000, "no JSON"), (b'{"\xff":1}', "no JSON")],
)
def test_what_cannot_take_a_label_says_why(text: bytes, reason: str) -> None:
    """An array has no place for it."""
    with pytest.raises(LabelError, match=reason):
        json_with_label(text, LABEL)
