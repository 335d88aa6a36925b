"""What serving needs beyond valid settings: upstreams with their keys, the name on the labels, the operators' token.

Commands that only scan a text or read the audit trail do without these, so they are not asked of every load.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from gateway.settings.labels import PRODUCER_REMEDY
from gateway.settings.loader import Loaded
from gateway.settings.models import Upstream
from gateway.settings.problems import Problem, SettingsError, shown

KEY_LIMIT_BYTES = 16 * 1024  # longer than any bearer token; a wrong file does not fill the memory


ADMIN_TOKEN_VARIABLE = "SLUICE_ADMIN_TOKEN"  # noqa: S105 a name
ADMIN_TOKEN_CHARACTERS = 32
"""Shortest token of the management plane: 128 bits in hex."""

_UPSTREAM_KEY = "the upstream's key"
_TOKEN = "the token"  # noqa: S105 the same


class ServedUpstream(NamedTuple):
    """A model server with its key.

    Attributes:
        settings: the model server.
        key: its API key; None when it takes none.
    """

    settings: Upstream
    key: SecretStr | None

    @property
    def secret(self) -> str | None:
        """The key in the clear."""
        return self.key.get_secret_value() if self.key else None


class Serving(NamedTuple):
    """What the data plane starts with, found complete.

    Attributes:
        upstreams: the model servers, at least one, in the order of the settings.
        content_producer: the name or code in the labels.
        admin_token_digest: SHA-256 of the management plane's token; empty when there is none.
    """

    upstreams: tuple[ServedUpstream, ...]
    content_producer: str
    admin_token_digest: bytes = b""


def require_serving(loaded: Loaded, environ: Mapping[str, str]) -> Serving:
    """Return what serving needs.

    Args:
        loaded: the settings with their origins.
        environ: environment variables, for the upstream's key.

    Raises:
        SettingsError: something is missing, or the key cannot be read or sent; all problems at once.
    """
    found = [_served(loaded, number, environ) for number in range(len(loaded.settings.upstreams))]
    producer, token = _producer(loaded), _admin_token(loaded, environ)
    # Without an upstream there is no key to miss: one cause gives one problem.
    problems = [each for each in (*found, producer, token) if isinstance(each, Problem)]
    if not found:
        problems.insert(0, _no_upstream(loaded))
    if problems or isinstance(producer, Problem) or isinstance(token, Problem):
        raise SettingsError(problems)
    return Serving(tuple(each for each in found if isinstance(each, ServedUpstream)), producer, token)


def serving_problems(loaded: Loaded, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what stands in the way of serving; empty when nothing does."""
    try:
        require_serving(loaded, environ)
    except SettingsError as error:
        return error.problems
    return ()


def _no_upstream(loaded: Loaded) -> Problem:
    remedy = "Add a table [[upstreams]] with name and base_url"
    return Problem(loaded.origins.place(("upstreams",)), "upstreams", None, "no model server is named", remedy)


# Annex E d asks for the producer in every label, and no default could name the right legal entity.
def _producer(loaded: Loaded) -> str | Problem:
    producer = loaded.settings.labels.content_producer
    if producer is not None:
        return producer
    path = ("labels", "content_producer")
    return Problem(loaded.origins.place(path), "labels.content_producer", None, "is missing", PRODUCER_REMEDY)


def _served(loaded: Loaded, number: int, environ: Mapping[str, str]) -> ServedUpstream | Problem:
    upstream, path = loaded.settings.upstreams[number], ("upstreams", str(number))
    key: SecretStr | Problem | None = None
    if upstream.api_key_env is not None:
        key = _key_from_variable(loaded, (*path, "api_key_env"), upstream.api_key_env, environ)
    elif upstream.api_key_file is not None:
        key = _key_from_file(loaded, (*path, "api_key_file"), upstream.api_key_file)
    return key if isinstance(key, Problem) else ServedUpstream(upstream, key)


def _key_from_variable(
    loaded: Loaded, path: tuple[str, ...], name: str, environ: Mapping[str, str], what: str = _UPSTREAM_KEY
) -> SecretStr | Problem:
    # Set but empty differs from not set: the first is a mistake in a secret store, the second in a unit file.
    if name in environ and (key := _usable_key(environ[name])):
        return key
    wrong = f"the environment variable {name} {'holds no usable key' if name in environ else 'is not set'}"
    remedy = f"Set {name} to {what}: visible ASCII, no spaces"
    return Problem(loaded.origins.place(path), ".".join(path), shown(name), wrong, remedy)


def _admin_token(loaded: Loaded, environ: Mapping[str, str]) -> bytes | Problem:
    """Return the digest of the management plane's token; empty when nobody set one."""
    path, file = ("server", "admin_token_file"), loaded.settings.server.admin_token_file
    token: SecretStr | Problem | None = None
    if ADMIN_TOKEN_VARIABLE in environ:
        token = _key_from_variable(loaded, path, ADMIN_TOKEN_VARIABLE, environ, _TOKEN)
    elif file is not None:
        token = _key_from_file(loaded, path, file, _TOKEN)
    if token is None or isinstance(token, Problem):
        return token or b""
    text = token.get_secret_value()
    if len(text) < ADMIN_TOKEN_CHARACTERS:
        # Whoever has it makes accounts without filters, and tries are not counted.
        wrong = f"the token of the management plane has fewer than {ADMIN_TOKEN_CHARACTERS} characters"
        return Problem(loaded.origins.place(path), ".".join(path), None, wrong, "Make one with: openssl rand -hex 32")
    return sha256(text.encode()).digest()


def _key_from_file(
    loaded: Loaded, path: tuple[str, ...], key_file: Path, what: str = _UPSTREAM_KEY
) -> SecretStr | Problem:
    problem = "holds no usable key"
    try:
        # Read once, at the start: a key that changes takes a restart, and never fails in the middle of traffic.
        with key_file.open("rb") as file:
            content = file.read(KEY_LIMIT_BYTES + 1)
    except OSError as error:
        content, problem = b"", f"cannot be read ({error.strerror or type(error).__name__})"
    remedy = f"Write {what} alone into that file: visible ASCII, no spaces"
    # What is no UTF-8 becomes a character that no key may hold, and gets the same sentence.
    usable = _usable_key(content.decode(errors="replace"))
    # The path is not shown: a key written here by mistake would be.
    return usable or Problem(loaded.origins.place(path), ".".join(path), None, f"the file {problem}", remedy)


def _usable_key(text: str) -> SecretStr | None:
    """Return a key that can stand in a header; a line end behind it, as editors leave one, is no part of it."""
    key = text.strip()
    # Any other character could end the header line early, and with it add headers of somebody's choice.
    usable = 0 < len(key) <= KEY_LIMIT_BYTES and all("!" <= character <= "~" for character in key)
    return SecretStr(key) if usable else None
