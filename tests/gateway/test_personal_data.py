"""Personal data over real sockets: blocked, masked, and restored behind a model that never read it."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.standin.replies import LABEL_TEXT
from tests.filters.personal.samples import EMAIL, ID_NUMBER, MOBILE
from tests.gateways import Gateway, chat, frames_of, gateway, said_in

SAID = f"我的电话是 {MOBILE}，邮箱 {EMAIL}，电话再说一遍：{MOBILE}。"


def encoded(text: str) -> str:
    """Return a cue that has the stand-in say a text the prompt does not hold."""
    return f"[[echo:base64={base64.urlsafe_b64encode(text.encode()).decode()}]]"


@pytest.fixture(scope="module", params=["restore", "mask", "block"])
def served(
    request: pytest.FixtureRequest, standin_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A gateway of each policy, and the action."""
    phases = {phase: {"personal_data": request.param} for phase in ("request", "response")}
    settings = {"policies": {"default": phases}}
    with gateway(tmp_path_factory.mktemp("gateway"), standin_url, settings) as running:
        yield running, request.param


def answer(running: Gateway, prompt: str, *, streamed: bool) -> tuple[str, str]:
    """Return the reply's text without its label, and the exchange's id."""
    response = running.post(chat(prompt, stream=streamed))
    said = said_in(frames_of(response.content)) if streamed else response.json()["choices"][0]["message"]["content"]
    return said.removesuffix(f"\n\n{LABEL_TEXT}"), response.headers["x-request-id"]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_prompt_holds(served: tuple[Gateway, str], streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """The model repeats what it was sent: placeholders that come back as values, masks, or nothing at all."""
    running, action = served
    said, request_id = answer(running, f"[[echo:{SAID}]]", streamed=streamed)
    record = running.record(request_id)
    expected = {"restore": SAID, "mask": SAID.replace(MOBILE, "*" * 11).replace(EMAIL, "*" * len(EMAIL))}
    assert said == expected.get(action, said)
    assert record.decision == ("block" if action == "block" else "mask")
    assert [(each.term, each.action, each.count) for each in record.findings] == [
        ("personal_data.phone", action, 2),
        ("personal_data.email", action, 1),
    ]
    if action == "block":
        assert MOBILE not in said


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_model_says(served: tuple[Gateway, str], streamed: bool) -> None:  # noqa: FBT001 a parameter of the table
    """A value of the model's own is masked or blocked; there is nothing to restore."""
    running, action = served
    said, request_id = answer(running, encoded(f"他的身份证号是 {ID_NUMBER}，别说出去。"), streamed=streamed)
    assert running.record(request_id).decision == ("block" if action == "block" else "mask")
    if action == "block":
        assert ID_NUMBER[:6] not in said
    else:
        assert said == f"他的身份证号是 {'*' * 18}，别说出去。"


def test_a_placeholder_of_another_exchange_is_not_restored(served: tuple[Gateway, str]) -> None:
    """Text that merely looks like one stays what it is."""
    running, action = served
    if action == "restore":
        prompt = f"[[echo:PHONE-1-0000 和 {MOBILE}。]]"
        assert answer(running, prompt, streamed=True)[0] == f"PHONE-1-0000 和 {MOBILE}。"


def test_by_default_personal_data_is_noted(shared: Gateway) -> None:
    """The client's text is left alone, and the trail names the kinds."""
    said, request_id = answer(shared, f"[[echo:{SAID}]]", streamed=True)
    record = shared.record(request_id)
    assert (said, record.decision) == (SAID, "flag")
    assert {(each.phase.value, each.term) for each in record.findings} == {
        (phase, term) for phase in ("request", "response") for term in ("personal_data.phone", "personal_data.email")
    }


def test_no_value_is_in_the_audit_trail(shared: Gateway) -> None:
    """Nothing on disk tells more than the kind."""
    answer(shared, f"[[echo:{SAID}]]", streamed=False)
    files = [file.read_bytes() for file in shared.audit_directory.rglob("*") if file.is_file()]
    assert not any(MOBILE.encode() in data or EMAIL.encode() in data for data in files)
