"""Detection: text in, findings out.

Rules: no sockets, no event loop, no clock, no knowledge of the gateway. Offsets in a finding are in the text as it
was received, never in a folded copy.
"""
