"""Every route of the stand-in that answers from a script."""

from gateway.standin.completions import COMPLETIONS
from gateway.standin.formats import MESSAGES, RESPONSES
from gateway.standin.media import EMBEDDINGS, IMAGES, SPEECH
from gateway.standin.script import CHAT, TOKEN_COUNT, Form, conversation
from gateway.standin.transcriptions import TRANSCRIPTIONS

FORMS: dict[str, Form] = {
    "/v1/chat/completions": CHAT,
    "/v1/messages": conversation(MESSAGES),
    "/v1/messages/count_tokens": TOKEN_COUNT,
    "/v1/responses": conversation(RESPONSES),
    "/v1/completions": COMPLETIONS,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/images/generations": IMAGES,
    "/v1/audio/speech": SPEECH,
    "/v1/audio/transcriptions": TRANSCRIPTIONS,
}
