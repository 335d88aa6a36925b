"""The master key: where it comes from, and what is wrapped by it."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.audit.content.secrets import VARIABLE, MasterKeyError, MasterKeys, default_file, read_master_keys

_OLD, _NEW = b"o" * 32, b"n" * 32


def _text(*keys: bytes) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Also when several processes start together."""
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda _: read_master_keys({}, None, tmp_path / "audit"), range(8)))
    assert len({keys.newest_id for keys in read}) == 1
    path = default_file(tmp_path / "audit")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_environment_comes_before_a_file(tmp_path: Path) -> None:
    """And a file that is named before the one that is made."""
    file = tmp_path / "key"
    file.write_text(_text(_OLD))
    named = read_master_keys({}, file, tmp_path / "audit")
    assert named.newest_id == MasterKeys([_OLD]).newest_id
    assert read_master_keys({VARIABLE: _text(_NEW)}, file, tmp_path).newest_id == MasterKeys([_NEW]).newest_id
    assert not default_file(tmp_path / "audit").exists()


@pytest.mark.parametrize("text", ["", "short", _text(b"x" * 31), _text(_OLD) + " rubbish"])
def test_what_is_no_key_is_refused_unquoted(tmp_path: Path, text: str) -> None:
    """The message says what a key looks like, and shows nothing of what was given."""
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(MasterKeyError, match="openssl rand -base64 32") as caught:
        read_master_keys({}, file, tmp_path)
    assert not text or text not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A file the settings name is never made: a typing error must not become a second key."""
    with pytest.raises(MasterKeyError, match="cannot be read"):
        read_master_keys({}, tmp_path / "missing", tmp_path)


def test_the_newest_wraps_all_unwrap_and_the_oldest_names() -> None:
    """So a change of keys loses neither content nor pseudonyms."""
    old, both, new = MasterKeys([_OLD]), MasterKeys([_NEW, _OLD]), MasterKeys([_NEW])
    assert both.unwrap(old.wrap(b"k" * 32, b"row"), b"row", old.newest_id) == b"k" * 32
    assert new.unwrap(both.wrap(b"k" * 32, b"row"), b"row", both.newest_id) == b"k" * 32
    assert both.pseudonym("acc-1", "alice") == old.pseudonym("acc-1", "alice") != new.pseudonym("acc-1", "alice")
    with pytest.raises(MasterKeyError, match="not among those given"):
        new.unwrap(old.wrap(b"k" * 32, b"row"), b"row", old.newest_id)
    with pytest.raises(MasterKeyError, match="another row"):
        old.unwrap(old.wrap(b"k" * 32, b"row"), b"other", old.newest_id)


def test_pseudonyms_keep_people_apart() -> None:
    """By account too: the same name elsewhere is somebody else."""
    keys = MasterKeys([_OLD])
    names = {keys.pseudonym(account, user) for account in ("a", "b") for user in ("alice", "bob", "\ud800")}
    assert len(names) == 6
    assert {len(name) for name in names} == {22}


def test_keys_do_not_show_themselves() -> None:
    """A log line that names them holds ids."""
    assert repr(MasterKeys([_OLD])) == f"MasterKeys({MasterKeys([_OLD]).newest_id})"
