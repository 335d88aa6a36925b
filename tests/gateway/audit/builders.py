"""Values and fakes for tests of the audit trail."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from filters.findings import Action, Phase, Stage
from gateway.audit.files import OsFileOps
from gateway.audit.log_tree import Checkpointing
from gateway.audit.note import Signer
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.protocol.record import ExchangeRecord, Latency, RecordedFinding, Unscanned

FINDING = RecordedFinding(Phase.REQUEST, Stage.KEYWORDS, "A.1.f", Action.BLOCK, "禁词", 2)
MISSED = Unscanned(Phase.RESPONSE, Stage.KEYWORDS, "malformed_frame")

_RECORD = ExchangeRecord(
    request_id="0199f0e2c0de7abc8123456789abcdef",
    started_at_us=1_795_316_941_000_000,
    ended_at_us=1_795_316_941_900_412,
    account="acc-0123456789abcdef",
    user="Z2F0ZXdheS9hdWRpdC9lbg",
    model="smollm2-135m-instruct",
    ruleset="0123456789abcdef01234567",
    produce_id="0199f0e2c0de7abc8123456789abcdef",
    prompt_characters=1234,
    reply_characters=2345,
    upstream="local",
    prompt_digest="dGVzdHMvZ2F0ZXdheS9hdQ",
    reply_digest="YnVpbGRlcnMucHkgdmFsdQ",
    latency=Latency(212, 1433, 897_310, 211_870, 245),
)


def exchange(**changes: object) -> ExchangeRecord:
    """Return the record of an ordinary clean exchange, with changes."""
    return _RECORD._replace(**changes)  # type: ignore[arg-type]  # fields by name, each of its type


def entries(count: int, first: int = 0) -> list[bytes]:
    """Return small entries that tell themselves apart."""
    return [b'{"n":%d}' % number for number in range(first, first + count)]


def stored(directory: Path) -> list[bytes]:
    """Return the entries of the only log under a directory."""
    (log_directory,) = log_directories(directory)
    found = list(read_log(log_directory))
    assert [entry.sequence for entry in found] == list(range(len(found)))
    return [entry.entry for entry in found]


class FailingOps(OsFileOps):
    """File operations of which one fails, from a given call of it on, until told otherwise.

    A write that fails leaves half of its data behind, as a full disk does.
    """

    def __init__(self, step: str = "", after_calls: int = 0) -> None:
        self.step = step
        self.after_calls = after_calls
        self.failures = 0

    def heal(self) -> None:
        """Let everything succeed from now on."""
        self.step = ""

    def _meet(self, step: str) -> None:
        if step != self.step:
            return
        if self.after_calls:
            self.after_calls -= 1
            return
        self.failures += 1
        raise OSError(f"{step} fails, as told")

    def create(self, path: Path) -> int:
        """Create a file, or fail."""
        self._meet("create")
        return super().create(path)

    def open_to_append(self, path: Path) -> int:
        """Open a file, or fail."""
        self._meet("open_to_append")
        return super().open_to_append(path)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write the data, or half of it and fail."""
        try:
            self._meet("write")
        except OSError:
            super().write(descriptor, data[: len(data) // 2])
            raise
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync, or fail."""
        self._meet("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Truncate, or fail."""
        self._meet("truncate")
        super().truncate(descriptor, size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        """Rename, or fail."""
        self._meet("rename")
        super().rename(source, target)

    def sync_directory(self, path: Path) -> None:
        """Sync a directory, or fail."""
        self._meet("sync_directory")
        super().sync_directory(path)

    def overwrite(self, path: Path, offset_bytes: int, data: bytes) -> None:
        """Write over a file, or fail."""
        self._meet("overwrite")
        super().overwrite(path, offset_bytes, data)

    def remove(self, path: Path) -> None:
        """Remove a file, or fail."""
        self._meet("remove")
        super().remove(path)

    def check_name(self, descriptor: int, path: Path) -> None:
        """Check a file's name, or fail."""
        self._meet("check_name")
        super().check_name(descriptor, path)

    def close(self, descriptor: int) -> None:
        """Close, and then fail, as a late write error does."""
        super().close(descriptor)
        self._meet("close")


WRITE_STEPS = ("create", "open_to_append", "write", "sync", "rename", "sync_directory", "check_name", "close")


# Made of fixed bytes, so that what is signed in a test is the same at every run.
SIGNER = Signer("audit.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_SIGNER = Signer("audit.example", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def checkpointing(interval_seconds: float = 0.0, signer: Signer = SIGNER) -> Checkpointing:
    """Return the making of checkpoints, by default at every occasion."""
    return Checkpointing(signer, interval_seconds)
