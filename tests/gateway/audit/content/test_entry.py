"""Content entries: what was sealed opens again, and is never larger than an entry may be."""

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Phase
from gateway.audit.content.entry import ContentEntry, decode_content, encode_content, open_content, seal_content
from gateway.audit.content.keys import new_data_key
from gateway.audit.entry import decode
from gateway.audit.segment import ENTRY_LIMIT_BYTES
from gateway.protocol.evidence import KEPT_CHARACTERS, MOST_EXCERPTS, Evidence, Excerpt, keep

_ENTRIES = st.builds(
    ContentEntry,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 2**53 - 1),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.binary(),
)


@given(_ENTRIES)
def test_an_entry_is_kept_whole_and_canonical(entry: ContentEntry) -> None:
    """Decoded it is what it was; encoded, what any RFC 8785 library writes."""
    encoded = encode_content(entry)
    assert decode(encoded) == entry
    assert rfc8785.dumps(orjson.loads(encoded)) == encoded


def test_what_was_sealed_opens() -> None:
    """Texts, excerpts and what was cut; half a character is replaced."""
    key = new_data_key("acc-1", "", 1)
    excerpt = Excerpt(Phase.RESPONSE, 7, "bad\ud800", ("A.1.a",))
    entry = decode(seal_content("r-1", 5, Evidence("alice", b"", b"", (excerpt,), ("p",), ("r",), (0, 3)), key))
    assert isinstance(entry, ContentEntry)
    assert (entry.request_id, entry.at_us, entry.key) == ("r-1", 5, key.id)
    assert open_content(entry, key) == {
        "excerpts": [{"phase": "response", "start": 7, "text": "bad?", "risks": ["A.1.a"]}],
        "prompt": ["p"],
        "reply": ["r"],
        "cut_characters": [0, 3],
    }


@pytest.mark.parametrize("text", ["\x01" * 40_000, "\U0001f600" * 40_000])
@pytest.mark.parametrize("size", [1, 40_000])
def test_the_largest_content_fits_into_an_entry(text: str, size: int) -> None:
    """Whatever the characters, and however many texts they are."""
    kept, _ = keep(text[at : at + size] for at in range(0, len(text), size))
    assert sum(map(len, kept)) <= KEPT_CHARACTERS
    excerpts = tuple(Excerpt(Phase.REQUEST, 1, "\x01" * 512, ("A.1.a",) * 4) for _ in range(2 * MOST_EXCERPTS))
    for evidence in (Evidence(prompt=kept, reply=kept, cut_characters=(9, 9)), Evidence(excerpts=excerpts)):
        assert len(seal_content("r" * 32, 2**52, evidence, new_data_key("acc-1", "", 1))) <= ENTRY_LIMIT_BYTES


@pytest.mark.parametrize(
    "members", [{"v": 1}, {"v": 2, "type": "content"}, {"v": 2, "type": "content", "nonce": "?", "ciphertext": ""}]
)
def test_another_form_is_refused(members: dict[str, object]) -> None:
    """A version, a member or an encoding that is not known."""
    with pytest.raises(ValueError, match="content entry"):
        decode_content(members)
