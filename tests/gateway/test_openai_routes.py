"""The OpenAI routes beside chat, over real sockets and with the client most people use."""

import base64
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import mutagen
import openai
import orjson
import pytest
from PIL import Image

from gateway.errors import ErrorCode
from gateway.protocol.subtitles import read_transcript
from gateway.standin.media import vector_of
from gateway.standin.replies import HARM_TERM, LABEL_TEXT, MASK_TERM
from tests.gateways import BLOCKED, DONE, HTTP, MODEL, Gateway, expect_error, frames_of, gateway
from tests.media import exiftool, needs_tools, run, tags

PRODUCER = "example-operator"
MASKED = "*" * len(MASK_TERM)
Ask = Callable[[openai.OpenAI, str], Any]


@pytest.fixture(scope="module")
def open_labels(standin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose policy lets pass what takes no label."""
    settings = {"policies": {"default": {"file_labels": "open"}}}
    with gateway(tmp_path_factory.mktemp("open"), standin_url, settings) as running:
        yield running


def sound(said: str) -> Any:  # noqa: ANN401 the client takes many kinds of file
    """Return a file in which this is said, as the stand-in hears it."""
    file = io.BytesIO(said.encode())
    file.name = "speech.mp3"
    return file


ROUTES: dict[str, Ask] = {
    "openai.completions": lambda client, text: client.completions.create(model=MODEL, prompt=text),
    "openai.embeddings": lambda client, text: client.embeddings.create(model=MODEL, input=["fine", text]),
    "openai.images": lambda client, text: client.images.generate(model=MODEL, prompt=text),
    "openai.speech": lambda client, text: client.audio.speech.create(model=MODEL, voice="alloy", input=text),
    "openai.transcriptions": lambda client, text: client.audio.transcriptions.create(
        model=MODEL, file=sound("你好"), prompt=text
    ),
    "openai.models": lambda client, text: client.models.retrieve(text),
}
WITHOUT_WORDS = sorted(ROUTES.keys() - {"openai.completions"})


@pytest.mark.parametrize("route", WITHOUT_WORDS)
def test_a_blocked_prompt_is_an_error_where_there_are_no_words(shared: Gateway, route: str) -> None:
    """Vectors, pictures, sound and lists have no place for a refusal; the entry names the route."""
    with pytest.raises(openai.BadRequestError) as caught:
        ROUTES[route](shared.openai(), BLOCKED)
    assert caught.value.code == "content_filter"
    record = shared.record(caught.value.response.headers["x-request-id"])
    assert (record.dialect, record.decision, record.phase) == (route, "block", "request")
    assert shared.metric("sluice_exchanges_total", account_kind="user", dialect=route, decision="block") >= 1


@pytest.mark.parametrize("route", ["openai.completions", "openai.embeddings", "openai.images", "openai.speech"])
def test_errors_of_the_model_server_pass(shared: Gateway, route: str) -> None:
    """With its own status, whatever the route."""
    with pytest.raises(openai.RateLimitError):
        ROUTES[route](shared.openai(), "[[error:429]]")


@pytest.mark.parametrize("route", ["openai.completions", "openai.embeddings", "openai.images", "openai.speech"])
def test_garbage_is_an_error(shared: Gateway, route: str) -> None:
    """What nobody understands does not pass."""
    with pytest.raises(openai.InternalServerError) as caught:
        ROUTES[route](shared.openai(), "[[garbage]]")
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_malformed")


def complete(served: Gateway, prompt: Any, *, streamed: bool, **members: Any) -> list[Any]:  # noqa: ANN401 any JSON
    """Return the completions, or the frames of a streamed one, as the client reads them."""
    asked = {"model": MODEL, "prompt": prompt, **members}
    if not streamed:
        return [served.openai().completions.create(**asked)]
    with served.openai().completions.create(**asked, stream=True) as stream:
        return list(stream)


def completed(replies: list[Any], index: int = 0) -> str:
    """Put together what one choice says."""
    return "".join(each.text for reply in replies for each in reply.choices if each.index == index)


def ended(replies: list[Any], index: int = 0) -> str:
    """Return why a choice ended."""
    reasons = [each.finish_reason for reply in replies for each in reply.choices if each.index == index]
    return str(reasons[-1])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_clean_completion_is_the_models_and_labelled_once(
    shared: Gateway, standin_url: str, *, streamed: bool
) -> None:
    """Each choice of each prompt."""
    asked = {"model": MODEL, "prompt": ["你好", "天气"], "n": 2}
    original = HTTP.post(f"{standin_url}/v1/completions", json=asked).json()["choices"]
    replies = complete(shared, asked["prompt"], streamed=streamed, n=2)
    for index in range(4):
        assert completed(replies, index) == f"{original[index]['text']}\n\n{LABEL_TEXT}"
        assert ended(replies, index) == "stop"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_blocked_prompt_is_completed_with_a_refusal(shared: Gateway, *, streamed: bool) -> None:
    """Clients show it like an answer, and see that the filter stopped it."""
    replies = complete(shared, ["你好", BLOCKED], streamed=streamed)
    assert completed(replies).startswith("很抱歉")
    assert ended(replies) == "content_filter"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_completion_that_turns_harmful_is_stopped(shared: Gateway, *, streamed: bool) -> None:
    """No character of the term leaves."""
    replies = complete(shared, "[[harm]] 讲个故事", streamed=streamed)
    assert "售冰毒" not in completed(replies)
    assert ended(replies) == "content_filter"
    assert (completed(replies).startswith("好的，先说说天气")) is streamed


@pytest.mark.parametrize("streamed", [False, True])
def test_an_insult_in_a_completion_is_masked_with_its_probabilities(shared: Gateway, *, streamed: bool) -> None:
    """Tokens would spell it out."""
    replies = complete(shared, "[[mask]] 随便说点什么", streamed=streamed, logprobs=1)
    said = completed(replies)
    assert f"他说“{MASKED}”，然后走开了。" in said
    spelled = [each.logprobs.tokens for reply in replies for each in reply.choices if each.logprobs]
    # In a stream those of clean frames stay.
    assert bool(spelled) is streamed
    assert not any(MASK_TERM[0] in token or MASK_TERM[-1] in token for tokens in spelled for token in tokens)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_echoed_prompt_is_scanned_with_the_reply(shared: Gateway, *, streamed: bool) -> None:
    """It comes back masked, since it went masked."""
    said = completed(complete(shared, f"别说{MASK_TERM}", streamed=streamed, echo=True))
    assert said.startswith(f"别说{MASKED}")


def test_a_completion_stream_ends_with_members_and_terminator(shared: Gateway) -> None:
    """The last frame carries both."""
    response = shared.post({"model": MODEL, "prompt": "你好", "stream": True}, path="/v1/completions")
    last = frames_of(response.content)[-1]
    assert (last["aigc"]["Label"], last["sluice"]["decision"]) == ("1", "allow")
    assert response.content.endswith(DONE)


def test_prompts_in_tokens_are_told_what_to_send(shared: Gateway) -> None:
    """Not blocked, not passed: the message says it."""
    for ask in (
        lambda: shared.openai().completions.create(model=MODEL, prompt=[1, 2]),
        lambda: shared.openai().embeddings.create(model=MODEL, input=[[1], [2]]),
    ):
        with pytest.raises(openai.BadRequestError, match="tokens, which this gateway cannot read"):
            ask()


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_come_as_the_model_made_them(shared: Gateway, encoding: Any) -> None:  # noqa: ANN401 a literal of the client's
    """In either encoding, and without a label: numbers are no content."""
    raw = shared.openai().embeddings.with_raw_response.create(model=MODEL, input=["水闸"], encoding_format=encoding)
    (row,) = raw.parse().data
    packed: Any = row.embedding
    values = tuple(packed) if encoding == "float" else struct.unpack("<16f", base64.b64decode(packed))
    assert values == vector_of("水闸")
    assert "x-aigc-label" not in raw.headers


def test_the_clients_own_encoding_of_vectors_is_read(shared: Gateway) -> None:
    """Unasked, the client takes base64 and unpacks it."""
    assert shared.openai().embeddings.create(model=MODEL, input="水闸").data[0].embedding == list(vector_of("水闸"))


def assert_picture_labelled(path: Path, data: str | None, produce_id: str) -> None:
    """Check both halves of a picture's label with readers that are not ours."""
    needs_tools()
    path.write_bytes(base64.b64decode(data or ""))
    with Image.open(path) as picture:
        picture.load()
        assert PRODUCER in picture.info["xmp"].decode()
        # The picture is of one colour but for the words in its corner.
        width, height = picture.size
        corner = picture.convert("L").crop((width // 2, height * 3 // 4, width, height))
        assert max(corner.tobytes()) - min(corner.tobytes()) > 100
    assert orjson.loads(exiftool(path)["aigc"])["ProduceID"] == produce_id


def test_a_picture_comes_with_its_label(shared: Gateway, tmp_path: Path) -> None:
    """In head, body and file; what was made of the prompt is masked."""
    raw = shared.openai().images.with_raw_response.generate(model=MODEL, prompt="[[mask]] 画一扇闸门")
    picture = raw.parse()
    (row,) = picture.data or []
    assert_picture_labelled(tmp_path / "a.png", row.b64_json, raw.headers["x-request-id"])
    assert f"他说“{MASKED}”" in (row.revised_prompt or "")
    assert orjson.loads(raw.headers["x-aigc-label"]) == (picture.model_extra or {})["aigc"]
    assert (picture.model_extra or {})["sluice"]["decision"] == "mask"


def test_a_picture_with_a_harmful_description_is_an_error(shared: Gateway) -> None:
    """The reply is stopped as a whole."""
    with pytest.raises(openai.BadRequestError) as caught:
        shared.openai().images.generate(model=MODEL, prompt="[[harm]] 画一扇闸门")
    assert shared.record(caught.value.response.headers["x-request-id"]).phase == "response"


def test_several_pictures_are_labelled_each(shared: Gateway, tmp_path: Path) -> None:
    """With numbers of their own, and one entry that says so; counted among all."""
    counts = [shared.metric(f"sluice_{name}_answers_total", medium="image") for name in ("generated", "labelled")]
    raw = shared.openai().images.with_raw_response.generate(
        model=MODEL, prompt="闸门", n=3, size="1024x1024", response_format="b64_json"
    )
    request_id = raw.headers["x-request-id"]
    for number, row in enumerate(raw.parse().data or [], start=1):
        assert_picture_labelled(tmp_path / f"{number}.png", row.b64_json, f"{request_id}-{number}")
    record = shared.record(request_id)
    assert (record.label, record.lack, record.produce_id) == ("corner", "", request_id)
    assert counts == [
        shared.metric(f"sluice_{name}_answers_total", medium="image") - 1 for name in ("generated", "labelled")
    ]


def test_pictures_by_address_are_refused(shared: Gateway) -> None:
    """They could not be labelled; nothing was asked of the model."""
    with pytest.raises(openai.BadRequestError, match="b64_json"):
        shared.openai().images.generate(model=MODEL, prompt="闸门", response_format="url")


@pytest.mark.parametrize("chosen", ["mp3", "wav", "flac", "opus"])
def test_sound_comes_with_its_label(shared: Gateway, tmp_path: Path, chosen: Any) -> None:  # noqa: ANN401 a literal of the client's
    """Heard at its start and written into the file, as readers that are not ours see it."""
    needs_tools()
    path = tmp_path / f"a.{chosen}"
    speech = shared.openai().audio.speech.with_streaming_response
    with speech.create(model=MODEL, voice="alloy", input="[[length:60]]水闸", response_format=chosen) as response:
        response.stream_to_file(path)
        headers = response.headers
    if chosen == "wav":
        assert orjson.loads(path.read_bytes().partition(b"AIGC")[2][4:].partition(b"}")[0] + b"}") == orjson.loads(
            headers["x-aigc-label"]
        )
    else:
        assert orjson.loads(tags(path)["AIGC"]) == orjson.loads(headers["x-aigc-label"])
        assert mutagen.File(path) is not None
    # A second and a half of sign or a little more, as frames have it, and three of tone.
    samples = run("ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ac", "1", "-ar", "8000", "-")
    assert len(samples) / 16000 == pytest.approx(4.7, abs=0.4)
    record = shared.record(headers["x-request-id"])
    assert (record.label, record.lack, record.dialect) == ("start", "", "openai.speech")


@pytest.mark.parametrize("chosen", ["pcm", "aac"])
def test_sound_that_takes_no_label_is_refused(shared: Gateway, chosen: Any) -> None:  # noqa: ANN401 the same
    """Before it is made; the message says what to ask for."""
    with pytest.raises(openai.BadRequestError, match="mp3, wav, flac or opus"):
        shared.openai().audio.speech.create(model=MODEL, voice="alloy", input="水闸", response_format=chosen)


def test_sound_without_a_label_is_streamed_where_the_policy_lets_it(open_labels: Gateway, standin_url: str) -> None:
    """Byte for byte, as it comes, and counted as what it is."""
    asked = {"model": MODEL, "voice": "alloy", "input": "[[length:300]]", "response_format": "pcm"}
    original = HTTP.post(f"{standin_url}/v1/audio/speech", json=asked).content
    counts = [
        open_labels.metric(f"sluice_{name}_answers_total", medium="audio") for name in ("generated", "labelled")
    ]
    response = open_labels.post(asked, path="/v1/audio/speech")
    assert (response.content, response.headers["content-type"]) == (original, "audio/pcm; rate=24000; channels=1")
    record = open_labels.record(response.headers["x-request-id"])
    assert (record.label, record.lack, record.produce_id) == ("unlabelled", "format", record.request_id)
    assert open_labels.metric("sluice_generated_answers_total", medium="audio") == counts[0] + 1
    assert open_labels.metric("sluice_labelled_answers_total", medium="audio") == counts[1]


def test_sound_that_breaks_off_is_an_error(shared: Gateway) -> None:
    """Nothing of it has left before all of it was there."""
    before = shared.metric("sluice_errors_total", code="upstream_reset")
    response = shared.post(
        {"model": MODEL, "voice": "alloy", "input": "[[length:30]][[reset]]"}, path="/v1/audio/speech"
    )
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_reset")
    assert shared.metric("sluice_errors_total", code="upstream_reset") == before + 1


@pytest.mark.parametrize("chosen", ["json", "verbose_json", "text", "srt", "vtt"])
@pytest.mark.parametrize(("said", "shown"), [("水位正常。", "水位正常。"), (f"他说{MASK_TERM}。", f"他说{MASKED}。")])
def test_transcripts_in_every_format(shared: Gateway, chosen: Any, said: str, shown: str) -> None:  # noqa: ANN401 a literal
    """Clean as they came, or masked wherever they say it; never labelled: people said it."""
    raw = shared.openai().audio.transcriptions.with_raw_response.create(
        model=MODEL, file=sound(f"[[echo:{said}]]"), response_format=chosen
    )
    body = raw.content
    if chosen in {"json", "verbose_json"}:
        document = orjson.loads(body)
        assert document["text"] == shown
    else:
        lines = read_transcript(body)["content"]
        assert "".join(line["text"] for line in lines if isinstance(line, dict)) == shown
    if chosen == "verbose_json":
        assert "".join(segment["text"] for segment in document["segments"]) == shown
        assert (document["words"] is None) is (said != shown)
        assert all(bool(segment["tokens"]) is (said == shown) for segment in document["segments"])
    assert MASK_TERM.encode() not in body
    assert "x-aigc-label" not in raw.headers
    assert raw.headers["x-sluice-decision"] == ("allow" if said == shown else "mask")


@pytest.mark.parametrize("chosen", ["json", "srt"])
def test_a_harmful_transcript_is_an_error(shared: Gateway, chosen: Any) -> None:  # noqa: ANN401 the same
    """Nothing of it is shown, in no format."""
    with pytest.raises(openai.BadRequestError) as caught:
        shared.openai().audio.transcriptions.create(
            model=MODEL, file=sound(f"[[echo:{HARM_TERM}]]"), response_format=chosen
        )
    assert caught.value.code == "content_filter"
    assert shared.record(caught.value.response.headers["x-request-id"]).phase == "response"


@pytest.mark.parametrize(
    ("said", "shown", "decision"),
    [
        ("水位正常。", "水位正常。", "allow"),
        (f"他说{MASK_TERM}。", f"他说{MASKED}。", "mask"),
        (f"可以{HARM_TERM}吗", "可以", "block"),
    ],
)
def test_transcripts_that_stream(shared: Gateway, said: str, shown: str, decision: str) -> None:
    """The pieces and the whole text at the end say the same."""
    events: list[Any] = []
    with shared.openai().audio.transcriptions.create(
        model=MODEL, file=sound(f"[[echo:{said}]]"), stream=True
    ) as stream:
        events += stream
    text = "".join(event.delta for event in events[:-1])
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == text
    assert text.startswith(shown)
    assert (text == shown) is (decision != "block")
    assert events[-1].model_extra["sluice"]["decision"] == decision


def test_an_upload_that_is_none_is_told(shared: Gateway) -> None:
    """In the error shape, with what to send."""
    response = expect_error(
        shared, ErrorCode.INVALID_REQUEST, lambda: shared.post({"model": MODEL}, path="/v1/audio/transcriptions")
    )
    assert "multipart/form-data" in response.json()["error"]["message"]


def test_models_are_listed_and_described(shared: Gateway) -> None:
    """As the model server has them."""
    assert [model.id for model in shared.openai().models.list()] == [MODEL]
    assert shared.openai().models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        shared.openai().models.retrieve("another/model")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/models"), ("GET", "/v1/embeddings"), ("DELETE", f"/v1/models/{MODEL}")]
)
def test_each_route_has_its_method(shared: Gateway, method: str, path: str) -> None:
    """405, in the error shape."""
    act: Callable[[], httpx.Response] = lambda: HTTP.request(method, shared.url + path, headers=shared.headers())  # noqa: E731 it is asked once
    expect_error(shared, ErrorCode.METHOD_NOT_ALLOWED, act)


def test_a_key_is_needed_for_models_too(shared: Gateway) -> None:
    """Nothing is asked of the model server for strangers."""
    expect_error(shared, ErrorCode.KEY_MISSING, lambda: HTTP.get(f"{shared.url}/v1/models"))
