"""What a policy inherits: the tables its values come from, and the values in force.

Rules: a value comes from the policy's own table, else from its base's, else from `default`'s, else it is built in.
A policy that ships with Sluice stands beneath the table of its name. Tables are merged key by key; a list or a text
is taken as a whole.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.protocol.policy_table import DEFAULT_POLICY
from gateway.settings.lines import KeyPath
from gateway.settings.loader import Loaded
from gateway.settings.policy_models import PolicySettings
from gateway.settings.policy_profiles import SHIPPED
from gateway.settings.policy_select import Policies
from gateway.settings.show import Effective, walk_settings
from gateway.settings.sources import DEFAULT, Tree, merge


class Source(StrEnum):
    """Where a value of a policy comes from."""

    OWN = "own"
    BASE = "base"
    DEFAULT = "default"  # the policy of that name
    SHIPPED = "shipped"
    BUILT_IN = "built-in"


class Layer(NamedTuple):
    """One table a policy's values come from.

    Attributes:
        source: what it is to the policy.
        policy: name of the policy whose table it is.
        tree: what it gives.
    """

    source: Source
    policy: str
    tree: Tree


class PolicyValue(NamedTuple):
    """One value of a policy in force.

    Attributes:
        key: its place below the policy.
        value: as JSON writes it; None when it is not set.
        source: where it comes from.
        policy: name of the policy whose table gives it; empty for what is built in.
        place: file and line, variable or `command line`; empty for what stands in no settings.
    """

    key: KeyPath
    value: object
    source: Source
    policy: str
    place: str

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        if self.source is Source.BUILT_IN:
            return self.source.value
        table = "own" if self.source is Source.OWN else f"{self.source} {self.policy}"
        if self.source is Source.DEFAULT:
            table = self.policy
        return f"{table}, {self.place}" if self.place else table


def policy_layers(policies: Policies, name: str) -> list[Layer]:
    """Return the tables of a policy, those that win last.

    Args:
        policies: the settings.
        name: one of `Policies.names`.
    """
    layers = [*_tables(policies, DEFAULT_POLICY, Source.DEFAULT if name != DEFAULT_POLICY else Source.OWN)]
    if (base := policies.base_of(name)) is not None:
        layers += _tables(policies, base, Source.BASE)
    if name != DEFAULT_POLICY:
        layers += _tables(policies, name, Source.OWN)
    return layers


def effective_policy(policies: Policies, name: str) -> PolicySettings:
    """Return the settings of a policy with what it inherits; see `policy_layers`."""
    return PolicySettings.model_validate(merge(*(layer.tree for layer in policy_layers(policies, name))))


def policy_values(loaded: Loaded, name: str) -> list[PolicyValue]:
    """Return every value of a policy in force and where it comes from, tables after the keys beside them.

    Args:
        loaded: the settings with their origins.
        name: one of `Policies.names`.
    """
    policies = loaded.settings.policies
    layers = policy_layers(policies, name)[::-1]

    def trace(row: Effective) -> PolicyValue:
        layer = next((layer for layer in layers if _gives(layer.tree, row.path)), None)
        if layer is None:
            return PolicyValue(row.path, row.value, Source.BUILT_IN, "", "")
        where = loaded.origins.spot(("policies", layer.policy, *row.path))
        return PolicyValue(row.path, row.value, layer.source, layer.policy, "" if where == DEFAULT else where)

    rows = [each for row in walk_settings(effective_policy(policies, name)) for each in _entries(row)]
    # The base is how the values were found, and none of them.
    return sorted([trace(row) for row in rows if row.path != ("base",)], key=lambda value: len(value.key) > 1)


def _entries(row: Effective) -> list[Effective]:
    """Return the entries of a table of texts one by one: each may come from another place."""
    if not isinstance(row.value, dict):
        return [row]
    return [row._replace(path=(*row.path, name), value=text) for name, text in row.value.items()]


def _tables(policies: Policies, name: str, source: Source) -> Iterator[Layer]:
    if name in SHIPPED:
        yield Layer(Source.SHIPPED, name, dict(SHIPPED[name]))
    if name in policies.named:
        yield Layer(source, name, policies.named[name].model_dump(exclude_unset=True, exclude={"base"}))


def _gives(tree: Any, path: KeyPath) -> bool:  # noqa: ANN401 what settings hold
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return False
        tree = tree[name]
    return True
