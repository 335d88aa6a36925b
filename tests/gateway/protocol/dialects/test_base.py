"""The interface of a wire format."""

from gateway.protocol.dialects.base import Carrier, Dialect, Identity, Segment, StreamDialect
from gateway.protocol.dialects.openai_chat import OpenAIChat


def test_the_chat_format_keeps_the_interface() -> None:
    """Every member the core relies on is there (mypy checks the signatures)."""
    dialect: Dialect = OpenAIChat()
    stream: StreamDialect = dialect.stream(Identity("req-1", "m", 1))
    assert all(hasattr(dialect, name) for name in Dialect.__annotations__)
    assert all(hasattr(stream, name) for name in StreamDialect.__annotations__)


def test_a_piece_is_held_back_unless_said_otherwise() -> None:
    """A new wire format gets the strict behaviour by default."""
    assert not Segment((0, "x"), Carrier.HIDDEN, {}, "x", "").whole
