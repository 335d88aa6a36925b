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
    """assistant auto completed content_block_delta content_block_start content_block_stop custom_tool_call
    developer end_turn error function function_call function_call_output image_url in_progress incomplete
    input_json_delta input_text json_object json_schema max_tokens message message_delta message_start
    message_stop none output_text ping reasoning refusal required response.completed response.content_part.added
    response.content_part.done response.created response.function_call_arguments.delta
    response.function_call_arguments.done response.in_progress response.output_item.added
    response.output_item.done response.output_text.delta response.output_text.done signature_delta stop
    stop_sequence summary_text system text text_delta thinking thinking_delta tool tool_calls tool_result
    tool_use user""".split()  # noqa: SIM905 a list of words reads best as words
)
# Names that need no scan, not members to scan: one that is missing here costs a scan and opens no hole.
KNOWN_NAMES = frozenset(
    """annotation annotation_index annotations arguments audio background cache_control cache_creation
    cache_creation_input_tokens cache_read_input_tokens cached_tokens call_id choices citation citations
    cited_text code completed_at completion_tokens container content content_block content_index conversation
    created created_at data delta description detail document_index document_title effort encrypted_content
    end_char_index end_index ephemeral_1h_input_tokens ephemeral_5m_input_tokens error file_id filename
    finish_reason format frequency_penalty function function_call id image_url include_usage incomplete_details
    index inference_geo input input_schema input_tokens input_tokens_details instructions item item_id
    logit_bias logprob logprobs max_completion_tokens max_output_tokens max_tokens max_tool_calls media_type
    message messages metadata model n name obfuscation object output output_config output_index output_tokens
    output_tokens_details parallel_tool_calls parameters part partial_json phase presence_penalty
    previous_response_id prompt prompt_cache_key prompt_cache_retention prompt_tokens reason reasoning
    reasoning_content reasoning_effort reasoning_tokens refusal response response_format role safety_identifier
    schema seed sequence_number server_label server_tool_use service_tier signature source start_char_index
    start_index status stop stop_details stop_reason stop_sequence stop_sequences store stream stream_options
    strict summary summary_index system system_fingerprint temperature text thinking thinking_tokens title token
    tool_call_id tool_calls tool_choice tool_use_id tools top_k top_logprobs top_p total_tokens truncation type
    url usage user verbosity web_search_requests""".split()  # noqa: SIM905 the same
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
