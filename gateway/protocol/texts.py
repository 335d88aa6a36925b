"""The texts inside a JSON document: found wherever they stand, joined where a reader joins them, masked in place.

Rules: every string of a document is a text, also one under a name nobody has heard of, and so is every member name
that is not a known one; text the client shapes cannot switch scanning off. Text parts that stand side by side in one
list (``content: [{"type": "text", "text": …}, …]``) are one text, since the model reads them as one; so are the
tokens of a list of probabilities. A file in base64 is read where it is text (`files`). A number is no text, except
where a text belongs.
"""

from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from gateway.protocol.files import FILE_NAMES, file_texts

# One for one: a word in its place would move every offset behind it.
MASK_CHARACTER = "*"

# Words of the wire formats. A string that is one of these carries no more than its place says.
PLAIN = frozenset(
    """assistant auto developer function image_url input_text json_object json_schema none output_text required stop
    system text tool tool_calls user""".split()  # noqa: SIM905 a list of words reads best as words
)
# Names that need no scan, not members to scan: one that is missing here costs a scan and opens no hole.
KNOWN_NAMES = frozenset(
    """arguments audio choices completion_tokens content created delta detail finish_reason frequency_penalty function
    function_call id image_url include_usage index input logit_bias logprobs max_completion_tokens max_tokens message
    messages metadata model n name object parallel_tool_calls parameters presence_penalty prompt prompt_tokens
    reasoning reasoning_content reasoning_effort refusal response_format role seed service_tier stop store stream
    stream_options system_fingerprint temperature text tool_call_id tool_calls tool_choice tools top_logprobs top_p
    total_tokens type url usage user""".split()  # noqa: SIM905 the same
)
# Where a number stands in for a text, a lenient reader makes a text of it.
_TEXT_NAMES = frozenset({"content", "text"})
# Parts of a text, and tokens of one with their probabilities.
_JOINED_NAMES = ("text", "token")
_MOST_BYTE = 255
_NOTHING: frozenset[str] = frozenset()
# A node, the name its list joins, and the members left unread.
_Pending: TypeAlias = tuple[Any, str | None, frozenset[str]]
# Members of a request that describe tools; only a policy may leave them unread.
TOOL_DEFINITIONS = frozenset({"functions", "tools"})


class TextPart(NamedTuple):
    """One string of a document and where it stands.

    Attributes:
        container: the object or array it stands in.
        key: member name (str) or position (int).
        text: the string.
    """

    container: Any
    key: Any
    text: str


class TextGroup(NamedTuple):
    """A text as a reader sees it.

    Attributes:
        text: the parts joined.
        parts: where it stands; empty for a member name, a number or a file, which cannot be masked.
    """

    text: str
    parts: tuple[TextPart, ...]


def find_texts(document: Any, unread: frozenset[str] = frozenset()) -> list[TextGroup]:  # noqa: ANN401 any JSON value
    """Return every text of a document, in document order within each object or array.

    Args:
        document: a JSON value as parsed.
        unread: members of the document itself that are left out.
    """
    groups: list[TextGroup] = []
    # Not recursive: how deep a document goes is the sender's choice, how deep we may call is not.
    pending: list[_Pending] = [(document, None, unread)]
    while pending:
        node, joined, spared = pending.pop()
        if type(node) is dict:
            _object_texts(node, pending, groups, joined, spared)
        elif type(node) is list:
            _list_texts(node, pending, groups)
    return groups


def _object_texts(
    node: dict[str, Any],
    pending: list[_Pending],
    groups: list[TextGroup],
    joined: str | None,
    unread: frozenset[str],
) -> None:
    for name, value in node.items():
        if name in unread:
            continue
        if name not in KNOWN_NAMES:
            # Masked, it would be another member; without parts, a hit blocks.
            groups.append(TextGroup(name, ()))
        # By exact type, as the parser makes them: this loop runs for every member of every document.
        kind = type(value)
        if kind is str:
            # A joined part is read with its neighbours; read here too, its findings would count twice.
            if value in PLAIN or joined == name:
                continue
            texts = file_texts(name, value, node) if name in FILE_NAMES else None
            if texts is None:
                groups.append(TextGroup(value, (TextPart(node, name, value),)))
            else:
                groups += [TextGroup(text, ()) for text in texts]
        elif kind is dict or kind is list:
            pending.append((value, None, _NOTHING))
        elif name in _TEXT_NAMES and (kind is int or kind is float):
            groups.append(TextGroup(str(value), ()))


def _list_texts(node: list[Any], pending: list[_Pending], groups: list[TextGroup]) -> None:
    parts: dict[str, list[TextPart]] = {}
    for position, value in enumerate(node):
        kind = type(value)
        if kind is str:
            groups.append(TextGroup(value, (TextPart(node, position, value),)))
        elif kind is dict:
            joined = next((name for name in _JOINED_NAMES if type(value.get(name)) is str), None)
            if joined is not None:
                parts.setdefault(joined, []).append(TextPart(value, joined, value[joined]))
            # The other members of a part are texts too, such as an address beside it.
            pending.append((value, joined, _NOTHING))
        elif kind is list:
            pending.append((value, None, _NOTHING))
    # Nothing between them: a separator would hide a term that was split over two parts.
    groups += [TextGroup("".join(part.text for part in each), tuple(each)) for each in parts.values()]
    if "token" in parts:
        _spelled_texts(parts["token"], groups)


def _spelled_texts(tokens: list[TextPart], groups: list[TextGroup]) -> None:
    """Read the bytes that stand beside tokens, where they do not say the same."""
    # A character may take several tokens, whose own texts are no text then.
    decoder, parts = getincrementaldecoder("utf-8")("replace"), []
    for token in tokens:
        numbers = token.container.get("bytes")
        if type(numbers) is list and all(type(each) is int and 0 <= each <= _MOST_BYTE for each in numbers):
            parts.append(TextPart(token.container, "bytes", decoder.decode(bytes(numbers))))
    text = "".join(part.text for part in parts)
    if text and text != "".join(token.text for token in tokens):
        groups.append(TextGroup(text, tuple(parts)))


def mask_text(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with each span replaced by as many mask characters, so that offsets stay.

    Args:
        text: text as received.
        spans: start and end offsets; they may overlap and may reach outside of the text.
    """
    pieces: list[str] = []
    masked = 0
    # From left to right, so that a text full of masked terms costs one pass and not one copy for each of them.
    for first, last in sorted(spans):
        start, end = max(masked, first), min(len(text), last)
        if start < end:
            pieces += text[masked:start], MASK_CHARACTER * (end - start)
            masked = end
    return "".join(pieces) + text[masked:]


def write_masked(group: TextGroup, spans: Iterable[tuple[int, int]]) -> None:
    """Mask spans of a text in the document it was found in.

    Args:
        group: a text with parts.
        spans: start and end offsets in ``group.text``.
    """
    masked, offset = mask_text(group.text, spans), 0
    for part in group.parts:
        # Masks keep the length, so each part takes back as many characters as it gave.
        part.container[part.key] = masked[offset : offset + len(part.text)]
        offset += len(part.text)
