"""Tests in front of the small real model; run by `make test-real`."""
