"""The model servers: who of them is asked, and our own small HTTP/1.1 client to ask with."""

from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.fleet import Ask, Fleet, Opened
from gateway.proxy.upstream.pool import PoolLimits, UpstreamPool, UpstreamReply
from gateway.proxy.upstream.selection import Selector, Upstream

__all__ = [
    "Ask",
    "Fleet",
    "Opened",
    "PoolLimits",
    "Selector",
    "Timeouts",
    "Upstream",
    "UpstreamPool",
    "UpstreamReply",
]
