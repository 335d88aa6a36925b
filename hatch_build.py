"""Builds the kernel of the keyword engine (`filters/_scan.c`) where a compiler is, and goes on without it elsewhere.

The file stands beside its source, for an editable install as for a wheel. Without it the engine finds the same in
several times the time (`filters.kernel`).
"""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = ("filters/_scan.c", "filters/_scan_mixed.c", "filters/_scan_set.c")
_COMPILE_SECONDS = 120


class CustomBuildHook(BuildHookInterface):
    """Named so that hatchling finds it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling passes it
        """Compile before files are gathered; a wheel with the kernel is for this platform alone."""
        if self.target_name == "wheel" and (built := _compiled(Path(self.root))):
            build_data["artifacts"].append(built.relative_to(self.root).as_posix())
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


def _compiled(root: Path) -> Path | None:
    """Compile the kernel; return its file, or None where that cannot be done, after saying why."""
    sources = [root / name for name in _SOURCES]
    built = sources[0].with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    flags = [*shlex.split(sysconfig.get_config_var("CCSHARED") or ""), "-O3", "-fvisibility=hidden"]
    includes = [f"-I{sysconfig.get_path(name)}" for name in ("include", "platinclude")]
    partial = built.with_suffix(".partial")
    try:
        subprocess.run(
            [*linker, *flags, *includes, *map(str, sources), "-o", str(partial)], check=True, timeout=_COMPILE_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        # One of another source would be worse than none.
        built.unlink(missing_ok=True)
        print(f"sluice: the kernel was not built, the keyword engine runs without it: {error}", file=sys.stderr)
        return None
    # A process that has the old one open keeps it.
    partial.replace(built)
    return built
