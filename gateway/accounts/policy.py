"""The policy an account is judged by, as people ask for it: which, why that one, and where its values come from."""

from typing import NamedTuple

from gateway.accounts.account import Account
from gateway.protocol.policy_table import PolicyQuery
from gateway.settings.loader import Loaded
from gateway.settings.policies import build_policy_table
from gateway.settings.policy_layers import PolicyValue, policy_values
from gateway.settings.show import Effective, render_rows


class EffectivePolicy(NamedTuple):
    """A policy in force.

    Attributes:
        name: its name.
        because: why it is this one, for people.
        values: its values; empty when it was taken out of the settings.
    """

    name: str
    because: str
    values: tuple[PolicyValue, ...]

    @property
    def missing(self) -> bool:
        """True when an account names it and no settings do; such an account is refused."""
        return not self.values

    def as_json(self) -> dict[str, object]:
        """Return it for programs."""
        rows = [
            {
                "key": list(each.key),
                "value": each.value,
                "source": each.source.value,
                "policy": each.policy or None,
                "place": each.place or None,
            }
            for each in self.values
        ]
        return {"policy": self.name, "because": self.because, "missing": self.missing, "values": rows}

    def as_text(self) -> str:
        """Return it for people: TOML, with where each value comes from."""
        rows = [Effective(("policies", self.name, *each.key), each.value, each.origin) for each in self.values]
        return f"# Policy {self.name}: {self.because}.\n" + render_rows(rows)


def policy_of(loaded: Loaded, account: Account, *, model: str = "", profile: str = "") -> EffectivePolicy:
    """Return the policy an account is judged by.

    Args:
        loaded: the settings with their origins.
        account: who asks.
        model: model asked for; empty is one that no rule names.
        profile: profile of the end user, the same.
    """
    query = PolicyQuery(account.policy or "", account.tenant, account.name, account.kind.value, model, profile)
    chosen = build_policy_table(loaded.settings).choose(query)
    if chosen.rule is not None:
        where = loaded.origins.spot(("policies", "select", str(chosen.rule)))
        because = f"rule {chosen.rule + 1} of [[policies.select]] fits, {where}"
    else:
        because = "it is the account's own" if account.policy else "the account has none of its own, and no rule fits"
    return _effective(loaded, chosen.name, because)


def policy_named(loaded: Loaded, name: str) -> EffectivePolicy:
    """Return a policy by its name.

    Args:
        loaded: the settings with their origins.
        name: one of `Policies.names`.
    """
    return _effective(loaded, name, "it was asked for by name")


def _effective(loaded: Loaded, name: str, because: str) -> EffectivePolicy:
    known = name in loaded.settings.policies.names
    return EffectivePolicy(name, because, tuple(policy_values(loaded, name)) if known else ())
