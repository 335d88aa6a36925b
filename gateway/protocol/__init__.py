"""The sans-IO core: events (facts) in, commands (wishes) out.

Rules: no socket, clock, thread or random number; what a decision needs of these is a field of an event. Every text
that is forwarded was scanned; every buffer has a bound.
"""
