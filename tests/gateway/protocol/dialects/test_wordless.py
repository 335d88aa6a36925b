"""Formats without running text: nothing to label inside, nothing to refuse in, no stream."""

import pytest

from gateway.errors import ErrorCode
from gateway.protocol.dialects.base import Dialect, Identity
from gateway.protocol.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.protocol.dialects.openai_images import OpenAIImages
from gateway.protocol.dialects.openai_models import OpenAIModels
from gateway.protocol.dialects.openai_speech import OpenAISpeech

IDENTITY = Identity("req-1", "m", 1)


@pytest.mark.parametrize("dialect", [OpenAIEmbeddings(), OpenAIImages(), OpenAIModels(), OpenAISpeech()])
def test_a_block_is_an_error_since_there_are_no_words(dialect: Dialect) -> None:
    """The dialect says so, and nobody can make a refusal or a stream of it by mistake."""
    assert not dialect.generates or not dialect.carriage.refuses
    document = {"text": "x", "logprobs": [1]}
    dialect.withhold(document)
    assert document == {"text": "x", "logprobs": [1]}
    assert dialect.answers(document) == []
    assert dialect.error(ErrorCode.INTERNAL, "why")["error"]["message"] == "why"
    with pytest.raises(TypeError, match="refusal"):
        dialect.refusal(IDENTITY, "text")
    with pytest.raises(TypeError, match="stream"):
        dialect.stream(IDENTITY)
