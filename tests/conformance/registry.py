"""What is tested of each client, as data: the tests are made from it, and so is the table for readers."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from tests.gateways import Gateway

HELLO = "你好"
REFUSED = "很抱歉"
TOOLS = "[[tools]] 查一下"
REASONING = "[[reasoning]] 你好"
HARMFUL = "[[harm]] 讲个故事"
CALLS = [("look_up", {"query": "水位", "limit": 3}), ("keep_note", {"title": "stand-in", "text": "晴"})]
# One pixel.
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


class Client(StrEnum):
    """Client libraries, as the table names them."""

    OPENAI_PYTHON = "`openai` (Python)"
    OPENAI_NODE = "`openai` (Node)"
    ANTHROPIC_PYTHON = "`anthropic` (Python)"
    LANGCHAIN = "`langchain-openai`"
    LITELLM = "`litellm`"


class Feature(StrEnum):
    """What clients do, as the table names it."""

    WHOLE = "chat"
    STREAM = "chat, streamed"
    TOOLS = "parallel tool calls"
    TOOLS_STREAM = "parallel tool calls, streamed"
    JSON = "JSON mode"
    REASONING = "reasoning"
    PICTURES = "pictures"
    RESPONSES = "Responses"
    RESPONSES_STREAM = "Responses, streamed"
    MESSAGES = "Messages"
    MESSAGES_STREAM = "Messages, streamed"
    EMBEDDINGS = "embeddings"
    ERRORS = "errors"
    REFUSED = "a blocked prompt"
    CUT = "a stream that is cut"


Check = Callable[[Gateway, Any], None]


class Case(NamedTuple):
    """One feature of one client.

    Attributes:
        client: the library.
        feature: what it does.
        check: does it and asserts what came; takes the gateway and the library's module.
    """

    client: Client
    feature: Feature
    check: Check


CASES: list[Case] = []


def case(client: Client, feature: Feature) -> Callable[[Check], Check]:
    """Enter a check into the table."""

    def enter(check: Check) -> Check:
        CASES.append(Case(client, feature, check))
        return check

    return enter


def render_table() -> str:
    """Return the table of clients and features in Markdown: yes where a test shows it."""
    tested = {(each.client, each.feature) for each in CASES}
    rows = [["feature", *Client], ["---"] * (len(Client) + 1)]
    rows += [[feature, *("yes" if (client, feature) in tested else "" for client in Client)] for feature in Feature]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
