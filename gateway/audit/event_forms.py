"""The events of the audit trail: a closed table of what can have happened, and what is said of each.

Rules: what is not in the table is not written; a name or a detail is never renamed within a version;
`docs/audit-format.md` holds the table as `render_events` writes it. Every name has a writer, but `signin.…`: sign-ins
come with the console. No detail holds a secret, text of a prompt or
reply, or an account's name: a name may be a person's, and nothing can be taken out of a trail again.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class EventName(StrEnum):
    """What can have happened."""

    SERVICE_STARTED = "service.started"
    SERVICE_STOPPED = "service.stopped"
    SETTINGS_LOADED = "settings.loaded"
    POLICIES_CHANGED = "policies.changed"
    MODELS_LOADED = "models.loaded"
    CLASSIFIERS_LOADED = "classifiers.loaded"
    CLASSIFIER_DIFFERED = "classifier.differed"
    LISTS_PUBLISHED = "lists.published"
    LISTS_ROLLED_BACK = "lists.rolled_back"
    LISTS_TRIED = "lists.tried"
    LISTS_PROMOTED = "lists.promoted"
    LISTS_ABANDONED = "lists.abandoned"
    LISTS_LOADED = "lists.loaded"
    LISTS_REFUSED = "lists.refused"
    ACCOUNTS_CREATED = "accounts.created"
    ACCOUNTS_DISABLED = "accounts.disabled"
    ACCOUNTS_ENABLED = "accounts.enabled"
    ACCOUNTS_ROTATED = "accounts.rotated"
    STORE_MIGRATED = "store.migrated"
    CONTENT_READ = "content.read"
    CONTENT_EXPORTED = "content.exported"
    CONTENT_ERASED = "content.erased"
    CONTENT_RETIRED = "content.retired"
    CONTENT_REKEYED = "content.rekeyed"
    CONTENT_DROPPED = "content.dropped"
    AUDIT_KEY_CREATED = "audit.key_created"
    LABELS_WAIVED = "labels.waived"
    LABELS_RESTORED = "labels.restored"
    STRIKES_WARNED = "strikes.warned"
    STRIKES_SUSPENDED = "strikes.suspended"
    STRIKES_LIFTED = "strikes.lifted"
    SIGNIN_SUCCEEDED = "signin.succeeded"
    SIGNIN_FAILED = "signin.failed"
    ACCOUNTS_CHANGED = "accounts.changed"
    ACCOUNTS_BOUND = "accounts.bound"
    ACCOUNTS_UNBOUND = "accounts.unbound"
    ACCOUNTS_PRUNED = "accounts.pruned"


class EventForm(NamedTuple):
    """What an event of one name says.

    Attributes:
        happened: what happened.
        subject: what its `subject` is; empty when it has none.
        details: the members `details` may have, and what each means.
    """

    happened: str
    subject: str
    details: Mapping[str, str]


_REVISION = "number of the change, see below"
_ENTRIES = "number of entries whose content it was"
_KEYS = "number of data keys"
_RULES = {
    "policy": "policy of its own",
    "expires_at_us": "when it ends",
    "allow_from": "networks it may be used from",
    "tenant": "whom it belongs to",
    "models": "models it may ask for",
    "trusts_end_user": "`yes`: it is believed who its end users are",
}
_BOUND = "pseudonym of the end user"
_PERSON = "pseudonym of the end user, or id of the account"
_STRIKE = {
    "measure": "id of the measure in the store, which has none where it could not be taken",
    "account": "id of the account",
    "user": "pseudonym of the end user",
    "request": "id of the request that was blocked",
    "consecutive": "weight of the strikes in a row",
    "day_total": "weight of the strikes of that day",
}

EVENTS: Mapping[EventName, EventForm] = MappingProxyType(
    {
        EventName.SERVICE_STARTED: EventForm(
            "a gateway process began to append to this log", "log id", {"version": "release of the program"}
        ),
        EventName.SERVICE_STOPPED: EventForm(
            "it stopped in order; a start without it ended in a crash", "log id", {"version": "as above"}
        ),
        EventName.SETTINGS_LOADED: EventForm(
            "a gateway process took settings into use",
            "digest of the effective settings without secrets",
            {
                "from": "the digest at the start before, where known",
                "changed": "keys that differ from then",
            },
        ),
        EventName.POLICIES_CHANGED: EventForm(
            "a policy differs from the start before",
            "name of the policy",
            {"change": "`added`, `removed` or `changed`", "keys": "each key that differs, with both values"},
        ),
        EventName.MODELS_LOADED: EventForm(
            "a gateway process took model servers into use",
            "digest of the whole map",
            {"servers": "number of model servers", "map": "each server: its address and its models"},
        ),
        EventName.CLASSIFIERS_LOADED: EventForm(
            "a gateway process took classifiers into use",
            "digest of the model, or of all of them and how they are combined: `sha256:` and 64 digits",
            {
                "short": "its first 24 digits, by which exchanges name it",
                "classifiers": "each: its name in the settings, name, version and digest of its model,"
                " and `shadow` where it decides nothing",
            },
        ),
        EventName.CLASSIFIER_DIFFERED: EventForm(
            "a classifier in shadow would have decided otherwise on a text than those that decide",
            "id of the request",
            {
                "classifier": "name of the one in shadow",
                "side": "whose text it was: `input` or `output`",
                "outcome": "`shadow_only`: it alone takes the text for harmful; `decided_only`: all but it do",
                "windows": "number of windows of the text it differs on",
                "decided": "category of those that decide, in the gravest of these windows",
                "decided_score": "how sure they were, in per mille",
                "shadow": "its own category there",
                "shadow_score": "how sure it was, in per mille",
                "unreported": "number of texts before this one of which no entry tells, since there were too many",
            },
        ),
        EventName.LISTS_PUBLISHED: EventForm(
            "keyword lists became a version, and that the active one unless `active` says otherwise",
            "id of the version",
            {
                "from": "id of the version that was active before",
                "active": "`no` where it was only stored",
                "ruleset": "digest of the ruleset it makes",
                "keywords": "number of its keywords",
                "added": "number of rows added to what was active",
                "removed": "number of rows removed",
                "changed": "number of rows changed",
                "by": "who publishes, in their own words",
            },
        ),
        EventName.LISTS_ROLLED_BACK: EventForm(
            "an earlier version became the active one",
            "id of the version; none for the lists of the settings",
            {"from": "id of the version that was active before"},
        ),
        EventName.LISTS_TRIED: EventForm(
            "a version was made the candidate: it judges some of the people, beside the active one",
            "id of the version",
            {
                "from": "id of the version that is active",
                "percent": "how many of the people",
            },
        ),
        EventName.LISTS_PROMOTED: EventForm(
            "the candidate became the active version",
            "id of the version",
            {"from": "id of the version that was active before", "percent": "how many of the people it judged"},
        ),
        EventName.LISTS_ABANDONED: EventForm(
            "the candidate was given up; the active version judges everybody", "id of the version", {}
        ),
        EventName.LISTS_LOADED: EventForm(
            "a gateway process took a ruleset into use",
            "digest of the ruleset, `sha256:` and 64 digits",
            {
                "short": "its first 24 digits, by which exchanges name it",
                "from": "digest of the ruleset in use before; none at a start",
                "keywords": "number of keywords",
                "version": "id of the published version it is from",
            },
        ),
        EventName.LISTS_REFUSED: EventForm(
            "changed lists are wrong, or could not be built",
            "digest of the ruleset that stays in use",
            {"problems": "number of problems in the lists", "first": "the first of them, or why the build failed"},
        ),
        EventName.ACCOUNTS_CREATED: EventForm(
            "an account was made, with its first key",
            "id of the account",
            {
                "revision": _REVISION,
                "kind": "what it is for",
                **_RULES,
            },
        ),
        EventName.ACCOUNTS_DISABLED: EventForm(
            "an account was taken out of service", "id of the account", {"revision": _REVISION}
        ),
        EventName.ACCOUNTS_ENABLED: EventForm(
            "it was taken back into service", "id of the account", {"revision": _REVISION}
        ),
        EventName.ACCOUNTS_ROTATED: EventForm(
            "an account got a new key",
            "id of the account",
            {"revision": _REVISION, "others_end_at_us": "when its other keys end at the latest"},
        ),
        EventName.STORE_MIGRATED: EventForm(
            "the store's tables were changed", "revision they have then", {"migrations": "the migrations, in order"}
        ),
        EventName.CONTENT_READ: EventForm(
            "somebody read decrypted content",
            "id of the request",
            {"user": "pseudonym of the end user", "account": "id of the account", "entries": _ENTRIES},
        ),
        EventName.CONTENT_EXPORTED: EventForm(
            "the content of one person was exported",
            "pseudonym of the end user, or id of the account",
            {"entries": _ENTRIES, "since_us": "of no earlier entries", "until_us": "of no later entries"},
        ),
        EventName.CONTENT_ERASED: EventForm(
            "the data keys of one person were destroyed",
            "pseudonym of the end user, or id of the account",
            {"keys": _KEYS, "first_day": "first day they were of", "last_day": "last day they were of"},
        ),
        EventName.CONTENT_RETIRED: EventForm(
            "data keys were destroyed at the end of their retention",
            "first day whose keys stay",
            {"keys": _KEYS, "retention_days": "days that content is kept"},
        ),
        EventName.CONTENT_REKEYED: EventForm(
            "data keys were wrapped by another master key",
            "id of the new master key",
            {"keys": _KEYS, "from": "id of the old master key"},
        ),
        EventName.CONTENT_DROPPED: EventForm(
            "content could not be kept, though its exchanges say `kept`: the store was away, or the key was erased",
            "",
            {"entries": _ENTRIES},
        ),
        EventName.AUDIT_KEY_CREATED: EventForm(
            "a key that signs checkpoints was made; the first log it signed says so",
            "the public key, as a verifier reads it",
            {},
        ),
        EventName.LABELS_WAIVED: EventForm(
            "an end user took over the duty to label: their replies carry no visible label from now on",
            "id of the agreement, which these replies name",
            {
                "revision": _REVISION,
                "account": "id of the account",
                "user": "pseudonym of the end user; none for the account itself",
                "version": "which wording was accepted",
                "accepted_at_us": "when",
            },
        ),
        EventName.LABELS_RESTORED: EventForm(
            "an agreement ended: replies carry the visible label again",
            "id of the agreement",
            {"revision": _REVISION, "account": "id of the account"},
        ),
        EventName.STRIKES_WARNED: EventForm("a person was warned: one more strike may suspend", _PERSON, _STRIKE),
        EventName.STRIKES_SUSPENDED: EventForm(
            "a person was suspended", _PERSON, {**_STRIKE, "until_us": "end of the suspension"}
        ),
        EventName.STRIKES_LIFTED: EventForm(
            "a suspension was lifted, or strikes were settled",
            _PERSON,
            {**{key: _STRIKE[key] for key in ("measure", "account", "user")}, "until_us": "when it would have ended"},
        ),
        EventName.SIGNIN_SUCCEEDED: EventForm(
            "somebody signed in to the console",
            "name of the user",
            {"role": "role", "address": "address of the client"},
        ),
        EventName.SIGNIN_FAILED: EventForm(
            "somebody could not sign in",
            "name that was tried",
            {"why": "what was wrong", "address": "address of the client"},
        ),
        EventName.ACCOUNTS_CHANGED: EventForm(
            "it was changed what an account may do",
            "id of the account",
            {"revision": _REVISION, **_RULES, "removed": "names of those above that do not hold any more"},
        ),
        EventName.ACCOUNTS_BOUND: EventForm(
            "an end user of an account is judged as another kind from now on",
            "id of the account",
            {
                "revision": _REVISION,
                "user": _BOUND,
                "kind": "`audit` or `unfiltered`",
                "expires_at_us": "when that ends",
                "allow_from": "networks that holds for",
            },
        ),
        EventName.ACCOUNTS_UNBOUND: EventForm(
            "an end user is judged as the account is again",
            "id of the account",
            {"revision": _REVISION, "user": _BOUND},
        ),
        EventName.ACCOUNTS_PRUNED: EventForm(
            "keys and bindings that had ended were cleared away",
            "",
            {
                "revision": _REVISION,
                "before_us": "those that ended before",
                "keys": "number of keys of accounts",
                "bindings": "number of bindings",
            },
        ),
    }
)
"""What is said of each event."""


def render_events() -> str:
    """Return the table of the events as `docs/audit-format.md` shows it."""
    # Over the enumeration: a new name without a form fails here, before a page can lack it.
    return "| `event` | what happened | `subject` | `details` |\n|---|---|---|---|\n" + "".join(map(_row, EventName))


def _row(name: EventName) -> str:
    form = EVENTS[name]
    details = "; ".join(f"`{key}`: {meaning}" for key, meaning in form.details.items())
    return f"| `{name}` | {form.happened} | {form.subject} | {details} |\n"
