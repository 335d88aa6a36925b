"""The table `[policies]`: policies by name, and the rules that say who gets which.

Rules: a policy has at most one base, and a base has none but `default`; every name a rule or a policy gives is there.
What is wrong with them is found here, so that settings which were taken cannot lead nowhere.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from gateway.protocol.policy_table import DEFAULT_POLICY
from gateway.settings.base import Section, rejected
from gateway.settings.policy_models import PolicySettings
from gateway.settings.policy_profiles import SHIPPED
from gateway.settings.suggestions import nearest

# Small letters only, because names of variables are matched without regard to case.
PolicyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class Select(Section):
    """A rule that gives a policy to whoever fits all that it names; the first rule that fits counts."""

    policy: str = Field(description="Name of the policy.")
    tenant: str | None = Field(None, min_length=1, max_length=64, description="Tenant of the account.")
    account: str | None = Field(None, min_length=1, max_length=64, description="Name of the account.")
    kind: Literal["user", "audit", "unfiltered"] | None = Field(None, description="Kind of the account.")
    model: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="Model the client asks for, as it is written or with `*`, `?` and `[…]` as in names of files.",
    )
    profile: str | None = Field(
        None,
        pattern=r"^[a-z0-9_-]{1,64}$",
        description="Profile of the end user, such as `minor`: the header `x-sluice-profile` of an account that is"
        " believed about its end users.",
        json_schema_extra={"remedy": "Write small letters, digits, - and _, at most 64 of them, such as minor"},
    )


class Policies(Section):
    """What accounts are judged by: one table for each policy, and the rules of who gets which."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[PolicyName, PolicySettings] = Field(init=False)

    select: tuple[Select, ...] = Field(
        (),
        max_length=1024,
        json_schema_extra={"remedy": "Write one [[policies.select]] table for each rule, at most 1024"},
    )

    @model_validator(mode="before")
    @classmethod
    def _default_exists(cls, given: Any) -> Any:  # noqa: ANN401 whatever the file holds
        # An operator who adds one policy of their own must not lose the one that accounts fall back to.
        return {DEFAULT_POLICY: {}} | given if isinstance(given, dict) else given

    @property
    def named(self) -> Mapping[str, PolicySettings]:
        """The policies of the settings by name; `default` is always among them."""
        return self.__pydantic_extra__

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every policy there is, also of those that ship with Sluice and stand in no file."""
        return (*self.named, *(name for name in SHIPPED if name not in self.named))

    def base_of(self, name: str) -> str | None:
        """Return the policy whose values a policy takes where it has none of its own, besides `default`."""
        base = self.named[name].base if name in self.named else None
        return None if base == DEFAULT_POLICY else base

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Self:
        wrong = [*self._wrong_bases(), *self._wrong_rules()]
        if wrong:
            # With the place of each, which an error of the whole table could not name.
            raise ValidationError.from_exception_data("policies", wrong)
        return self

    def _wrong_bases(self) -> Iterator[InitErrorDetails]:
        for name, policy in self.named.items():
            place, base = (name, "base"), policy.base
            if base is None:
                continue
            if name == DEFAULT_POLICY:
                yield _wrong(place, base, "stands in the base of all", "Remove it: every policy is based on default")
            elif base not in self.names:
                yield _wrong(place, base, "is not a policy", self._remedy(base))
            elif base == name:
                yield _wrong(place, base, "names the policy itself", "Name another policy, or remove it")
            elif (above := self.base_of(base)) is not None:
                remedy = f"Name {above} or default, or remove base of {base}"
                yield _wrong(place, base, "has a base itself, and inheritance goes one step", remedy)

    def _wrong_rules(self) -> Iterator[InitErrorDetails]:
        for number, rule in enumerate(self.select):
            if rule.policy not in self.names:
                yield _wrong(("select", number, "policy"), rule.policy, "is not a policy", self._remedy(rule.policy))
            if rule.model_fields_set == {"policy"}:
                remedy = "Name a tenant, account, kind, model or profile; what all get is [policies.default]"
                yield _wrong(("select", number), None, "fits everybody", remedy)

    def _remedy(self, name: str) -> str:
        return nearest(name, self.names) or f"Add a table [policies.{name}], or use one of: {', '.join(self.names)}"


def _wrong(place: tuple[str | int, ...], value: object, wrong: str, remedy: str) -> InitErrorDetails:
    return InitErrorDetails(type=rejected(wrong, remedy), loc=place, input=value)
