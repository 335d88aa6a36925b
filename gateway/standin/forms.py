"""Every route of the stand-in that answers from a script."""

from gateway.standin.completions import COMPLETIONS
from gateway.standin.formats import CHAT, MESSAGES, RESPONSES
from gateway.standin.media import EMBEDDINGS, IMAGES, SPEECH
from gateway.standin.script import Form, form_of
from gateway.standin.transcriptions import TRANSCRIPTIONS

FORMS: dict[str, Form] = {
    "/v1/chat/completions": form_of(CHAT),
    "/v1/responses": form_of(RESPONSES),
    "/v1/messages": form_of(MESSAGES),
    "/v1/completions": COMPLETIONS,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/images/generations": IMAGES,
    "/v1/audio/speech": SPEECH,
    "/v1/audio/transcriptions": TRANSCRIPTIONS,
}
