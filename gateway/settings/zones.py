"""Time zones in settings: a name of the IANA database."""

from zoneinfo import ZoneInfo

from gateway.settings.base import rejected

ZONE_REMEDY = 'Name a zone of the IANA database, such as "Asia/Shanghai" or "UTC"'


def checked_timezone(name: str) -> str:
    """Return the name of a zone that exists; a validator of the library's."""
    try:
        ZoneInfo(name)
    # The library opens a file of that name: a directory among the zones, or a name that is no path, fails otherwise.
    except (KeyError, ValueError, OSError):
        raise rejected("is no time zone", ZONE_REMEDY) from None
    return name
