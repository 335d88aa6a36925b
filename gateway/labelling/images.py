"""Pictures that carry labels, each in an XMP packet (TC260-PG-20259A)."""

from gateway.labelling.container import Format

FORMATS: tuple[Format, ...] = ()
