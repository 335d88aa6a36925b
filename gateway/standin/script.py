"""From a request body to what happens on the wire, decided before anything is sent.

Rules: the same body and pace give the same script; a script says everything (bytes, times, and how it ends), so that
playing one needs no more than a clock and a socket.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from gateway.standin.formats import CHAT, MESSAGES, Format
from gateway.standin.order import Cue, Order, read_order
from gateway.standin.replies import write_choices
from gateway.standin.wire import GARBAGE, GARBAGE_BODY, Frames, error_body
from gateway.standin.wire_messages import token_count_body

DEFAULT_TOKENS_PER_SECOND = 50.0
# Already finer than the timers of an event loop; 0 is the way to say at once.
MOST_TOKENS_PER_SECOND = 100_000.0
_JSON_TYPE = b"application/json"
_SSE_TYPE = b"text/event-stream; charset=utf-8"
_LOWEST_ERROR, _HIGHEST_ERROR = 400, 599


class Ending(StrEnum):
    """What happens behind the last step."""

    COMPLETE = "complete"  # the body ends as HTTP wants it
    STALL = "stall"  # nothing more comes and the connection stays open
    RESET = "reset"  # the connection is closed with the body unfinished
    SILENCE = "silence"  # not even the head is sent and the connection stays open


class Step(NamedTuple):
    """Bytes to send at once.

    Attributes:
        after_tokens: due when so many tokens would have been generated since the start.
        data: what to send; one frame of a stream.
    """

    after_tokens: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Script:
    """One reply, as a plan.

    Attributes:
        steps: what is sent, in order.
        token_seconds: time from one token to the next; 0 sends at once.
        ending: what happens behind the last step.
        status: HTTP status.
        content_type: value of ``Content-Type``.
        content_length: announced length of the body in bytes; None sends it in chunks.
    """

    steps: tuple[Step, ...]
    token_seconds: float = 0.0
    ending: Ending = Ending.COMPLETE
    status: int = 200
    content_type: bytes = _JSON_TYPE
    content_length: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of the body."""
        return sum(len(step.data) for step in self.steps)


class Form(NamedTuple):
    """How requests of one route are read and answered.

    Attributes:
        prefix: what ids of its replies begin with.
        read: reads a request body; raises ValueError saying what is wrong with it.
        reply: plans the reply as if nothing went wrong on the way, garbage aside.
        error: puts status and message of an error into the shape of the route.
    """

    prefix: str
    read: Callable[[bytes], Order]
    reply: Callable[[Order, str], Script]
    error: Callable[[int, str], bytes] = error_body


def compose(body: bytes, tokens_per_second: float = DEFAULT_TOKENS_PER_SECOND, spoken: Format = CHAT) -> Script:
    """Plan the reply to a request of a conversation.

    Args:
        body: the request's body.
        tokens_per_second: pace unless the prompt has a cue for it; 0 sends at once.
        spoken: its wire format.
    """
    return compose_form(body, tokens_per_second, form_of(spoken))


def form_of(spoken: Format) -> Form:
    """Return how conversations in a wire format are read and answered."""
    return Form(
        spoken.prefix,
        lambda body: read_order(body, spoken.conversation),
        lambda order, reply_id: _reply(order, spoken, reply_id),
        spoken.error,
    )


def compose_form(body: bytes, tokens_per_second: float, form: Form) -> Script:
    """Plan the reply to a request of any route.

    Args:
        body: the request's body.
        tokens_per_second: pace unless the prompt has a cue for it; 0 sends at once.
        form: what the route takes and gives.
    """
    try:
        order = form.read(body)
        # Before anything is written: an error may go with any other cue.
        if Cue.ERROR in order.cues:
            script = _error(order, form)
        else:
            # The id is a digest of the body, so that replies of a repeated request can be compared byte by byte.
            script = form.reply(order, f"{form.prefix}{blake2b(body, digest_size=12).hexdigest()}")
        pace = order.number(Cue.PACE, tokens_per_second, MOST_TOKENS_PER_SECOND)
    except ValueError as error:
        # An argument that does not fit fails loudly: a cue that did nothing would make a test pass for no reason.
        return json_script(400, form.error(400, f"The stand-in cannot read this request. {error}"))
    return _end(order, replace(script, token_seconds=1 / pace if pace else 0.0))


def compose_count(body: bytes) -> Script:
    """Plan the reply to a request that only asks how many tokens its prompt has.

    Args:
        body: the request's body.
    """
    try:
        return json_script(200, token_count_body(read_order(body).prompt_tokens))
    except ValueError as error:
        return json_script(400, MESSAGES.error(400, f"The stand-in cannot read this request. {error}"))


def json_script(status: int, body: bytes, after_tokens: int = 0) -> Script:
    """Plan a whole JSON body with its length announced."""
    return Script((Step(after_tokens, body),), status=status, content_length=len(body))


def _reply(order: Order, spoken: Format, reply_id: str) -> Script:
    choices = write_choices(order)
    tokens = sum(choice.tokens for choice in choices)
    if not order.streamed:
        body = GARBAGE_BODY if Cue.GARBAGE in order.cues else spoken.body(reply_id, choices, order.prompt_tokens)
        return json_script(200, body, after_tokens=tokens)
    return stream_script(order, spoken.frames(reply_id, choices, order))


def stream_script(order: Order, frames: Frames) -> Script:
    """Plan a streamed reply."""
    return Script(_steps(order, frames), content_type=_SSE_TYPE)


def _error(order: Order, form: Form) -> Script:
    status = int(order.number(Cue.ERROR, 500, _HIGHEST_ERROR))
    # A success without a completion would be garbage, and that has a cue of its own.
    if status < _LOWEST_ERROR:
        raise ValueError(f"The cue 'error' takes a status from {_LOWEST_ERROR} to {_HIGHEST_ERROR}: [[error:503]].")
    return json_script(status, form.error(status, f"The stand-in was asked to fail with status {status}."))


def _steps(order: Order, frames: Frames) -> tuple[Step, ...]:
    """Put times to frames: the roles at once, a token each, and the end with the last token."""
    half, count = len(frames.tokens) // 2, len(frames.tokens)
    steps = [Step(0, frame) for frame in frames.opening]
    steps += [Step(number, frame) for number, frame in enumerate(frames.tokens, start=1)]
    # In the middle, so that frames before and behind show whether a reader recovers.
    if Cue.GARBAGE in order.cues:
        steps[len(frames.opening) + half : len(frames.opening) + half] = [Step(half, frame) for frame in GARBAGE]
    # Some servers close without it; the gateway must tell that from a reply that was cut off.
    closing = frames.closing[:-1] if Cue.NO_DONE in order.cues else frames.closing
    return (*steps, *(Step(count, frame) for frame in closing))


def _end(order: Order, script: Script) -> Script:
    """Let a script break off where the prompt asks for it."""
    # No head at all, which meets another timeout than silence inside a reply.
    if order.cues.get(Cue.STALL) == "head":
        return replace(script, steps=(), ending=Ending.SILENCE)
    if Cue.STALL in order.cues:
        return replace(script, steps=_first_half(script.steps), ending=Ending.STALL)
    if Cue.RESET in order.cues:
        return replace(script, steps=_first_half(script.steps), ending=Ending.RESET)
    return script


def _first_half(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the first half of the frames, or of the bytes where the body is one step."""
    # The length stays that of the whole body, so that the client can see that something is missing.
    if len(steps) == 1:
        return (steps[0]._replace(data=steps[0].data[: len(steps[0].data) // 2]),)
    return steps[: len(steps) // 2]
