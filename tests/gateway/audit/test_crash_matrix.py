"""The crash matrix: the writer is killed, loses power, or meets a failing disk or clock, at each of its steps.

Here is a sample of more than seven hundred runs that meets every kind of step and every fate.
`python -m benchmarks.audit_crash` runs all.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.gateway.audit.crash_clock import Jump, jump, jumps
from tests.gateway.audit.crash_faults import Fault, PowerLoss, faults, lose_power, meet_fault, power_losses
from tests.gateway.audit.crash_kills import Kill, Killer, kills
from tests.gateway.audit.crash_runs import SCENARIOS, record_steps

# Each step has sixteen losses of power; a stride that shares no factor with it comes past every kind of them.
_KILL_STRIDE, _POWER_STRIDE, _FAULT_STRIDE = 2, 41, 17


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """What carries out kills."""
    with Killer() as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of reported failures of a disk would hide the one that matters."""
    with structlog.testing.capture_logs():
        yield


@pytest.mark.parametrize(
    "operation", ["create", "write", "overwrite", "sync", "rename", "remove", "truncate", "sync_directory"]
)
def test_matrix_knows_every_kind_of_step(operation: str) -> None:
    """The recorded runs ask for each operation that writing is made of, or the matrix would miss it in silence."""
    assert any(step.operation == operation for scenario in SCENARIOS.values() for step in record_steps(scenario))


def test_matrix_is_large_enough() -> None:
    """Kills alone are more than two hundred."""
    assert len(kills()[::_KILL_STRIDE]) > 200


@pytest.mark.parametrize("kill", kills()[::_KILL_STRIDE], ids=str)
def test_kill(kill: Kill, killer: Killer, tmp_path: Path) -> None:
    """After SIGKILL at any step the next writer goes on: nothing acknowledged is missing, nothing half there."""
    killer.carry_out(kill, tmp_path)


@pytest.mark.parametrize("loss", power_losses()[::_POWER_STRIDE], ids=str)
def test_power_loss(loss: PowerLoss, tmp_path: Path) -> None:
    """The same when the power goes, whatever becomes of what was not synced, also in the life after a kill."""
    lose_power(loss, tmp_path)


@pytest.mark.parametrize("fault", faults()[::_FAULT_STRIDE], ids=str)
def test_fault(fault: Fault, tmp_path: Path) -> None:
    """A disk that is full, read-only or failing for a while costs no entry at all."""
    meet_fault(fault, tmp_path)


@pytest.mark.parametrize("run", jumps(), ids=str)
def test_clock(run: Jump, tmp_path: Path) -> None:
    """A clock that is set costs no entry and makes nobody wait."""
    jump(run, tmp_path)
