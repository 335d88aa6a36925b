"""Tests of the signing key: made once, kept to its owner, never taken for another."""

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit.signing_key import key_file_beside, load_key, load_or_create_key
from gateway.errors import ResourceError


def test_key_is_made_once(tmp_path: Path) -> None:
    """The first start makes it, every later one reads it; only its owner can."""
    path = tmp_path / "new" / "audit.key"
    first, is_new = load_or_create_key(path, "audit.example")
    assert is_new
    assert path.stat().st_mode & 0o777 == 0o600
    assert first.public.name == "audit.example"
    again, is_new = load_or_create_key(path, "")
    assert again.public == load_key(path).public == first.public
    assert not is_new
    assert [each.name for each in path.parent.iterdir()] == ["audit.key"]


def test_key_names_itself_when_nobody_does(tmp_path: Path) -> None:
    """Without a name it gets one that no other installation has."""
    names = {load_or_create_key(tmp_path / name, "")[0].public.name for name in ("one", "two")}
    assert len(names) == 2
    assert all(name.startswith("sluice-") for name in names)


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    """Whoever is first makes it; the others take that one."""
    found: list[tuple[bytes, bool]] = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        signer, is_new = load_or_create_key(tmp_path / "audit.key", "")
        found.append((signer.public.raw, is_new))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({raw for raw, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1


def test_key_of_another_name_is_refused(tmp_path: Path) -> None:
    """A changed `audit.origin` does not silently make another key of this one."""
    load_or_create_key(tmp_path / "audit.key", "one.example")
    with pytest.raises(ResourceError, match=r"named one\.example, and audit\.origin says two\.example"):
        load_or_create_key(tmp_path / "audit.key", "two.example")


def test_key_that_everyone_may_read_is_refused(tmp_path: Path) -> None:
    """A key that others had access to proves nothing."""
    path = tmp_path / "audit.key"
    load_or_create_key(path, "")
    path.chmod(0o644)
    with pytest.raises(ResourceError, match="chmod 600"):
        load_key(path)


@pytest.mark.parametrize(
    "content", ["", "none", "PRIVATE+KEY+name+00000000+AQ==", "PRIVATE+KEY+name+00000000+AQ" + "A" * 42 + "="]
)
def test_file_that_is_no_key_is_refused_and_not_quoted(tmp_path: Path, content: str) -> None:
    """The error names the file and nothing of what is in it."""
    path = tmp_path / "audit.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ResourceError, match="holds no signing key") as caught:
        load_or_create_key(path, "")
    assert not content or content not in str(caught.value)


def test_changed_key_is_refused(tmp_path: Path) -> None:
    """The id in the file ties name and key together."""
    path = tmp_path / "audit.key"
    load_or_create_key(path, "one.example")
    path.write_text(path.read_text().replace("one.example", "two.example"))
    with pytest.raises(ResourceError, match="holds no signing key"):
        load_key(path)


def test_key_is_never_logged(tmp_path: Path) -> None:
    """Making it is reported with its fingerprint, and without itself."""
    with capture_logs() as logs:
        signer, _ = load_or_create_key(tmp_path / "audit.key", "")
    (event,) = logs
    assert event["fingerprint"] == signer.public.fingerprint
    assert (tmp_path / "audit.key").read_text().rpartition("+")[2].strip() not in str(event)


def test_key_lies_beside_the_trail() -> None:
    """Who copies the directory for an auditor does not copy the key."""
    assert key_file_beside(Path("var/audit")) == Path("var/audit.key")
