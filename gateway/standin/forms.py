"""Every route of the stand-in that answers from a script."""

from gateway.standin.completions import COMPLETIONS
from gateway.standin.media import EMBEDDINGS, IMAGES, SPEECH
from gateway.standin.script import CHAT, Form
from gateway.standin.transcriptions import TRANSCRIPTIONS

FORMS: dict[str, Form] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/images/generations": IMAGES,
    "/v1/audio/speech": SPEECH,
    "/v1/audio/transcriptions": TRANSCRIPTIONS,
}
