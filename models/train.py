"""Train the embedded classifier and write the folder it is shipped in.

Run from the root of the repository, with the directory of the public training data::

    python -m models.train --data ../shared/data

It reads ``classifier/train.jsonl.gz``, ``classifier/dev.jsonl.gz`` and ``benign/*.jsonl.gz`` there, whose README
names sources and licences, and the rows of ``models/data/written``. The packages it needs are the extra ``train``.

The encoder is not trained: what it makes of each text is computed once and kept in the cache, which may be deleted at
any time. Heads are then fitted once for each fold of sources, to see what they are worth on sources they have not
met, and once to everything. The same input and seed give the same figures to about a hundredth.
"""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import torch

from filters.classifier.features import Features, Sizes
from models.corpus import Corpus, augmented, digest, divided, is_kept_back, read_public, read_written
from models.encoder import package_tokenizer, package_weights
from models.encoding import Encoder, joined
from models.evaluation import UNLOOKED
from models.export import classifier_model, encoder_model
from models.folding import Material, judge_by_folds
from models.heads import Recipe, exported, fit, fit_categories
from models.linear import fit_linear
from models.manifest import Training
from models.publishing import publish
from models.rows import Row
from models.verdicts import Verdicts, figures, judge
from models.verify import difference
from models.vocabulary import prune

SIZES = Sizes(max_pieces=128, ngram_buckets=65536, max_ngrams=512)
PIECES = 40_000
_QUESTIONS = Path(__file__).parent.parent / "benchmarks" / "harmless_questions.txt"


def main() -> int:
    """Train, judge, write."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    recipe = Recipe(seed=arguments.seed, epochs=arguments.epochs)
    public, held, benign = read_public(arguments.data)
    written = read_written()
    written_own = [row for row in written if not is_kept_back(row)]
    held += [row for row in written if is_kept_back(row)]
    # Not those that nobody looked at: of prompts among them many ask for harm.
    calm, benign = divided([row for row in benign if row.source != UNLOOKED])
    own = [*public, *written_own, *calm]
    parts = {
        "public rows": public,
        "written rows": written_own,
        "evasions of public rows": augmented(public, recipe.seed),
        "evasions of written rows": augmented(written_own, recipe.seed),
        "harmless rows": calm,
        "harmless rows kept apart": benign,
    }
    # From the public rows alone: encodings stay valid when rows are written.
    vocabulary = prune(package_tokenizer(), (row.text for row in public), PIECES)
    weights = package_weights()
    weights["embeddings"] = weights["embeddings"][vocabulary.kept]
    features = Features(vocabulary.model, SIZES)
    encoder = Encoder(encoder_model(weights), features, arguments.cache, arguments.threads)

    encodings = [encoder.encode([row.text for row in rows], name) for name, rows in parts.items()]
    rows = [row for part in parts.values() for row in part]
    material = Material(rows, joined(encodings), len(rows) - len(benign))
    examples = material.examples(np.arange(material.trained))
    heads = fit(examples, SIZES.ngram_buckets, recipe)
    fit_categories(heads, examples, recipe)
    linear = fit_linear(examples, SIZES.ngram_buckets, recipe)

    unseen = judge_by_folds(material, SIZES.ngram_buckets, recipe)
    verdicts = Verdicts(heads, linear, encoder)
    corpus = Corpus.of(held)
    judged = judge(verdicts, corpus, Corpus.of(benign), Corpus.of(_questions()), material, unseen)
    training = Training(digest(own), len(own), arguments.seed, arguments.date, arguments.version)
    model = classifier_model(weights, exported(heads), judged.temperatures)
    apart = difference(model, features, verdicts, corpus, judged.temperatures)
    sys.stdout.write(f"graph and fitted model lie {apart:.4f} apart on average\n")
    publish(arguments.out, model, vocabulary.model, linear, SIZES, training, figures(judged))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m models.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="directory with classifier/ and benign/")
    parser.add_argument(
        "--out", type=Path, default=Path("models/classifier"), help="folder of the model (default: %(default)s)"
    )
    parser.add_argument(
        "--cache", type=Path, default=Path("var/training"), help="what was computed before (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (default: %(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=Recipe().epochs, help="passes over the rows (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads to compute with (default: %(default)s)")
    parser.add_argument(
        "--date",
        type=date.fromisoformat,
        default=datetime.now(UTC).date(),
        help="date of the model (default: today)",
    )
    parser.add_argument("--version", default="2026.11", help="version of the model (default: %(default)s)")
    return parser.parse_args()


def _questions() -> list[Row]:
    """Return harmless questions that look frightening, none of which is trained on."""
    texts = _QUESTIONS.read_text(encoding="utf-8").splitlines()
    blank = Row(id="", text="", lang="", side="input", unsafe=False, category="safe", source="harmless questions")
    return [
        replace(blank, id=f"question-{number}", text=text, lang="en" if text.isascii() else "zh")
        for number, text in enumerate(texts, 1)
        if text
    ]


if __name__ == "__main__":
    sys.exit(main())
