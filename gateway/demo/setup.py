"""What the demonstration starts with: accounts with fresh keys, and settings that say they are a demonstration's.

Rules: an operator's own settings file and environment win; the provider code is a name that no legal entity bears.
"""

import time
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Engine

from gateway.accounts.account import AccountKind, Network
from gateway.accounts.store import AccountError, AccountStore

PRODUCER = "sluice-demo"
UPSTREAM_KEY = "UPSTREAM_API_KEY"
"""Environment variable with the key of a model server that asks for one."""
_DAY_US = 24 * 3600 * 1_000_000
_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def overrides(environ: Mapping[str, str], *, upstream: str, port: int, admin_port: int) -> dict[str, Any]:
    """Return the settings of a demonstration, as `gateway.settings.load` takes them.

    Args:
        environ: what is set there is left alone.
        upstream: address of the model's API.
        port: of the data plane.
        admin_port: of the management plane.
    """
    tree: dict[str, Any] = {
        "server": {"port": port, "admin_port": admin_port},
        "upstreams": [{"name": "demo", "base_url": upstream} | _key(environ)],
    }
    if "SLUICE_LABELS__CONTENT_PRODUCER" not in environ:
        tree["labels"] = {"content_producer": PRODUCER}
    return tree


def _key(environ: Mapping[str, str]) -> dict[str, str]:
    return {"api_key_env": UPSTREAM_KEY} if UPSTREAM_KEY in environ else {}


def demo_keys(engine: Engine) -> dict[AccountKind, str]:
    """Make one account of each kind, or give the existing one a new key; return the keys.

    Args:
        engine: an up-to-date store.
    """
    store, at_us = AccountStore(engine), time.time_ns() // 1000
    keys = {}
    for kind in AccountKind:
        # A new account each day: the unfiltered one expires after that, as the rules for such accounts ask.
        name = f"demo-{kind}-{at_us // _DAY_US}"
        bounded = kind is AccountKind.UNFILTERED
        expires_at_us = (at_us // _DAY_US + 2) * _DAY_US if bounded else None
        try:
            _, keys[kind] = store.create(
                name,
                kind,
                expires_at_us=expires_at_us,
                allow_from=_LOOPBACK if bounded else (),
                at_us=at_us,
            )
        except AccountError:
            keys[kind] = store.rotate(name, overlap_seconds=0, at_us=at_us)
    return keys
