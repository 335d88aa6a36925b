"""A glance: it may point at too many places, and never misses one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from filters.glance import Glance
from filters.long_text import LongText
from filters.reading import class_text, skeleton_of

LETTERS = "甲乙毒病冰a\U00020000"


@given(st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=6), st.text(LETTERS, max_size=30))
@settings(max_examples=300, deadline=None)
def test_every_beginning_is_pointed_at(texts: list[str], text: str) -> None:
    """A pair by either character beside the sound of the other one, longer terms by their first sounds."""
    skeletons = {skeleton_of(each) for each in texts}
    short = {each for each in skeletons if len(each) <= 2}
    sounds = {class_text(each) for each in skeletons - short}
    whole = LongText(text)
    places = Glance(short, sounds).places(whole.skeleton_codes, whole.class_codes)
    for at in range(len(whole.skeleton)):
        pair, classes = whole.skeleton[at : at + 2], whole.classes[at:]
        alike = [each for each in short if class_text(each) == class_text(pair)]
        assert pair[0] not in short or at in places.singles
        assert at in places.pairs or not any(each[0] == pair[0] or each[1] == pair[1] for each in alike if pair[1:])
        assert at in places.sounds or not any(map(classes.startswith, sounds))


def test_most_places_of_a_text_are_not_pointed_at() -> None:
    """Or nothing would be gained."""
    whole = LongText("".join(map(chr, range(0x4E00, 0x5800))))
    places = Glance({"甲乙", "丙"}, {class_text("冰毒货")}).places(whole.skeleton_codes, whole.class_codes)
    assert sum(map(len, places)) < len(whole.text) / 50
