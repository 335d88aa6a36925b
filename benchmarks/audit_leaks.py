"""What a running gateway leaves behind of prompts, end users and keys: everything it wrote is searched for them.

Run from the root of the repository::

    python -m benchmarks.audit_leaks                       # 1,000 exchanges with each scope of content; two minutes
    python -m benchmarks.audit_leaks --exchanges 100       # to see that it works

A gateway of its own, in front of the stand-in model, keeps excerpts first and then all content. It is asked known
prompts, each with a word of its own: harmless, blocked and with personal data, streamed and whole, of known end
users that body or header name, broken requests and wrong keys among them. Accounts are made, changed and given new
keys over the admin API, and end users bound by name, by whoever has the token and by others. Then each file is
searched, while the gateway runs and after its stop: store with its log, audit trail, an unpacked export, what the
processes printed, the page of metrics. Left out is the file of the master key alone. Exit status 1 when anything is
found, or when the search itself did not find what it must.
"""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import Progress

from benchmarks.client import CHAT_PATH, MODEL
from benchmarks.processes import BenchmarkError, choose_cores
from benchmarks.servers import ROOT, GatewayBench, started_gateway
from gateway.accounts.keys import new_key
from gateway.audit.content.entry import ContentEntry
from gateway.audit.content.secrets import MasterKeys, default_file
from gateway.audit.content.store import ContentKeyStore, Person
from gateway.protocol.record import ExchangeRecord
from gateway.storage.engine import open_engine
from tests.gateways import BLOCKED, entries_under

_SCOPES = ("flagged", "all")
_KINDS = ("harmless", "blocked", "personal", "harmless", "malformed", "stranger")
_ANSWERED = frozenset({"harmless", "blocked", "personal"})
_PEOPLE = 50
_MOBILE = "13912345678"
_PATIENCE_SECONDS = 30.0
_ACCOUNTS = "/api/v1/accounts"
_TOKEN = secrets.token_hex(32)
_SETTINGS = {
    "SLUICE_ADMIN_TOKEN": _TOKEN,
    "SLUICE_SERVER__END_USER_HEADER": "x-end-user",
    "SLUICE_SERVER__TRUSTED_PROXIES": '["127.0.0.1/32"]',
    # Counted, and never enough of them.
    "SLUICE_STRIKES__CONSECUTIVE": "1000",
    "SLUICE_STRIKES__PER_DAY": "1000",
}


class Exchange(NamedTuple):
    """One request.

    Attributes:
        kind: what is special about it.
        word: occurs in this prompt alone.
        user: who asks.
        streamed: whether a stream is asked for.
        in_header: whether the trusted header says who asks, and the body does not.
        wrong_key: a key nobody has.
    """

    kind: str
    word: str
    user: str
    streamed: bool
    in_header: bool
    wrong_key: str

    @property
    def body(self) -> bytes:
        """The request's body."""
        said = {"blocked": BLOCKED, "personal": f"打电话 {_MOBILE}"}.get(self.kind, "请写一首诗")
        messages = [{"role": "user", "content": f"{self.word} {said} {self.word}"}]
        named = {} if self.in_header else {"user": self.user}
        request = {"model": MODEL, "stream": self.streamed, **named, "messages": messages}
        body = json.dumps(request, ensure_ascii=False).encode()
        return body[:-2] if self.kind == "malformed" else body


class Searched(NamedTuple):
    """What a search saw.

    Attributes:
        files: how many it read.
        size_bytes: how large they are together.
        found: needle's name and file of each find.
    """

    files: int
    size_bytes: int
    found: list[tuple[str, str]]


def main() -> None:
    """Ask, search, and say what was searched."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=1_000, help="exchanges with each scope")
    parser.add_argument("--directory", type=Path, help="where to write; a temporary directory otherwise")
    arguments = parser.parse_args()
    good = True
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        for scope in _SCOPES:
            with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
                good &= _examine(Path(folder), scope, arguments.exchanges, progress)
    raise SystemExit(0 if good else 1)


def _examine(folder: Path, scope: str, count: int, progress: Progress) -> bool:
    """Run one gateway and search what it leaves behind; return whether all is well."""
    exchanges = [_exchange(number) for number in range(count)]
    # Its blocked prompts are many; who is suspended would leave nothing to look for.
    settings = _SETTINGS | {"SLUICE_AUDIT__CONTENT": scope, "SLUICE_STRIKES__ENABLED": "false"}
    with started_gateway(folder, choose_cores(), settings) as bench:
        keys = _administer(bench, exchanges)
        ids = [_ask(bench, each) for each in progress.track(exchanges, description=f"{scope}: asking")]
        kept = _await_contents(folder, sum(_is_kept(each, scope) for each in exchanges))
        (folder / "metrics.txt").write_bytes(_get(bench.management_port, "/metrics"))
        needles = _needles(exchanges, [bench.key, *keys], folder)
        live = _search(folder, needles, progress, f"{scope}: searching while it runs")
    _export(folder)
    stopped = _search(folder, needles, progress, f"{scope}: searching after its stop")
    found = sorted({*live.found, *stopped.found})
    controls = _controls(folder, exchanges, ids, progress)
    print(f"content {scope}: {count} exchanges, {kept} contents kept, {len(needles)} needles in their forms")
    print(f"  while it ran {live.files} files, {live.size_bytes} bytes; stopped and exported {stopped.files} files,")
    print(f"  {stopped.size_bytes} bytes; finds: {len(found)}")
    for name, place in found[:20]:
        print(f"  FOUND {name} in {place}")
    for said, passed in controls.items():
        print(f"  control: {said}: {'yes' if passed else 'NO'}")
    return not found and all(controls.values())


def _exchange(number: int) -> Exchange:
    # Random, so that no two runs and no list share a word; with characters that JSON may escape.
    word = f"密语{secrets.token_hex(8)}"
    person = f"person-{number % _PEOPLE}-名@example.org"
    return Exchange(_KINDS[number % len(_KINDS)], word, person, number % 4 < 2, number % 5 == 0, new_key())  # noqa: PLR2004


def _is_kept(each: Exchange, scope: str) -> bool:
    return each.kind in (_ANSWERED if scope == "all" else {"blocked"})


def _ask(bench: GatewayBench, exchange: Exchange) -> str:
    """Send a request, read the whole answer, and return its request id."""
    key = exchange.wrong_key if exchange.kind == "stranger" else bench.key
    headers: dict[str, str | bytes] = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    if exchange.in_header:
        headers |= {"x-end-user": exchange.user.encode(), "x-forwarded-for": "192.0.2.1"}
    connection = HTTPConnection("127.0.0.1", bench.gateway.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("POST", CHAT_PATH, exchange.body, headers)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    # So many strangers from one address are too many, and told so.
    wanted = {"malformed": {400}, "stranger": {401, 429}}.get(exchange.kind, {200})
    if answer.status not in wanted:
        raise BenchmarkError(f"a {exchange.kind} request was answered {answer.status} and not {wanted}")
    return answer.headers["x-request-id"]


def _administer(bench: GatewayBench, exchanges: list[Exchange]) -> list[str]:
    """Do with accounts what operators do; return the keys that were made."""
    wrong = [("POST", _ACCOUNTS, {"name": each.user, "kind": "user"}) for each in exchanges[:5]]
    for method, path, body in wrong:
        # A token and a name of strangers: neither may stay anywhere.
        if _manage(bench, method, path, body, exchanges[0].wrong_key)[0] != HTTPStatus.UNAUTHORIZED:
            raise BenchmarkError("a wrong token was not refused")
    made = _managed(bench, "POST", _ACCOUNTS, {"name": "made", "kind": "audit", "count": 3, "reason": "leaks"})
    keys = [each["key"] for each in made["accounts"]]
    keys.append(_managed(bench, "POST", f"{_ACCOUNTS}/made-01/rotate", {"overlap_seconds": 0})["key"])
    _managed(bench, "PATCH", f"{_ACCOUNTS}/bench", {"trusts_end_user": True})
    people = sorted({each.user for each in exchanges})[:10]
    _managed(bench, "POST", f"{_ACCOUNTS}/bench/bindings", {"end_users": people, "kind": "audit"})
    # Refused ones too: what is wrong with a request is said without it.
    _manage(bench, "POST", f"{_ACCOUNTS}/bench/bindings", {"end_users": people, "kind": people[0]}, _TOKEN)
    _manage(bench, "POST", f"{_ACCOUNTS}/bench/bindings", {"pseudonyms": people, "kind": "audit"}, _TOKEN)
    return keys


def _managed(bench: GatewayBench, method: str, path: str, body: object) -> dict[str, Any]:
    status, answer = _manage(bench, method, path, body, _TOKEN)
    if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise BenchmarkError(f"{method} {path} was answered {status}")
    return answer


def _manage(bench: GatewayBench, method: str, path: str, body: object, token: str) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connection = HTTPConnection("127.0.0.1", bench.management_port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _await_contents(folder: Path, least: int) -> int:
    """Wait until the contents are in the trail; a search before that would find nothing of them in any form."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        kept = sum(isinstance(each, ContentEntry) for each in entries_under(folder / "audit"))
        if kept >= least:
            return kept
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{kept} contents were kept where {least} were expected")
        time.sleep(0.2)


def _needles(exchanges: list[Exchange], account_keys: list[str], folder: Path) -> dict[bytes, str]:
    """Return what must not be found, in all its forms, with a name for each."""
    master = base64.b64decode(default_file(folder / "audit").read_bytes())
    keys = MasterKeys([master])
    accounts = {each.account for each in entries_under(folder / "audit") if isinstance(each, ExchangeRecord)}
    engine = open_engine(f"sqlite:///{folder}/sluice.db")
    store = ContentKeyStore(engine, keys)
    data_keys = [
        each.secret for account in accounts - {""} for each in store.of_person(Person(account=account)).values()
    ]
    engine.dispose()
    if not data_keys:
        raise BenchmarkError("there are no data keys to search for")
    named = {each.word.encode(): f"word of a {each.kind} prompt" for each in exchanges}
    named |= {each.user.encode(): "name of an end user" for each in exchanges}
    named |= {
        BLOCKED.encode(): "blocked prompt",
        _MOBILE.encode(): "personal data",
        _TOKEN.encode(): "token of the management plane",
    }
    named |= {each.encode(): "key of an account" for each in account_keys}
    named |= {each.wrong_key.encode(): "wrong key" for each in exchanges if each.kind == "stranger"}
    named |= {master: "master key"} | dict.fromkeys(data_keys, "data key")
    return {form: name for plain, name in named.items() for form in _forms(plain)}


def _forms(plain: bytes) -> Iterator[bytes]:
    """Yield the ways in which bytes may be written down."""
    yield plain
    yield plain.hex().encode()
    for offset in range(3):
        # Base64 of a text that contains it; at both ends only the digits that its own bytes decide.
        digits = base64.b64encode(bytes(offset) + plain + bytes(3))[
            -(-offset * 8 // 6) : (offset + len(plain)) * 8 // 6
        ]
        yield digits
        yield digits.translate(bytes.maketrans(b"+/", b"-_"))
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return
    yield json.dumps(text).strip('"').encode()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")


def _search(folder: Path, needles: Mapping[bytes, str], progress: Progress, title: str) -> Searched:
    key_file = default_file(folder / "audit")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != key_file]
    size, found = 0, []
    for path in progress.track(paths, description=title):
        data = path.read_bytes()
        size += len(data)
        found += [(name, str(path.relative_to(folder))) for needle, name in needles.items() if needle in data]
    return Searched(len(paths), size, found)


def _export(folder: Path) -> None:
    """Export the trail as an operator does, and unpack it."""
    target = folder / "export.zip"
    command = [sys.executable, "-m", "gateway.cli", "audit", "export", "--output", str(target)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SLUICE_AUDIT__DIRECTORY": str(folder / "audit")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=120, check=False)
    (folder / "export.log").write_bytes(done.stdout + done.stderr)
    if done.returncode:
        raise BenchmarkError(f"exporting failed: {done.stderr.decode().strip()}")
    with zipfile.ZipFile(target) as archive:
        archive.extractall(folder / "export")


def _controls(folder: Path, exchanges: list[Exchange], ids: list[str], progress: Progress) -> dict[str, bool]:
    """Show that the search finds what is there."""
    trail, exported = (
        _search(folder / part, {each.encode(): each for each in ids}, progress, f"control: {part}")
        for part in ("audit", "export")
    )
    planted = folder / "planted"
    planted.mkdir()
    forms = {form: str(at) for at, form in enumerate(_forms(exchanges[0].word.encode()))}
    for form, name in forms.items():
        (planted / name).write_bytes(b"x" + form + b"y")
    (planted / "base64").write_bytes(base64.b64encode(b"?" + exchanges[0].body))
    seen = _search(planted, forms, progress, "control: planted prompt")
    by_place = {place for _, place in seen.found}
    return {
        f"all {len(ids)} request ids are in the trail": len({name for name, _ in trail.found}) == len(ids),
        f"all {len(ids)} request ids are in the export": len({name for name, _ in exported.found}) == len(ids),
        f"a planted prompt is found in {len(forms)} forms": by_place == {*forms.values(), "base64"},
    }


if __name__ == "__main__":
    main()
