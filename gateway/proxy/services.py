"""What exchanges are served with: the parts of the shell, put together at the start and shared by all exchanges."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from sqlalchemy import Engine

from filters.ruleset import Ruleset
from gateway.accounts.directory import AccountDirectory
from gateway.audit.appender import Appender
from gateway.audit.content.sealer import Sealer
from gateway.errors import ErrorCode, GatewayError
from gateway.protocol.evidence import ContentScope
from gateway.protocol.exchange import Exchange
from gateway.protocol.labels import Labelling
from gateway.protocol.policy import Policy
from gateway.protocol.verdicts import VerdictMemory
from gateway.proxy.admission import Admission
from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.proxy.cors import Cors
from gateway.proxy.document_thread import DocumentThread
from gateway.proxy.file_labeller import FileLabeller
from gateway.proxy.scan_pool import ScanPool
from gateway.proxy.upstream.fleet import Fleet
from gateway.rulesets.reloader import Reloader
from gateway.settings.loader import Loaded

BODY_SECONDS = 60.0
"""Longest time for a request body to arrive: 8 MiB over a line of 1.2 Mbit/s."""
KEEP_ALIVE_SECONDS = 5.0
"""Longest silence of a stream; proxies and clients that lose patience do so after 15 seconds and more."""


def new_memory() -> VerdictMemory:
    """Return an empty memory of clean texts, whose digests nobody outside can compute."""
    return VerdictMemory(os.urandom(32))


@dataclass(slots=True)
class Services:
    """The parts of one worker.

    Attributes:
        directory: who is asking.
        admission: whether they may, and by which rules.
        engine: the store, for the management plane.
        appender: the audit trail.
        sealer: pseudonyms, digests and encrypted content of its entries.
        upstreams: the model servers.
        scan_pool: scans of long texts.
        document_thread: work on large bodies.
        file_labeller: puts labels into pictures and sound.
        ruleset: what texts are scanned with; swapped whole, never changed.
        reloader: follows the lists, and swaps.
        loaded: the settings, for the management plane.
        policies: by name; ``default`` exists.
        labelling: how answers are labelled.
        body_limit_bytes: largest request body.
        body_seconds: longest time for a request body to arrive.
        memory: texts of prompts that are known to be clean.
        keep_alive_seconds: longest time a stream's client hears nothing.
        streams: exchanges whose stream is open.
        trusted_proxies: whose ``X-Forwarded-For`` is believed.
        end_user_header: header in which they name the end user, in small letters, or empty.
        content: what is kept of prompts and replies.
        classifier: scores texts; None where there is none.
        cors: pages of which origins may call.
        admin_token_digest: SHA-256 of the management plane's token; empty without one.
        draining: True once the gateway is stopping: new exchanges are turned away.
    """

    directory: AccountDirectory
    admission: Admission
    engine: Engine
    appender: Appender
    sealer: Sealer
    upstreams: Fleet
    scan_pool: ScanPool
    document_thread: DocumentThread
    file_labeller: FileLabeller
    ruleset: Ruleset
    reloader: Reloader
    loaded: Loaded
    policies: Mapping[str, Policy]
    labelling: Labelling
    body_limit_bytes: int
    body_seconds: float = BODY_SECONDS
    memory: VerdictMemory = field(default_factory=new_memory)
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    streams: set[Exchange] = field(default_factory=set)
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    end_user_header: bytes = b""
    cors: Cors = field(default_factory=Cors)
    content: ContentScope = ContentScope.FLAGGED
    classifier: ClassifierPanel | None = None
    admin_token_digest: bytes = b""
    draining: bool = False

    def policy(self, name: str | None) -> Policy:
        """Return a policy by name, the default for an account that names none.

        Raises:
            GatewayError: the policy was taken out of the settings; another one would judge by rules nobody chose.
        """
        policy = self.policies.get(name or "default")
        if policy is None:
            raise GatewayError("", ErrorCode.POLICY_UNKNOWN)
        return policy
