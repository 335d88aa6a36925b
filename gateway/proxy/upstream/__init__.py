"""Our own small HTTP/1.1 client: one model server, a keep-alive pool, and no work that a proxy does not need."""

from gateway.proxy.upstream.connection import Timeouts
from gateway.proxy.upstream.pool import PoolLimits, UpstreamPool, UpstreamReply

__all__ = ["PoolLimits", "Timeouts", "UpstreamPool", "UpstreamReply"]
