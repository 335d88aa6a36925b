"""The wire formats the stand-in speaks: for each, how its requests are read and its answers written."""

from collections.abc import Callable
from typing import NamedTuple

from gateway.standin.order import Order
from gateway.standin.replies import Choice
from gateway.standin.wire import Frames, error_body, stream_frames, whole_body
from gateway.standin.wire_messages import message_body, message_error, message_frames
from gateway.standin.wire_responses import response_body, response_frames

Writer = Callable[[str, tuple[Choice, ...], Order], Frames]


class Format(NamedTuple):
    """A wire format.

    Attributes:
        prefix: what ids of its replies begin with.
        conversation: member of a request that holds it.
        frames: writes a stream.
        body: writes a whole reply.
        error: writes an error.
    """

    prefix: str
    conversation: str
    frames: Writer
    body: Callable[[str, tuple[Choice, ...], int], bytes]
    error: Callable[[int, str], bytes]


def _chat_frames(reply_id: str, choices: tuple[Choice, ...], order: Order) -> Frames:
    # Here alone, usage comes only when it was asked for.
    return stream_frames(reply_id, choices, order.prompt_tokens if order.include_usage else None)


def _counted(write: Callable[[str, tuple[Choice, ...], int], Frames]) -> Writer:
    return lambda reply_id, choices, order: write(reply_id, choices, order.prompt_tokens)


CHAT = Format("chatcmpl-", "messages", _chat_frames, whole_body, error_body)
MESSAGES = Format("msg_", "messages", _counted(message_frames), message_body, message_error)
RESPONSES = Format("resp_", "input", _counted(response_frames), response_body, error_body)
