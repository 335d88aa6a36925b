"""Sluice: a runtime content-safety gateway in front of an LLM API.

`gateway.protocol` decides without I/O; `gateway.proxy` carries out; everything else serves these two.
"""

__version__ = "0.1.0"
