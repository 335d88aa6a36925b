"""Made-up entries of an audit trail: many exchanges over many days, in the product's own form.

Rules: the same trail each time it is asked for; shares are those of an ordinary installation and are stated here.
"""

import random
import time
from collections.abc import Iterator
from itertools import accumulate

from filters.findings import Action, Phase, Stage
from gateway.audit.entry import encode_exchange
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event, encode_event
from gateway.protocol.record import ExchangeRecord, Latency, RecordedFinding
from gateway.storage.partitions import DAY_US

_ACCOUNTS = 200
_USERS = 100_000
_RISKS = 31
# Of a hundred exchanges; the rest is allowed.
_DECISIONS = {"flag": 2.0, "block": 1.2, "mask": 0.8, "error": 0.2, "unscanned": 0.05}
_WITH_USER = 0.7
_COMMON_SHARE = 0.5
_EVENT_EVERY = 5_000
# In all, whatever the number of entries.
_RARE_FINDINGS = 20
_OLD_DAYS = 3


class Trail:
    """A trail of one log.

    Attributes:
        count: entries in it.
        start_us: when it begins, in microseconds of Unix time.
        end_us: when it ends, the same unit.
    """

    log_id = "00112233445566aa"
    clean_account = "acc_clean"
    common_risk, rare_risk, old_risk = "X.common", "X.rare", "X.old"

    def __init__(self, count: int, days: int) -> None:
        self.count = count
        # Whole days, so that a second run on the same day asks among the same entries.
        self.end_us = (time.time_ns() // 1_000 // DAY_US + 1) * DAY_US
        self.start_us = self.end_us - days * DAY_US
        self.accounts = [f"acc_{number:012x}" for number in range(_ACCOUNTS)]
        chance = random.Random(1)  # noqa: S311 made-up data
        self.users = [f"{chance.getrandbits(128):032x}"[:22] for _ in range(_USERS)]
        self.risks = [f"A.{1 + number // 8}.{'abcdefgh'[number % 8]}" for number in range(_RISKS)]

    def request_id(self, number: int) -> str:
        """Return the id of one of the requests."""
        return f"{self._at_us(number) // 1_000:012x}7{number:019x}"

    def entries(self) -> Iterator[bytes]:
        """Yield the entries in the order of time."""
        chance = random.Random(2)  # noqa: S311 made-up data
        decisions = ["allow", *_DECISIONS]
        decision_weights = list(accumulate([100 - sum(_DECISIONS.values()), *_DECISIONS.values()]))
        accounts = [*self.accounts, self.clean_account]
        # By Zipf's law, but for the account that is never blocked: it has a tenth of all.
        shares = [1 / rank for rank in range(1, _ACCOUNTS + 1)]
        account_weights = list(accumulate([*shares, sum(shares) / 9]))
        user_weights = list(accumulate(1 / rank for rank in range(1, _USERS + 1)))
        risk_weights = list(accumulate(1 / rank for rank in range(1, _RISKS + 1)))
        rare = {chance.randrange(self.count) for _ in range(_RARE_FINDINGS)}
        old_until = self.start_us + _OLD_DAYS * DAY_US
        for number in range(self.count):
            at_us = self._at_us(number)
            if number % _EVENT_EVERY == _EVENT_EVERY - 1:
                yield self._event(at_us)
                continue
            (account,) = chance.choices(accounts, cum_weights=account_weights)
            (decision,) = chance.choices(decisions, cum_weights=decision_weights)
            if account == self.clean_account:
                decision = "allow"
            risks: list[str] = []
            if decision in {"flag", "block", "mask"}:
                old = at_us < old_until and chance.random() < _COMMON_SHARE
                (risk,) = chance.choices(self.risks, cum_weights=risk_weights)
                risks.append(self.old_risk if old else self.common_risk if chance.random() < _COMMON_SHARE else risk)
            if number in rare:
                decision = "flag"
                risks.append(self.rare_risk)
            user = chance.choices(self.users, cum_weights=user_weights)[0] if chance.random() < _WITH_USER else ""
            yield encode_exchange(self._record(number, at_us, account, user, decision, risks))

    def _event(self, at_us: int) -> bytes:
        return encode_event(Event(EventName.CONTENT_READ, "cli:officer", at_us, self.request_id(0), {"entries": 1}))

    def _at_us(self, number: int) -> int:
        return self.start_us + (self.end_us - self.start_us) * number // self.count

    def _record(
        self, number: int, at_us: int, account: str, user: str, decision: str, risks: list[str]
    ) -> ExchangeRecord:
        action = Action(decision) if risks else Action.OFF
        findings = tuple(RecordedFinding(Phase.REQUEST, Stage.KEYWORDS, risk, action, "某个词", 1) for risk in risks)
        return ExchangeRecord(
            request_id=self.request_id(number),
            started_at_us=at_us,
            ended_at_us=at_us + 900_000 + number % 7_777,
            account=account,
            account_kind="user",
            user=user,
            model="qwen3-32b",
            streamed=True,
            decision=decision,
            phase=Phase.REQUEST if decision == "block" else None,
            findings=findings,
            ruleset="0123456789abcdef01234567",
            produce_id=self.request_id(number),
            prompt_characters=200 + number % 999,
            prompt_digest="0123456789abcdefABCDEF",
            reply_characters=900 + number % 3_331,
            reply_digest="0123456789abcdefABCDEF",
            upstream="gpu-1",
            latency=Latency(150, 700, 899_000, 120_000, 300),
        )
