"""Terms of each kind: what is refused because it would match nothing, or everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Kind
from filters.list_terms import term_problems


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        (Kind.LITERAL, "出售冰毒"),
        (Kind.LITERAL, "毒" * 64),
        (Kind.LITERAL, "می\u200cخواهم"),
        (Kind.WORD, "冰"),
        (Kind.WORD, "c++"),
        (Kind.ALL, "冰 & 货 ~10 - 冰箱"),
        (Kind.PATTERN, r"加[微薇]信?\s?[a-z][a-z0-9_-]{5,19}"),
        (Kind.PATTERN, r"(?i)\bkill\b"),
        (Kind.PATTERN, r"\p{Han}{2,4}[0-9]{11}"),
        (Kind.ALLOW, "冰毒的危害"),
    ],
)
def test_good_terms_have_no_problems(kind: Kind, term: str) -> None:
    """A term that keeps to its kind is accepted."""
    assert list(term_problems(kind, term)) == []


@pytest.mark.parametrize(
    ("kind", "term", "expected"),
    [
        (Kind.LITERAL, "", "term is ''; write at least 2 characters"),
        (Kind.LITERAL, "毒", "term is '毒'; write at least 2 characters"),
        (Kind.LITERAL, "\u200d\u200d", "term is '\\u200d\\u200d'; write at least 2 characters"),
        (Kind.LITERAL, "毒" * 65, "term has 65 characters; shorten it to at most 64"),
        (Kind.LITERAL, "{}", "term is '{}', which has signs alone; make it a pattern"),
        (Kind.ALLOW, "毒", "term is '毒'; write at least 2 characters"),
        (Kind.WORD, "", "term is ''; write at least 1 characters"),
        (Kind.WORD, "！！", "term is '！！'; a word needs a letter or a digit"),
        (Kind.WORD, "毒" * 65, "term has 65 characters; shorten it to at most 64"),
        (Kind.ALL, "冰毒 & !", "term is '冰毒 & !', with a part of signs alone; each part needs a letter or a digit"),
        (Kind.ALL, "冰毒", "term has one part only; add another with & or -, or make it a literal"),
        (Kind.ALL, " & ".join(f"{number}{'毒' * 55}" for number in range(5)), "term has 292 characters; shorten it"),
        (Kind.PATTERN, "(冰", "term is no RE2 pattern (missing )); see github.com"),
        (Kind.PATTERN, r"(.)\1", "term is no RE2 pattern (invalid escape sequence); see"),
        (Kind.PATTERN, "冰(?=毒)", "term is no RE2 pattern (invalid perl operator); see"),
        (Kind.PATTERN, "((a{100}){100})", "term is no RE2 pattern (invalid repetition size); see"),
        (Kind.PATTERN, r"(?:\pL\pN\pP){300}", "term is no RE2 pattern (pattern too large - compile failed); see"),
        (Kind.PATTERN, "\ud800", "term is no RE2 pattern (UnicodeEncodeError); see"),
        (Kind.PATTERN, "a" * 257, "term has 257 characters; shorten it to at most 256"),
    ],
)
def test_problem_names_value_and_remedy(kind: Kind, term: str, expected: str) -> None:
    """Each thing wrong with a term is one sentence for whoever has to mend it."""
    (found,) = term_problems(kind, term)
    assert found.startswith(expected)


@pytest.mark.parametrize(
    "pattern", ["", "a*", "x?", "a|", "^", "$", r"\b", r"\B", "(?m)$", r"毒|\b", "(?:冰毒){0,3}"]
)
def test_pattern_has_to_take_a_character(pattern: str) -> None:
    """What matches where there is nothing would match in every text."""
    (found,) = term_problems(Kind.PATTERN, pattern)
    assert found.startswith("term matches where there is nothing")


@given(st.sampled_from(Kind), st.text(max_size=80))
def test_any_term_is_judged(kind: Kind, term: str) -> None:
    """No text makes the check fail."""
    assert all(problem.startswith("term ") for problem in term_problems(kind, term))
