"""A reload while clients ask: nobody notices but by what is matched."""

import threading
from collections import Counter
from pathlib import Path
from typing import Self

from gateway.protocol.record import short_digest
from tests.gateways import HTTP, Gateway, chat, eventually, gateway
from tests.lists import write_list

_WORD = "绝密代号白鹭"


class _Traffic:
    """Clients that ask the same thing again and again."""

    def __init__(self, served: Gateway, clients: int = 4) -> None:
        self.decisions: Counter[tuple[int, str | None]] = Counter()
        self._served = served
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._ended.is_set():
            answer = self._served.post(chat(f"说说{_WORD}"))
            self.decisions[answer.status_code, answer.headers.get("x-sluice-decision")] += 1


def test_new_terms_come_and_go_without_a_failed_request(standin_url: str, tmp_path: Path) -> None:
    """A term that is added blocks without a restart, a bad list changes nothing, and no request fails meanwhile."""
    own = tmp_path / "own"
    write_list(own, "出售某物")
    settings = {"lists": {"directories": [str(own)], "versions": str(tmp_path / "versions"), "shipped": False}}
    with gateway(tmp_path, standin_url, settings) as served, _Traffic(served) as traffic:
        first = served.services.ruleset.digest
        eventually(lambda: traffic.decisions[200, "allow"] > 0)

        write_list(own, "出售某物", _WORD)
        eventually(lambda: traffic.decisions[200, "block"] > 0)
        second = served.services.ruleset.digest

        write_list(own, "毒")
        eventually(lambda: HTTP.get(f"{served.admin_url}/api/v1/lists").json()["outcome"] == "refused")
        assert served.services.ruleset.digest == second
        blocked = traffic.decisions[200, "block"]
        eventually(lambda: traffic.decisions[200, "block"] > blocked)

        allowed = traffic.decisions[200, "allow"]
        write_list(own, "出售某物")
        eventually(lambda: traffic.decisions[200, "allow"] > allowed)
        assert served.services.ruleset.digest == first
    assert set(traffic.decisions) == {(200, "allow"), (200, "block")}
    # Each exchange is recorded under the lists it was judged by.
    judged = {(record.ruleset, record.decision) for record in served.on_disk()}
    assert judged == {(short_digest(first), "allow"), (short_digest(second), "block")}
