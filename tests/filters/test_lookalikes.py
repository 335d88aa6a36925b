"""Harmless sentences that look or sound like what lists forbid are not hit."""

from filters.findings import Step
from tests.filters.lookalikes import LOOKALIKES, all_terms, conduct_terms, hits, lines

SENTENCES = 300
TERMS = 200


def test_harmless_lookalikes_are_not_hit() -> None:
    """With the shipped lists and 200 made terms of conduct, all folds on, but for where the dictionary cuts it so.

    `benchmarks/lookalikes.py` names the sentences and holds them to one in a hundred. Those left are cut as 洗钱|包
    rather than 洗|钱包; to doubt such a cut would let 冰毒|品 out. An allow phrase settles each of them.
    """
    sentences, terms = lines(LOOKALIKES), all_terms()
    assert len(set(sentences)) >= SENTENCES
    assert len(conduct_terms()) >= TERMS
    found = hits(terms, sentences)
    assert len(found) * 100 <= 2 * len(sentences), found


def test_the_made_terms_are_found_themselves() -> None:
    """A list that finds nothing would hit no look-alike either."""
    terms = conduct_terms()
    assert len(hits(terms, [f"他说：{term.text}。" for term in terms])) == len(terms)
    (hit,) = hits(terms, ["买冰读吗"])
    assert hit.found == (f"冰毒 ({Step.HOMOPHONES})",)
