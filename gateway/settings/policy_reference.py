"""`docs/policies.md`, rendered: how policies are chosen and inherit, and what those that ship come to."""

import json

from gateway.settings.lines import KeyPath
from gateway.settings.loader import Loaded
from gateway.settings.models import Settings
from gateway.settings.policy_layers import Source, policy_values
from gateway.settings.problems import dotted
from gateway.settings.sources import Origins

HEAD = """\
# Policies

<!-- Rendered by `make docs`; change `gateway/settings/policy_reference.py`, not this page. -->

A policy says what is done about findings, and what a client reads when it is stopped. Every key is in
[settings.md](settings.md); this page says who gets which policy, what a policy inherits, and what the policies that
ship with Sluice come to.

## Who gets which

An account's own policy wins. Without one, the first rule of `[[policies.select]]` that fits gives the policy, and
where none fits it is `default`. A rule fits when all that it names is so.

```toml
[[policies.select]]
policy = "minors"
profile = "minor"        # the platform sends `x-sluice-profile: minor` with the requests of such end users

[[policies.select]]
policy = "code"
tenant = "developers"
model = "*coder*"        # `*`, `?` and `[…]` as in names of files; capitals count
```

`sluice config show --account NAME [--model M] [--profile P]` prints the policy an account is judged by, why it is
that one, and of each value the file and line, variable, base or profile it comes from; `--json` for programs, and
`GET /api/v1/accounts/NAME/policy?model=M&profile=P` for the same of a running gateway. `--policy NAME` prints one
by its name. A policy that an account names and no settings have is no reason to take another: its requests get 503.

- **profile** is believed from accounts that are believed about their end users (`trusts_end_user`), and is one word
  of small letters, digits, `-` and `_`. Anything else is no profile; sent twice, the request is refused with 400.
- **model** is what the client asks for. A client that may name any model chooses its policy with it, so give milder
  policies by tenant or account, or let the account ask for certain models only.

## What a policy inherits

A value comes from the policy's own table, else from its `base`'s, else from `[policies.default]`, else it is built
in. A base has no base of its own. Tables are merged key by key; a list is taken as a whole. A value can be replaced
and not taken back: what not every policy should have does not belong into `default`.

## Which action wins

The action for the risk (`action_request` or `action_response`, else `action`), else that of the check, else the
term's own. `off` at any level switches the check off for that risk.

## What a blocked client reads

| `refusal` | the client gets | a program sees |
|---|---|---|
| `answer` | 200 with the text | `content_filter`, `refusal`, `incomplete`, by format |
| `error` | 400 in the error shape of its format | `error.code` = `content_filter` |
| `fixed_answer` (代答) | 200 with the text as a complete answer | `stop`, `end_turn`, `completed` |

All three are decision `block` in the audit trail, in `x-sluice-decision` and in the member `sluice`, and count as
such. None of the texts has an AI label: an operator wrote it, no model generated it. A fixed answer needs a text of
the operator's own; behind words of the model that were already shown it is a notice like any other, since an answer
cannot begin in the middle of another. Several risks behind one block are answered by the strictest of their ways.

The text is that of the risk, else the policy's `answer`, else the shipped one. The language is the first of
`languages` that is written in the script of the prompt; a text that is missing in it is taken from the next
language.

## Trying something out

`shadow = true`, or `shadow = ["keywords"]` for a check in one half of an exchange, judges and records, and acts on
nothing. The entry keeps the findings with the action they would have had, its decision is `flag`, and its member
`shadow` says what would have been decided. Nothing counts as a violation, nothing waits, and nothing closes for a
check that failed.

Another version of the keyword lists is tried out with

```bash
sluice lists publish --no-activate          # prints the id
sluice lists try ID --percent 5             # later: --percent 20
sluice lists promote                        # or: sluice lists abandon
```

Gateways of this machine follow within seconds. Who is among the percentage depends on the person (account and end
user) and the version alone: nobody changes sides from one request to the next or when the percentage grows, and the
next version takes other people. They are judged by the version that is tried out. The one in force reads the same
texts, acts on nothing, and its digest and decision are in the entry as `other_ruleset` and `other_decision`;
`sluice_ruleset_comparisons_total` counts how often they agree. Of a stream it reads the running texts, up to where
the answer was stopped. Its scans cost as much as the first: what is remembered to be clean is read again. Test
accounts of regulators are always judged by what is in force. A version that cannot be built judges nobody.

## The policies that ship

`minors` and `code` are there without a table. A table of the same name changes single values of them, and a policy
of another name may have one of them as its base.

`minors` blocks what other policies only flag about terror, violence, pornography, gambling, drugs and harm to
oneself; whoever speaks of the last is answered with helplines. Personal data does not reach the model. `code` masks
nothing, since a masked name is another name and the program does not run: discrimination and insults, the classes
whose terms are masked, are flagged whatever their terms say. Every other class is as in `default`. Keys in what is
read from a project stay here, behind placeholders. Tool definitions are read as ever.

What differs from the built-in values:

| policy | key | value |
|---|---|---|
"""

TAIL = """
Built in, where no table says otherwise:

| key | value |
|---|---|
"""


def render_policies() -> str:
    """Return the page."""
    loaded = Loaded(Settings(), Origins(None, {}, {}, {}, {}))
    names = loaded.settings.policies.names
    values = [(name, value) for name in names for value in policy_values(loaded, name)]
    shipped = [
        f"| `{name}` | {_cells(each.key, each.value)} |" for name, each in values if each.source is Source.SHIPPED
    ]
    built_in = [_cells(each.key, each.value) for each in policy_values(loaded, names[0]) if each.value is not None]
    return HEAD + "\n".join(shipped) + "\n" + TAIL + "".join(f"| {row} |\n" for row in built_in)


def _cells(key: KeyPath, value: object) -> str:
    return f"`{dotted(key)}` | `{json.dumps(value, ensure_ascii=False)}`"
