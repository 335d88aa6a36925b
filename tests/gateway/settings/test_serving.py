"""What serving needs is found complete, or told all at once."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.settings import Loaded, SettingsError, require_serving
from gateway.settings.serving import KEY_LIMIT_BYTES, serving_problems
from tests.settings_files import COMPLETE, load_text


def _with_upstream(line: str) -> str:
    return COMPLETE.replace("base_url", f"{line}\nbase_url")


def _only_message(loaded: Loaded, environ: Mapping[str, str]) -> str:
    (problem,) = serving_problems(loaded, environ)
    return str(problem)


def test_complete_settings_are_ready(tmp_path: Path) -> None:
    """A model server without a key and a producer are enough."""
    serving = require_serving(load_text(tmp_path, COMPLETE), {})
    assert serving.upstreams[0].settings.base_url == "http://127.0.0.1:8000/v1"
    assert serving.content_producer == "example-operator"
    assert serving.upstreams[0].secret is None


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    """Upstream and producer, each with what to do."""
    with pytest.raises(SettingsError) as caught:
        require_serving(load_text(tmp_path, ""), {})
    upstream, producer = caught.value.problems
    assert (upstream.key, upstream.remedy) == ("upstreams", "Add a table [[upstreams]] with name and base_url")
    assert (producer.key, producer.wrong) == ("labels.content_producer", "is missing")
    assert "TC260-PG-20252A" in producer.remedy


def test_a_key_comes_from_the_variable_that_is_named(tmp_path: Path) -> None:
    """The key is read, and does not show when the value is printed."""
    serving = require_serving(load_text(tmp_path, _with_upstream('api_key_env = "MODEL_KEY"')), {"MODEL_KEY": "sk-1"})
    assert serving.upstreams[0].secret == "sk-1"
    assert "sk-1" not in repr(serving)


def test_each_server_has_its_own_key(tmp_path: Path) -> None:
    """What is wrong with several is told at once, each under the number of its table."""
    second = '[[upstreams]]\nname = "second"\nbase_url = "http://host/v1"\napi_key_env = "OTHER_KEY"\n[labels]'
    text = _with_upstream('api_key_env = "MODEL_KEY"').replace("[labels]", second)
    serving = require_serving(load_text(tmp_path, text), {"MODEL_KEY": "sk-1", "OTHER_KEY": "sk-2"})
    assert [(each.settings.name, each.secret) for each in serving.upstreams] == [
        ("local", "sk-1"),
        ("second", "sk-2"),
    ]
    problems = serving_problems(load_text(tmp_path, text), {})
    assert [each.key for each in problems] == ["upstreams.0.api_key_env", "upstreams.1.api_key_env"]


def test_a_variable_that_is_not_set_is_an_error_at_the_start(tmp_path: Path) -> None:
    """The message names the file, the variable and what to do."""
    loaded = load_text(tmp_path, _with_upstream('api_key_env = "MODEL_KEY"'))
    assert _only_message(loaded, {}) == (
        f'{tmp_path}/sluice.toml: upstreams.0.api_key_env = "MODEL_KEY":'
        " the environment variable MODEL_KEY is not set."
        " Set MODEL_KEY to the upstream's key: visible ASCII, no spaces."
    )


@pytest.mark.parametrize("key", ["", "  \n", "two words", "line\nbreak", "钥匙", "nul\0"])
def test_a_key_no_header_can_hold_is_refused_unquoted(tmp_path: Path, key: str) -> None:
    """Line breaks would smuggle headers; the value is not repeated."""
    loaded = load_text(tmp_path, _with_upstream('api_key_env = "MODEL_KEY"'))
    message = _only_message(loaded, {"MODEL_KEY": key})
    assert "the environment variable MODEL_KEY holds no usable key" in message
    assert not key.strip() or key not in message


def test_a_key_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    """The line end editors leave is no part of the key."""
    (tmp_path / "key").write_text("sk-1\n", encoding="utf-8")
    serving = require_serving(load_text(tmp_path, _with_upstream(f'api_key_file = "{tmp_path}/key"')), {})
    assert serving.upstreams[0].secret == "sk-1"


def test_a_key_file_that_cannot_be_read_is_an_error_that_shows_no_value(tmp_path: Path) -> None:
    """A key written where its file's path belongs is not repeated."""
    loaded = load_text(tmp_path, _with_upstream('api_key_file = "sk-secret"'))
    message = _only_message(loaded, {})
    assert "upstreams.0.api_key_file: the file cannot be read (No such file or directory)" in message
    assert "sk-secret" not in message


@pytest.mark.parametrize("content", [b"", b"a b", b"\xff\xfe"])
def test_a_file_without_a_usable_key_is_an_error(tmp_path: Path, content: bytes) -> None:
    """An empty or binary file is caught at the start."""
    (tmp_path / "key").write_bytes(content)
    loaded = load_text(tmp_path, _with_upstream(f'api_key_file = "{tmp_path}/key"'))
    assert "the file holds no usable key" in _only_message(loaded, {})


def test_no_more_of_a_key_file_is_read_than_a_key_can_be_long(tmp_path: Path) -> None:
    """A wrong file does not fill the memory, and is refused rather than cut."""
    (tmp_path / "key").write_text("x" * (KEY_LIMIT_BYTES + 1), encoding="utf-8")
    loaded = load_text(tmp_path, _with_upstream(f'api_key_file = "{tmp_path}/key"'))
    assert "the file holds no usable key" in _only_message(loaded, {})


def test_complete_settings_have_no_problems(tmp_path: Path) -> None:
    """Nothing stands in the way of serving."""
    assert serving_problems(load_text(tmp_path, COMPLETE), {}) == ()


def test_the_token_of_the_operators_is_read_and_not_kept(tmp_path: Path) -> None:
    """From the variable or the file, the variable first; only its digest stays."""
    token = "0123456789abcdef" * 2
    (tmp_path / "token").write_text(token + "\n")
    with_file = COMPLETE + f'[server]\nadmin_token_file = "{tmp_path}/token"\n'
    assert require_serving(load_text(tmp_path, COMPLETE), {}).admin_token_digest == b""
    for text, environ, wanted in (
        (with_file, {}, token),
        (COMPLETE, {"SLUICE_ADMIN_TOKEN": token}, token),
        (with_file, {"SLUICE_ADMIN_TOKEN": token.upper()}, token.upper()),
    ):
        serving = require_serving(load_text(tmp_path, text), environ)
        assert serving.admin_token_digest == sha256(wanted.encode()).digest()
        assert wanted not in repr(serving)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SLUICE_ADMIN_TOKEN": "short"}, "fewer than 32 characters"),
        ({"SLUICE_ADMIN_TOKEN": ""}, "holds no usable key"),
        ({"SLUICE_ADMIN_TOKEN": "0123456789abcdef 0123456789abcdef"}, "holds no usable key"),
        ({}, "cannot be read"),
    ],
)
def test_a_token_that_would_guard_nothing_is_an_error_at_the_start(
    tmp_path: Path, environ: Mapping[str, str], said: str
) -> None:
    """Short, empty, with a space in it, or not there."""
    text = COMPLETE + f'[server]\nadmin_token_file = "{tmp_path}/none"\n'
    message = _only_message(load_text(tmp_path, text), environ)
    assert said in message
    assert not environ.get("SLUICE_ADMIN_TOKEN") or environ["SLUICE_ADMIN_TOKEN"] not in message
