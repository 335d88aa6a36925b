"""Personal data and secrets in texts: candidates by expression, then check digits and context.

`detector` is what the core asks; `numbers`, `addresses` and `secrets` say what is looked for, `running` follows
secrets longer than a match, `kinds` names the findings.
"""
