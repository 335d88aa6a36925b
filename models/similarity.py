"""Near duplicates: texts that share most of their character 5-grams."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

GRAM_CHARACTERS = 5


def grams(text: str) -> frozenset[str]:
    """Return the 5-grams of a text, in lower case and with white space levelled; a shorter text is one of its own."""
    plain = " ".join(text.lower().split())
    last = max(1, len(plain) - GRAM_CHARACTERS + 1)
    return frozenset(plain[start : start + GRAM_CHARACTERS] for start in range(last))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of the members of either set that are in both, 0 to 1."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def near_duplicates(texts: Sequence[str], least: float) -> Iterator[tuple[int, int, float]]:
    """Find all pairs of texts that are at least so similar.

    Args:
        texts: the texts.
        least: similarity from which a pair counts, above 0 up to 1.

    Yields:
        Indices of the earlier and the later text, and how similar they are (Jaccard index of their 5-grams).
    """
    sets = [grams(text) for text in texts]
    frequency = Counter(gram for members in sets for gram in members)
    by_gram = defaultdict[str, list[int]](list)
    for later, members in enumerate(sets):
        # Two sets so similar share one of their rarest members (prefix filtering, Chaudhuri et al. 2006).
        rarest = sorted(members, key=lambda gram: (frequency[gram], gram))
        prefix = rarest[: len(members) - math.ceil(least * len(members)) + 1]
        for earlier in sorted({index for gram in prefix for index in by_gram[gram]}):
            shorter, longer = sorted((len(sets[earlier]), len(members)))
            if shorter >= least * longer and (similar := jaccard(sets[earlier], members)) >= least:
                yield earlier, later, similar
        for gram in prefix:
            by_gram[gram].append(later)
