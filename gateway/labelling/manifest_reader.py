"""Reading a stranger's C2PA manifest, in a process of its own: ``python manifest_reader.py TYPE FILE [MANIFEST]``.

The library is native code, and an error in it may end the process it runs in. So it is not the gateway's, and has
bounds that the system keeps: memory and processor time here, time on the clock with whoever starts it. Prints one
JSON object: ``state`` and ``store``, or ``error``.

Rules: imports nothing of this package, so that it starts quickly; asks no network.
"""

import json
import resource
import sys
from pathlib import Path

MOST_MEMORY_BYTES = 2 * 1024**3
MOST_PROCESSOR_SECONDS = 20
SETTINGS = {
    # A preview would be a second picture, without the label for people.
    "builder": {"thumbnail": {"enabled": False}},
    # What a stranger's file names is not asked for.
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


def read(kind: str, source: Path, manifest: Path | None) -> dict[str, object]:
    """Return what the library says of a file.

    Args:
        kind: media type.
        source: the file.
        manifest: its manifest, where it stands beside the file.
    """
    import c2pa  # noqa: PLC0415 an extra: whoever only wants the settings does without

    context = c2pa.Context(c2pa.Settings.from_dict(SETTINGS))
    more = {} if manifest is None else {"manifest_data": manifest.read_bytes()}
    try:
        with source.open("rb") as file, c2pa.Reader(kind, file, context=context, **more) as reader:
            return {"state": reader.get_validation_state(), "store": json.loads(reader.json())}
    except (c2pa.C2paError, ValueError) as exc:
        return {"error": str(exc)}


def main() -> None:
    """Read what the arguments name, within the bounds."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_PROCESSOR_SECONDS, MOST_PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kind, source, *manifest = sys.argv[1:]
    answer = read(kind, Path(source), Path(manifest[0]) if manifest else None)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
