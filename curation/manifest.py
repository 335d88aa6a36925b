"""The manifest of the shipped lists: what they are, how many terms they hold, and where these come from."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from filters.list_rows import ListRow
from filters.list_stats import count_rows
from filters.lists import list_digest

_NAME = "manifest.json"
# Where a licence asks for more than its name.
_ATTRIBUTION = {
    "naughty-words": "List of Dirty, Naughty, Obscene, and Otherwise Bad Words by Shutterstock and contributors;"
    " single terms were selected and are otherwise unchanged",
    "naughty-words (LDNOOBW)": "List of Dirty, Naughty, Obscene, and Otherwise Bad Words by Shutterstock and"
    " contributors; single terms were selected and are otherwise unchanged",
}


def write_manifest(directory: Path, rows: Sequence[ListRow], day: date) -> None:
    """Write the manifest beside the lists.

    Args:
        directory: of the lists.
        rows: what they hold.
        day: date of this version.
    """
    stats = count_rows(rows)
    manifest = {
        "version": f"{day:%Y.%m.%d}",
        "date": day.isoformat(),
        "digest": list_digest(row.term for row in rows),
        "total": stats.total,
        "by_risk": stats.by_risk,
        "by_language": stats.by_language,
        "by_kind": stats.by_kind,
        "sources": [
            {"source": source, "licence": licence, "terms": count, "attribution": _ATTRIBUTION.get(source, "")}
            for (source, licence), count in stats.by_provenance.items()
        ],
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (directory / _NAME).write_text(f"{text}\n", encoding="utf-8")
