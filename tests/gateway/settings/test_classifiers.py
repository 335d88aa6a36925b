"""The settings of classifiers."""

from pathlib import Path

import pytest

from gateway.settings.classifiers import ClassifierKind
from tests.settings_files import load_text, only_problem


def test_a_table_names_a_model(tmp_path: Path) -> None:
    """Kind and budget have defaults."""
    (given,) = load_text(tmp_path, '[[classifiers]]\nname = "own"\npath = "model"').settings.classifiers
    assert (given.kind, given.path, given.budget_ms) == (ClassifierKind.ONNX, Path("model"), 500)


@pytest.mark.parametrize(
    ("text", "key"),
    [('name = "a b"', "name"), ('name = "a"\nbudget_ms = 1', "budget_ms"), ('name = "a"\nkind = "gpt"', "kind")],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, key: str) -> None:
    """By key."""
    assert only_problem(tmp_path, f"[[classifiers]]\n{text}").key == f"classifiers.0.{key}"
