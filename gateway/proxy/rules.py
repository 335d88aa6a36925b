"""By which policy and ruleset somebody is judged, once it is known who asks for what."""

from gateway.accounts.account import Account, AccountKind
from gateway.accounts.identity import Caller
from gateway.protocol.policy_table import PolicyQuery, PolicyTable
from gateway.protocol.standing import Standing
from gateway.rulesets.rollout import Rollout


class Rules:
    """The policies, and the ruleset that is tried out.

    Args:
        policies: who is judged by which policy.
        rollout: knows which ruleset is tried out.
    """

    def __init__(self, policies: PolicyTable, rollout: Rollout) -> None:
        self._policies = policies
        self._rollout = rollout

    def settle(
        self, standing: Standing, account: Account, caller: Caller, model: str, profile: str
    ) -> Standing | None:
        """Return the rules that hold; None when the account names a policy that no settings have.

        Args:
            standing: the rules so far; returned as it is where nothing changes.
            account: whose key it is.
            caller: who is asking.
            model: model asked for.
            profile: profile of the end user, where one is believed.
        """
        kind = caller.kind.value
        query = PolicyQuery(account.policy or "", account.tenant, account.name, kind, model, profile)
        policy = self._policies.select(query)
        if policy is None:
            return None
        if policy is not standing.policy:
            standing = standing._replace(policy=policy)
        # Regulators see what is in force, whenever they ask, and not what may be one day.
        return self._tried_out(standing, account, caller) if caller.kind is AccountKind.USER else standing

    def _tried_out(self, standing: Standing, account: Account, caller: Caller) -> Standing:
        """Take the ruleset that is tried out, where it is this person's; the one in force then says besides."""
        trial, in_force = self._rollout.trial, standing.ruleset
        if trial is None or trial.ruleset.digest == in_force.digest:
            return standing
        # An account's id is made by chance, and a pseudonym with a key: nobody can choose a side.
        if not trial.takes(f"{account.id} {caller.pseudonym}"):
            return standing
        return standing._replace(ruleset=trial.ruleset, other=in_force)
