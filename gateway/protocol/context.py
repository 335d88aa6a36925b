"""What an exchange is given at its start and keeps to its end: frozen, so a reload cannot change it half-way."""

from dataclasses import dataclass, field

from gateway.protocol.bars import Classification
from gateway.protocol.dialects.base import Dialect
from gateway.protocol.evidence import ContentScope
from gateway.protocol.standing import Standing
from gateway.protocol.verdicts import VerdictMemory


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one exchange's buffers.

    Attributes:
        frame_bytes: largest frame of a stream.
        reply_bytes: largest reply that is read whole.
        encoded_reply_bytes: the same, for formats whose replies hold vectors or pictures.
        channels: most running texts of one stream (choices, tool calls, their members).
        inline_scan_characters: longest text scanned on the event loop; longer ones go to the scan pool.
    """

    # A frame mostly brings a few words; this leaves room for a tool call sent whole.
    frame_bytes: int = 1024 * 1024
    reply_bytes: int = 16 * 1024 * 1024
    # 2,000 vectors of 1,536 numbers, written out: the most that is asked for at once.
    encoded_reply_bytes: int = 64 * 1024 * 1024
    channels: int = 512
    # At 20-45 ns a character (`filters.keywords`) about a millisecond of the event loop.
    inline_scan_characters: int = 20_000


@dataclass(frozen=True, slots=True)
class ExchangeContext:
    """Who asks, in which format, and by which rules.

    Attributes:
        request_id: id of the exchange.
        dialect: wire format.
        standing: by which rules it is judged; provisional until it was admitted.
        account: id of the account, or empty when none was found.
        bounds: limits of its buffers.
        content: what is kept of its texts, encrypted.
        memory: texts that are known to be clean; the worker's, and the one thing here that learns.
        classification: what the classifier's scores mean; None where there is no classifier.
    """

    request_id: str
    dialect: Dialect
    standing: Standing
    account: str = ""
    bounds: Bounds = Bounds()
    content: ContentScope = ContentScope.FLAGGED
    memory: VerdictMemory = field(default_factory=VerdictMemory)
    classification: Classification | None = None
