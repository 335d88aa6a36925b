"""What the demonstration starts with: accounts with fresh keys, and settings that say they are a demonstration's.

Rules: an operator's own settings file and environment win; the provider code is a name that no legal entity bears.
"""

import time
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Engine

from gateway.accounts.account import AccountKind, Network
from gateway.accounts.store import AccountError, AccountStore, Record
from gateway.settings.loader import Loaded, load
from gateway.settings.sources import DEFAULT

PRODUCER = "sluice-demo"
UPSTREAM_KEY = "UPSTREAM_API_KEY"
"""Environment variable with the key of a model server that asks for one."""
_DAY_US = 24 * 3600 * 1_000_000
# An unfiltered account needs networks, and a demonstration is tried from its own machine.
_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def demo_settings(
    environ: Mapping[str, str], *, upstream: str, port: int | None = None, admin_port: int | None = None
) -> Loaded:
    """Return the settings of a demonstration: the operator's where there are some, the shipped defaults elsewhere.

    Args:
        environ: environment variables.
        upstream: address of the model's API.
        port: of the data plane; None leaves it to the settings.
        admin_port: of the management plane; the same.

    Raises:
        SettingsError: the operator's settings are wrong.
    """
    ports = {"port": port, "admin_port": admin_port}
    tree: dict[str, Any] = {
        "server": {key: value for key, value in ports.items() if value is not None},
        "upstreams": [{"name": "demo", "base_url": upstream} | _key(environ)],
    }
    loaded = load(None, environ, tree)
    # Whoever tries blocked prompts out should see a suspension, and go on a minute later.
    if loaded.origins.origin(("strikes", "suspend")) == DEFAULT:
        tree |= {"strikes": {"suspend": "1m"}}
        loaded = load(None, environ, tree)
    # Loaded again: set from the start it would win over the operator's own name, as the command line does.
    if loaded.settings.labels.content_producer is None:
        loaded = load(None, environ, tree | {"labels": {"content_producer": PRODUCER}})
    return loaded


def _key(environ: Mapping[str, str]) -> dict[str, str]:
    # Named only where it is set: a name without a variable is an error, and many local servers take no key.
    return {"api_key_env": UPSTREAM_KEY} if UPSTREAM_KEY in environ else {}


def demo_keys(engine: Engine, record: Record) -> dict[AccountKind, str]:
    """Make one account of each kind, or give the existing one a new key; return the keys.

    Args:
        engine: an up-to-date store.
        record: records the accounts in the audit trail.
    """
    store, at_us = AccountStore(engine, record), time.time_ns() // 1000
    keys = {}
    for kind in AccountKind:
        # A new account each day: the unfiltered one expires after that, as the rules for such accounts ask.
        name = f"demo-{kind}-{at_us // _DAY_US}"
        bounded = kind is AccountKind.UNFILTERED
        # The end of tomorrow, so that a demonstration begun before midnight does not lose the account at once.
        expires_at_us = (at_us // _DAY_US + 2) * _DAY_US if bounded else None
        try:
            _, keys[kind] = store.create(
                name,
                kind,
                expires_at_us=expires_at_us,
                allow_from=_LOOPBACK if bounded else (),
                at_us=at_us,
            )
        # Made earlier the same day. Only a digest is stored, so its key cannot be shown again and is replaced.
        except AccountError:
            keys[kind] = store.rotate(name, overlap_seconds=0, at_us=at_us)
    return keys
