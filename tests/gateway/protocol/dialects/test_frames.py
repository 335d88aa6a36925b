"""What the typed frames of several formats have in common."""

import pytest

from gateway.protocol.dialects.base import Carrier, Segment
from gateway.protocol.dialects.frames import MOST_PARTS, index_in, object_in, other_texts, type_of


@pytest.mark.parametrize("document", [None, [], "x", {}, {"type": None}, {"type": 1}])
def test_a_frame_has_a_type(document: object) -> None:
    """Without one nobody can say what it is."""
    with pytest.raises(ValueError, match="'type'"):
        type_of(document)


@pytest.mark.parametrize("index", [None, True, -1, MOST_PARTS, 1.0, "0"])
def test_indices_are_bounded(index: object) -> None:
    """Law 6: something is kept for each of them."""
    with pytest.raises(ValueError, match="'index'"):
        index_in({"index": index}, "index")
    assert index_in({"index": MOST_PARTS - 1}, "index") == MOST_PARTS - 1


def test_a_member_may_have_to_be_an_object() -> None:
    """The error names it."""
    assert object_in({"item": {"a": 1}}, "item") == {"a": 1}
    with pytest.raises(ValueError, match="'item'"):
        object_in({"item": []}, "item")


def test_strings_are_told_apart() -> None:
    """Ids and unknown names stay as they are, running texts are somebody else's, the rest may be masked."""
    parts = [{"text": "running"}, {"text": "other"}]
    document = {"id": "a", "new_name": 1, "url": "b", "parts": parts, "more": [{"text": "c"}, {"text": "d"}]}
    place = Segment((0, "x"), Carrier.HIDDEN, parts[0], "text", "running")
    fixed, passages = other_texts(document, [place])
    assert {"a", "new_name"} <= set(fixed)
    # What is left of a list that was read as one text is no more one text.
    assert [passage.text for passage in passages] == ["b", "cd", "other"]
