"""The texts inside a document."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.texts import TOOL_DEFINITIONS, TextGroup, find_texts, mask_text, write_masked


def texts(document: Any) -> list[str]:  # noqa: ANN401 any JSON value
    """Return the texts of a document, sorted."""
    return sorted(group.text for group in find_texts(document))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"content": "a"}, ["a"]),
        ({"unknown": "a"}, ["a", "unknown"]),
        ({"unknown": 1}, ["unknown"]),
        ({"stop": ["a", "b"]}, ["a", "b"]),
        ({"role": "user"}, []),
        ({"role": "users"}, ["users"]),
        ({"content": [{"type": "text", "text": "for"}, {"type": "text", "text": "bidden"}]}, ["forbidden"]),
        (
            {"content": [{"text": "for"}, {"type": "image_url", "image_url": {"url": "u"}}, {"text": "x"}]},
            ["forx", "u"],
        ),
        ({"content": [{"text": "a", "unknown": "b"}]}, ["a", "b", "unknown"]),
        ({"content": [{"text": ["a"]}, {"text": {"text": "b"}}, 1, None]}, ["a", "b"]),
        ([["a"], "b"], ["a", "b"]),
        ({"content": 8964, "text": 1.5, "max_tokens": 7, "index": True}, ["1.5", "8964"]),
        ({"content": [{"text": 8964}, {"text": None}]}, ["8964"]),
        ({"file_data": "data:;base64,Zm9yYmlkZGVu"}, [";base64", "Zm9yYmlkZGVu", "file_data", "forbidden"]),
        ({"url": "https://example.org"}, ["https://example.org"]),
        ("a", []),
        (None, []),
    ],
)
def test_every_string_is_a_text(document: Any, expected: list[str]) -> None:  # noqa: ANN401 the same
    """Strings, unknown names, and neighbouring parts as one text; words of the format alone are left out."""
    assert texts(document) == expected


def entries(*tokens: str, spelled: str) -> list[dict[str, Any]]:
    """Return token probabilities whose bytes spell a text, two to a token."""
    data = spelled.encode()
    return [{"token": token, "bytes": list(data[at * 2 : at * 2 + 2])} for at, token in enumerate(tokens)]


def test_tokens_are_one_text() -> None:
    """And so are their bytes, where these say something else; a character may take several tokens."""
    assert texts({"content": entries("fo", "rb", spelled="forb")}) == ["bytes", "bytes", "forb"]
    assert "冰x" in texts({"content": entries("\\xe5", "\\x86", spelled="冰x")})
    odd = [{"token": "a", "bytes": [1, 300]}, {"token": "b", "bytes": "c"}, {"token": "d", "bytes": [True]}]
    assert texts({"content": odd}) == ["abd", "bytes", "bytes", "bytes", "c"]


def test_a_mask_in_bytes_leaves_no_bytes() -> None:
    """What was spelled by numbers is not spelled any more."""
    document = {"content": entries("x", "y", spelled="mild")}
    group = next(group for group in find_texts(document) if group.text == "mild")
    write_masked(group, [(0, 4)])
    assert [entry["bytes"] for entry in document["content"]] == ["**", "**"]


def test_members_can_be_left_unread() -> None:
    """Members of the document itself, with all below them; the same name further down is read."""
    document = {"tools": [{"text": "a"}], "content": {"tools": "b"}, "unknown": "c"}
    groups = find_texts(document, TOOL_DEFINITIONS | {"unknown"})
    assert sorted(group.text for group in groups) == ["b"]


def test_deep_nesting_needs_no_stack() -> None:
    """A document nested thousands of levels deep is read without recursion."""
    document: Any = "x"
    for _ in range(5000):
        document = [document]
    assert texts(document) == ["x"]


@given(st.text("ab", max_size=12), st.lists(st.tuples(st.integers(-3, 14), st.integers(-3, 14))))
def test_a_mask_changes_its_spans_and_nothing_else(text: str, spans: list[tuple[int, int]]) -> None:
    """Same length; each character in a span is a mask character, each other one is as it was."""
    expected = "".join("*" if any(a <= at < b for a, b in spans) else char for at, char in enumerate(text))
    assert mask_text(text, spans) == expected


def test_masks_are_written_over_parts() -> None:
    """A span over two parts is masked in both, where they stand."""
    document = {"content": [{"type": "text", "text": "a for"}, {"type": "text", "text": "bidden b"}]}
    group = next(group for group in find_texts(document) if group.parts)
    write_masked(group, [(2, 11)])
    assert [part["text"] for part in document["content"]] == ["a ***", "****** b"]


def test_a_name_has_no_place_to_mask() -> None:
    """A member name is a text without parts, so what would be masked in it is blocked."""
    assert list(find_texts({"unknown": None})) == [TextGroup("unknown", ())]
