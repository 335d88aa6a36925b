"""Where whoever asks stands: the rules one exchange is judged by, settled once it is known who asks for what."""

from typing import NamedTuple

from filters.ruleset import Ruleset
from gateway.protocol.labels import Labelling
from gateway.protocol.policy import Policy


class Standing(NamedTuple):
    """By which rules an exchange is judged.

    Two of them: the shell gives a provisional one with the account, before the body is read, and the one that holds
    with `Admitted`, since end user and model stand in the body.

    Attributes:
        policy: what is done about findings.
        ruleset: what texts are scanned with.
        labelling: how answers are labelled.
        account_kind: ``user``, ``audit``, ``unfiltered``, or empty when no account was found.
        observe: True when findings are recorded and nothing acts on them.
        end_user: who is asking, as believed, or empty; for the shell alone, which writes a pseudonym of it.
    """

    policy: Policy
    ruleset: Ruleset
    labelling: Labelling
    account_kind: str = ""
    observe: bool = False
    end_user: str = ""

    def __repr__(self) -> str:
        """Say which rules, and not who: this must not get into a log."""
        return f"Standing({self.policy.name}, {self.account_kind}, …)"
