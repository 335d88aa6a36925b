"""A second verifier of the audit trail, written from `docs/audit-format.md` alone, and tests that both agree.

Nothing of the product is imported by `verifier.py`: what it accepts is what the page says, and not what the code does.
"""
