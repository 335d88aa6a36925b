"""Clients that nobody here wrote do with the gateway what they do with the model server."""

import importlib
import os
from typing import Any

import pytest

from tests.conformance import anthropic_python, langchain_python, litellm_python, openai_node, openai_python
from tests.conformance.registry import CASES, Case, Client, Feature, render_table
from tests.documents import ROOT
from tests.gateways import Gateway

CLIENTS = (anthropic_python, langchain_python, litellm_python, openai_node, openai_python)
# Read when it is loaded: else it asks the internet for a list of prices.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
_MODULES = {
    Client.OPENAI_PYTHON: "openai",
    Client.ANTHROPIC_PYTHON: "anthropic",
    Client.LANGCHAIN: "langchain_openai",
    Client.LITELLM: "litellm",
}


def library(client: Client) -> Any:  # noqa: ANN401 a module
    """Load a client; late, because some take many seconds and hardly a run of tests needs them."""
    if client is Client.OPENAI_NODE:
        return openai_node.runner()
    return importlib.import_module(_MODULES[client])


@pytest.mark.parametrize(
    "case", CASES, ids=lambda each: f"{each.check.__module__.split('.')[-1]}-{each.check.__name__}"
)
def test_client(served: Gateway, case: Case) -> None:
    """What the table says of this client and this feature."""
    case.check(served, library(case.client))


def test_the_table_in_the_documentation_is_the_tested_one() -> None:
    """Each yes of the table has a test above, and each test its yes."""
    assert render_table() in (ROOT / "docs" / "clients.md").read_text("utf-8")


def test_each_client_and_each_feature_is_tested() -> None:
    """No row and no column of the table is empty, and nothing is in it twice."""
    assert {each.client for each in CASES} == set(Client)
    assert {each.feature for each in CASES} == set(Feature)
    assert len({(each.client, each.feature) for each in CASES}) == len(CASES)
