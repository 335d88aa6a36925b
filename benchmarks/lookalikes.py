"""How many harmless sentences are hit that look or sound like what lists forbid.

Run from the root of the repository::

    python -m benchmarks.lookalikes

The sentences are in ``tests/data/lookalikes.txt``, in Chinese and English: longer words around a term, words that
sound like one, numbers, spaced letters, names. The terms are those of the shipped lists and some 200 made ones of
``tests/data/conduct_terms.txt``, all folds on. Sentences that hold a term in another sense
(``tests/data/same_words.txt``) are counted apart: words alone do not tell them. Exits 1 when more than
``--limit-percent`` of the look-alikes are hit.
"""

import argparse
import sys

from tests.filters.lookalikes import LOOKALIKES, SAME_WORDS, all_terms, hits, lines


def main() -> int:
    """Measure, print, and say whether the share stayed within the limit."""
    parser = argparse.ArgumentParser(description="False alarms on harmless look-alikes.")
    parser.add_argument("--limit-percent", type=float, default=1.0, help="look-alikes that may be hit")
    arguments = parser.parse_args()
    terms = all_terms()
    shares: list[float] = []
    print(f"{len(terms)} terms")
    for name in (LOOKALIKES, SAME_WORDS):
        sentences = lines(name)
        found = hits(terms, sentences)
        shares.append(100 * len(found) / len(sentences))
        print(f"\n{name}: {len(found)} of {len(sentences)} sentences hit, {shares[-1]:.2f} %")
        for hit in found:
            print(f"  {hit.sentence}  {', '.join(hit.found)}")
    return int(shares[0] > arguments.limit_percent)


if __name__ == "__main__":
    sys.exit(main())
