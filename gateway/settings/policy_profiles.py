"""Policies that ship with Sluice, as an operator would write them; a table of the same name in the settings wins.

Sources of ``minors``: Regulations on the Protection of Minors Online (State Council order 766, in force 2024-01-01)
article 22 names pornography, violence, gambling, superstition, the luring into self-harm and suicide; Personal
Information Protection Law article 28 counts all data of children under 14 as sensitive. 12355 is the youth helpline of
the Communist Youth League, 12356 the national one for mental health.
"""

from collections.abc import Mapping
from typing import Any

MINORS = "minors"
CODE = "code"

SHIPPED: Mapping[str, Mapping[str, Any]] = {
    MINORS: {},
    CODE: {},
}
"""Their tables by name."""
