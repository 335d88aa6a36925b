"""The strike rule to the letter, against running processes: what clients see must agree with what the store counted.

Each takes a platform and an end user nobody has met, and raises AssertionError where the rule was broken.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

from gateway.protocol.strikes import Measure
from gateway.storage.schema import STRIKE_COUNTS
from gateway.storage.transactions import writing
from gateway.strikes.rule import Rule, day_of
from gateway.strikes.store import Past
from tests.gateway.strikes.gateways import CLEAN, REFUSED_STATUS, Platform, Reply, client
from tests.gateways import BLOCKED

ROW = 3
DAY = 5


def storm(served: Platform, clients: int, _chance: random.Random) -> None:
    """All clients violate at once: exactly three are counted and refused, everybody else is suspended by then."""
    end_user = served.end_user()
    replies = asyncio.run(served.send_all(end_user, [BLOCKED] * clients))
    refusals = _refusals(replies)
    assert len(refusals) == ROW, f"{len(refusals)} refusals"
    assert all(reply.code == "end_user_suspended" for reply in replies if reply not in refusals)
    _check_history(served, end_user, refusals)
    _check_suspended(served, end_user, clients)


def row(served: Platform, clients: int, chance: random.Random) -> None:
    """Three in a row, each at any of the processes, suspend at exactly the third."""
    end_user = served.end_user()
    replies = [served.ask(end_user, BLOCKED, chance.randrange(len(served.workers))) for _ in range(ROW)]
    assert [reply.warning for reply in replies] == ["", "suspension", "suspended"]
    _check_history(served, end_user, replies)
    _check_suspended(served, end_user, clients)


def day(served: Platform, clients: int, chance: random.Random) -> None:
    """With clean turns of all clients between them, exactly the fifth of the day suspends."""
    end_user = served.end_user()
    replies = []
    for number in range(DAY):
        replies.append(served.ask(end_user, BLOCKED, chance.randrange(len(served.workers))))
        assert replies[-1].blocked
        if number < DAY - 1:
            clean = asyncio.run(served.send_all(end_user, [CLEAN] * (clients - 1)))
            assert {reply.status for reply in clean} == {200}
    assert [reply.warning for reply in replies] == ["", "", "", "suspension", "suspended"]
    past = _check_history(served, end_user, replies)
    assert [each.consecutive for each in past] == [1] * DAY
    _check_suspended(served, end_user, clients)


def mixture(served: Platform, clients: int, chance: random.Random) -> None:
    """Clients send clean prompts and violations as they like: what was counted is what the rule allows."""
    end_user = served.end_user()
    plans = [[BLOCKED if chance.random() < 0.15 else CLEAN for _ in range(4)] for _ in range(clients)]

    async def run() -> list[Reply]:
        async with client() as http:

            async def follow(number: int, plan: Sequence[str]) -> list[Reply]:
                return [await served.send(http, number + step, end_user, prompt) for step, prompt in enumerate(plan)]

            told = await asyncio.gather(*(follow(number, plan) for number, plan in enumerate(plans)))
            return [reply for replies in told for reply in replies]

    replies = asyncio.run(run())
    refusals = _refusals(replies)
    _check_history(served, end_user, refusals)
    assert {reply.status for reply in replies} <= {200, REFUSED_STATUS}
    suspending = [reply for reply in refusals if reply.warning == "suspended"]
    assert len(suspending) <= 1
    for reply in replies:
        if suspending and reply.began > suspending[0].ended:
            assert reply.status == REFUSED_STATUS, "admitted after the suspension"
        if not suspending:
            assert reply.status == 200


def midnight(served: Platform, clients: int, _chance: random.Random) -> None:
    """Strikes of yesterday, as Asia/Shanghai has it, are not today's; a row goes on through midnight.

    The strikes before are rows dated in the store, as a process wrote them the day before.
    """
    today = day_of(time.time_ns() // 1000, Rule().zone)
    for consecutive, its_day, total, suspends in (
        (0, today - 1, DAY - 1, False),
        (0, today, DAY - 1, True),
        (ROW - 1, today - 1, DAY - 1, True),
        (ROW - 2, today - 1, DAY - 1, False),
    ):
        end_user = served.end_user()
        with writing(served.store.engine) as connection:
            values = {"consecutive": consecutive, "day": its_day, "day_total": total}
            # Changed just now: a settled row of long ago is cleared away by the gateway, with its count.
            rest = {"suspended_until_us": 0, "suspended_at_us": 0, "request_id": ""}
            rest["changed_at_us"] = time.time_ns() // 1000
            connection.execute(STRIKE_COUNTS.insert().values(**served.person(end_user)._asdict(), **values, **rest))
        reply = served.ask(end_user, BLOCKED)
        assert reply.blocked
        assert (reply.warning == "suspended") is suspends, (consecutive, its_day - today, total)
        statuses = {each.status for each in asyncio.run(served.send_all(end_user, [CLEAN] * clients))}
        assert statuses == {REFUSED_STATUS if suspends else 200}


def kill(served: Platform, _clients: int, chance: random.Random) -> bool:
    """The first process is killed between a third violation and its reply: what was committed counts elsewhere.

    Returns:
        Whether the strike was committed and its reply lost, which is the case that is looked for.
    """
    end_user, victim, other = served.end_user(), 0, 1
    for _ in range(ROW - 1):
        assert served.ask(end_user, BLOCKED, other).blocked
    watched = chance.random() < 0.5

    async def violate_and_kill() -> Reply:
        async with client() as http:
            sending = asyncio.create_task(served.send(http, victim, end_user, BLOCKED))
            if watched:
                # As soon as the strike can be seen: its reply still waits for the audit trail.
                await asyncio.to_thread(_await_strikes, served, end_user, ROW)
            else:
                await asyncio.sleep(chance.uniform(0.0, 0.02))
            served.kill(victim)
            return await sending

    reply = asyncio.run(violate_and_kill())
    committed = len(served.store.history(*served.person(end_user))) == ROW
    assert committed or not reply.status, "a refusal left without its strike"
    expected = REFUSED_STATUS if committed else 200
    assert served.ask(end_user, CLEAN, other).status == expected
    return committed and not reply.status


SCENARIOS: tuple[Callable[[Platform, int, random.Random], None], ...] = (storm, row, day, mixture, midnight)


def _await_strikes(served: Platform, end_user: str, number: int) -> None:
    person, deadline = served.person(end_user), time.monotonic() + 30
    while len(served.store.history(*person)) < number:
        assert time.monotonic() < deadline, "the strike was not counted"


def _refusals(replies: Sequence[Reply]) -> list[Reply]:
    return [reply for reply in replies if reply.blocked]


def _check_history(served: Platform, end_user: str, refusals: Sequence[Reply]) -> list[Past]:
    """Check that the store counted exactly what was refused, by the rule; return it, the oldest first."""
    past = served.store.history(*served.person(end_user))[::-1]
    assert sorted(each.request_id for each in past) == sorted(reply.request_id for reply in refusals)
    for number, each in enumerate(past):
        assert each.day_total == number + 1
        assert each.consecutive in (1, past[number - 1].consecutive + 1 if number else 1)
        reached = each.consecutive == ROW or each.day_total == DAY
        assert (each.measure == Measure.SUSPENDED) is reached, each
        assert not reached or number == len(past) - 1
    counted = {each.request_id: each.measure for each in past}
    shown = {"": Measure.COUNTED, "suspension": Measure.WARNED, "suspended": Measure.SUSPENDED}
    assert all(counted[reply.request_id] == shown[reply.warning] for reply in refusals)
    return past


def _check_suspended(served: Platform, end_user: str, clients: int) -> None:
    """Check that this end user gets in at no process, and that somebody else does."""
    later = asyncio.run(served.send_all(end_user, [CLEAN] * clients))
    assert {(reply.status, reply.code) for reply in later} == {(REFUSED_STATUS, "end_user_suspended")}
    assert served.ask(served.end_user(), CLEAN).status == 200
