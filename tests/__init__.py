"""Tests mirror the packages: `gateway/x.py` is tested by `tests/gateway/test_x.py`."""
