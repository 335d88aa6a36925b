"""The sealer: pseudonyms, salted digests and content of exchanges, on the request path and without waiting.

Rules: nobody waits for the store; a key is made in memory and stored by a thread of its own (`writer`), which also
encrypts. Content waits there until its key is durable, within bounds; what goes beyond them is given up, and the
exchange's entry says so. Entries of exchanges never wait. Used from the event loop only.
"""

from typing import NamedTuple

from gateway.audit.content.keys import DataKey, day_of, new_data_key
from gateway.audit.content.secrets import MasterKeys
from gateway.audit.content.writer import ContentWriter
from gateway.protocol.evidence import Evidence
from gateway.protocol.record import ExchangeRecord

_MOST_PEOPLE = 65_536
"""People whose key of the day is in memory, about 1 kB each; who is forgotten gets another key."""

KEPT, DROPPED = "kept", "dropped"


class Sealed(NamedTuple):
    """What the record of an exchange says of its texts and of who asked.

    Attributes:
        user: pseudonym of the end user, or empty.
        prompt_digest: salted digest of the prompt's texts, or empty.
        reply_digest: the same of the reply.
        content: ``kept``, ``dropped``, or empty when there was none to keep.
    """

    user: str = ""
    prompt_digest: str = ""
    reply_digest: str = ""
    content: str = ""


_NOBODY = Sealed()


class Sealer:
    """Seals what the core says of exchanges.

    Args:
        master_keys: make pseudonyms.
        writer: stores keys, and encrypts.
    """

    def __init__(self, master_keys: MasterKeys, writer: ContentWriter) -> None:
        self._master_keys = master_keys
        self._writer = writer
        self._people: dict[tuple[str, str], DataKey] = {}
        self._destroyed = writer.destroyed

    def seal(self, record: ExchangeRecord, evidence: Evidence) -> Sealed:
        """Return what the record says besides, and hand its content on."""
        # Without an account nothing was read, and there is nobody whose key it could be.
        if not record.account:
            return _NOBODY
        key = self._key(record.account, evidence.end_user, day_of(record.started_at_us))
        content = ""
        if evidence.excerpts or evidence.prompt or evidence.reply:
            content = KEPT if self._writer.put(record.request_id, record.started_at_us, evidence, key) else DROPPED
        return Sealed(
            key.user,
            key.digest(b"prompt", record.request_id, evidence.prompt_sha256),
            key.digest(b"reply", record.request_id, evidence.reply_sha256),
            content,
        )

    def pseudonym(self, account: str, end_user: str) -> str:
        """Return what stands for an end user of an account; see `MasterKeys.pseudonym`."""
        return self._master_keys.pseudonym(account, end_user)

    def _key(self, account: str, end_user: str, day: int) -> DataKey:
        # Keys were destroyed: which of them, the store knows; new ones cost little.
        if self._destroyed != self._writer.destroyed:
            self._destroyed = self._writer.destroyed
            self._people.clear()
        person = (account, end_user)
        key = self._people.get(person)
        if key is None or key.day != day:
            user = self._master_keys.pseudonym(account, end_user) if end_user else ""
            key = new_data_key(account, user, day)
            self._writer.put_key(key)
            if len(self._people) >= _MOST_PEOPLE:
                # The one met first; its next exchange makes another key.
                del self._people[next(iter(self._people))]
            self._people[person] = key
        return key
