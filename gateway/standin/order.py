"""What a request asks of the stand-in, read from its body.

Cues are written into the last user message as ``[[cue]]`` or ``[[cue:argument]]``; several may be combined. An
argument ``base64=…`` (URL-safe) stands for the decoded text, so that a prompt can ask for words that a scanner would
stop in the prompt itself. Words in double brackets that are no cue are ordinary text.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson

from gateway.standin.tokens import split_tokens

# Below what OpenAI takes: all frames of a reply are in memory before the first is sent.
MOST_CHOICES = 16
# Double brackets, which prompts hardly hold by chance; the argument may run over lines, hence DOTALL.
_CUE = re.compile(r"\[\[([a-z-]+)(?::(.*?))?\]\]", re.DOTALL)
_ENCODED = "base64="


class Cue(StrEnum):
    """Everything a prompt can ask for."""

    HARM = "harm"  # turns harmful half-way; argument: the term
    MASK = "mask"  # a sentence around a term to be masked; argument: the term
    ECHO = "echo"  # exactly the argument, in small pieces
    TOOLS = "tools"  # two parallel tool calls; argument: a text inside the first one's arguments
    JSON = "json"  # a JSON object; argument: a text inside it
    HUGE = "huge"  # one frame of 10 MiB
    LENGTH = "length"  # argument: characters of clean text
    LABEL = "label"  # already ends with the explicit label
    REASONING = "reasoning"  # reasoning before the content; argument: its text
    PACE = "pace"  # argument: tokens a second, 0 for at once
    ERROR = "error"  # argument: HTTP status
    STALL = "stall"  # stops half-way and stays silent; argument "head": silent from the start
    RESET = "reset"  # breaks the connection half-way
    GARBAGE = "garbage"  # frames that are no chat frames
    NO_DONE = "no-done"  # ends without [DONE]


@dataclass(frozen=True, slots=True)
class Order:
    """A request, as far as the stand-in cares.

    Attributes:
        prompt: text of the last user message without its cues.
        prompt_tokens: tokens of all messages.
        cues: argument per cue; empty when none was written.
        streamed: whether the reply is asked for as a stream.
        choices: how many answers.
        include_usage: whether a stream ends with a usage frame.
        wants_json: whether ``response_format`` asks for JSON.
    """

    prompt: str
    prompt_tokens: int
    cues: Mapping[Cue, str]
    streamed: bool = False
    choices: int = 1
    include_usage: bool = False
    wants_json: bool = False

    def number(self, cue: Cue, default: float, most: float) -> float:
        """Return a cue's argument as a number, or the default when the cue is absent.

        Raises:
            ValueError: the argument is no number between 0 and ``most``.
        """
        if cue not in self.cues:
            return default
        argument = self.cues[cue]
        # float() alone would take nan, inf and digits of other scripts.
        if not re.fullmatch(r"\d+(\.\d+)?", argument, re.ASCII) or float(argument) > most:
            raise ValueError(f"The cue '{cue}' takes a number from 0 to {most:.0f}: write [[{cue}:20]].")
        return float(argument)


def read_order(body: bytes, conversation: str = "messages") -> Order:
    """Read a request body.

    Args:
        body: the body.
        conversation: member that holds the conversation.

    Raises:
        ValueError: not a JSON object of the shape of a request.
    """
    # Its error is a ValueError, and so becomes status 400 like the other ones here.
    request = orjson.loads(body)
    if not isinstance(request, dict):
        raise ValueError("Send a JSON object.")  # noqa: TRY004 - a wrong body is one kind of error here
    messages = _messages(request.get(conversation), conversation)
    # A null counts as absent, as OpenAI has it; many client libraries send their unset members so.
    choices = 1 if request.get("n") is None else request["n"]
    if not isinstance(choices, int) or not 1 <= choices <= MOST_CHOICES:
        raise ValueError(f"'n' is an integer from 1 to {MOST_CHOICES}.")
    # The last one only: the history of a chat holds the cues of earlier turns.
    last = next((text for role, text in reversed(messages) if role == "user"), "")
    return Order(
        # Without its cues, or a cue's English letters would decide the language of the answer.
        prompt=_CUE.sub(lambda found: "" if _is_cue(found[1]) else found[0], last).strip(),
        prompt_tokens=sum(len(split_tokens(text)) for _, text in messages),
        cues=_cues(last),
        # True and nothing like it: a server that takes 1 for true hides a client's mistake.
        streamed=request.get("stream") is True,
        choices=choices,
        include_usage=_member(request, "stream_options", "include_usage") is True,
        wants_json=_wants_json(request),
    )


def _wants_json(request: Mapping[str, object]) -> bool:
    """Tell whether the answer is asked for as JSON, wherever a format says it."""
    asked = (
        request.get("response_format"),
        _member(request, "text", "format"),
        _member(request, "output_config", "format"),
    )
    return any(isinstance(each, dict) and each.get("type") in {"json_object", "json_schema"} for each in asked)


def _messages(messages: object, name: str) -> list[tuple[object, str]]:
    """Return role and text of each message."""
    # Responses take a text alone; the other formats do not, and say so.
    if name == "input" and isinstance(messages, str):
        return [("user", messages)]
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise ValueError(f"'{name}' is a list of at least one object with 'role' and 'content'.")
    return [(message.get("role"), _text(message.get("content"))) for message in messages]


def _text(content: object) -> str:
    """Return the text of a message: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    # Assistant messages with tool calls have null content, and images are no text to answer.
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _member(request: Mapping[str, object], name: str, member: str) -> object:
    """Return a member of an object inside the request, None when either is absent."""
    value = request.get(name)
    return value.get(member) if isinstance(value, dict) else None


def _is_cue(word: str) -> bool:
    return word in Cue.__members__.values()


def _cues(text: str) -> dict[Cue, str]:
    """Return each cue of the text with its argument; a cue written twice counts as last written."""
    return {Cue(found[1]): _argument(found[2] or "") for found in _CUE.finditer(text) if _is_cue(found[1])}


def _argument(argument: str) -> str:
    """Return an argument as written, or decoded when it is encoded."""
    if not argument.startswith(_ENCODED):
        return argument
    encoded = argument.removeprefix(_ENCODED)
    # binascii.Error and UnicodeDecodeError are ValueErrors, the one kind a wrong body raises.
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
