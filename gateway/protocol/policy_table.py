"""Who is judged by which policy.

An account's own policy wins; else the first rule that fits; else ``default``. A rule fits when all that it names is
so. The model is named by the client, so a rule about it is no protection where the model server takes any name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property
from typing import NamedTuple

from gateway.protocol.policy import Policy

DEFAULT_POLICY = "default"
# As long as a name in the settings may be; what is longer is nobody's model, and is not searched through.
_MODEL_CHARACTERS = 256


class PolicyQuery(NamedTuple):
    """Who asks, as far as policies are chosen by it; empty is what is not known.

    Attributes:
        policy: the account's own policy.
        tenant: tenant of the account.
        account: name of the account.
        kind: kind of the account.
        model: model the client asks for.
        profile: profile of the end user, such as ``minor``.
    """

    policy: str = ""
    tenant: str = ""
    account: str = ""
    kind: str = ""
    model: str = ""
    profile: str = ""


@dataclass(frozen=True)
class SelectRule:
    """A rule that gives a policy; None is anybody.

    Attributes:
        policy: name of the policy.
        tenant: tenant of the account.
        account: name of the account.
        kind: kind of the account.
        model: pattern of the model, with ``*``, ``?`` and ``[…]``; case counts.
        profile: profile of the end user.
    """

    policy: str
    tenant: str | None = None
    account: str | None = None
    kind: str | None = None
    model: str | None = None
    profile: str | None = None

    def fits(self, query: PolicyQuery) -> bool:
        """Tell whether all that the rule names is so."""
        return (
            self.tenant in (None, query.tenant)
            and self.account in (None, query.account)
            and self.kind in (None, query.kind)
            and self.profile in (None, query.profile)
            and (self.model is None or self._fits_model(query.model))
        )

    def _fits_model(self, model: str) -> bool:
        return len(model) <= _MODEL_CHARACTERS and self._pattern.fullmatch(model) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(translate(self.model or ""))


class Selected(NamedTuple):
    """The name of a policy, and why it is that one.

    Attributes:
        name: name of the policy.
        rule: place of the rule that gave it; None when none did.
    """

    name: str
    rule: int | None


@dataclass(frozen=True)
class PolicyTable:
    """The policies, and who gets which.

    Attributes:
        policies: by name; ``default`` is among them.
        rules: the first that fits counts.
    """

    policies: Mapping[str, Policy]
    rules: tuple[SelectRule, ...] = field(default=())

    def choose(self, query: PolicyQuery) -> Selected:
        """Return the name of the policy somebody is judged by, and why; the policy need not exist."""
        if query.policy:
            return Selected(query.policy, None)
        for place, rule in enumerate(self.rules):
            if rule.fits(query):
                return Selected(rule.policy, place)
        return Selected(DEFAULT_POLICY, None)

    def select(self, query: PolicyQuery) -> Policy | None:
        """Return the policy somebody is judged by; None when their account names one that no settings have."""
        # Not the default in its place: it would judge by rules nobody chose for that account.
        return self.policies.get(self.choose(query).name)
