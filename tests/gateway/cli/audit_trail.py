"""A trail with its own key, for tests of the commands on it."""

from pathlib import Path

from typer.testing import CliRunner, Result

from gateway.audit.log_tree import Checkpointing
from gateway.audit.signing_key import key_file_beside, load_or_create_key
from gateway.audit.writer import LogWriter
from gateway.cli.main import app
from tests.gateway.audit.trails import entry


def audit(directory: Path, *arguments: str) -> Result:
    """Run `sluice audit` where the settings name a directory."""
    environment = {"COLUMNS": "200", "SLUICE_AUDIT__DIRECTORY": str(directory)}
    return CliRunner().invoke(app, ["audit", *arguments], env=environment)


def make_trail(directory: Path, logs: int = 1) -> Path:
    """Write logs of twenty entries, signed by a key beside the directory; return the public key's file."""
    signer, _ = load_or_create_key(key_file_beside(directory), "audit.example")
    writers = [LogWriter(directory, checkpointing=Checkpointing(signer, 0)) for _ in range(logs)]
    for number, writer in enumerate(writers):
        writer.append_batch([entry(number * 20 + each) for each in range(20)])
    for writer in writers:
        writer.close()
    public = directory.parent / "key.pub"
    public.write_text(signer.public.line)
    return public
