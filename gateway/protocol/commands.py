"""Wishes of an exchange, carried out by the driver in the order given."""

from collections.abc import Mapping
from typing import NamedTuple

from filters.classifier.scores import Window
from filters.findings import Phase
from gateway.protocol.carriage import Medium
from gateway.protocol.evidence import NO_EVIDENCE, Evidence
from gateway.protocol.record import ExchangeRecord
from gateway.protocol.strikes import Strike

Headers = tuple[tuple[bytes, bytes], ...]


class Admit(NamedTuple):
    """Settle whether this may be asked, and by which rules it is judged.

    Answered by `Admitted` or `RequestRefused`. ``end_user`` is who the request says is asking, as sent;
    ``body_bytes`` the length of its body.
    """

    end_user: str
    model: str
    body_bytes: int
    streamed: bool

    def __repr__(self) -> str:
        """Say nothing of who asks: this must not get into a log."""
        return f"Admit({self.model!r}, {self.body_bytes}, …)"


class ScanText(NamedTuple):
    """Scan these texts outside the event loop; answered by `ScanCompleted` or `ScanFailed`.

    ``personal`` says whether personal data is looked for as well, ``other`` whether the other ruleset reads them too.
    """

    phase: Phase
    texts: tuple[str, ...]
    personal: bool = False
    other: bool = False


class NoteStrike(NamedTuple):
    """Count a blocked prompt against whoever sent it.

    Answered by `StrikeNoted`, or by `RequestRefused` where it cannot be counted, or the sender was suspended since.
    """

    strike: Strike


class ScoreTexts(NamedTuple):
    """Have these windows scored by the classifier; answered by `TextsScored` or `ScoringFailed` of the same ticket.

    What follows does not wait for the answer: it comes when it comes.
    """

    ticket: int
    windows: tuple[Window, ...]


class LabelFiles(NamedTuple):
    """Put labels into the files of a reply; answered by `FilesLabelled` or `LabellingFailed`.

    ``members`` are the seven of each file, in the order of the files; ``text`` is the wording of the label for
    people, empty where none is wanted.
    """

    medium: Medium
    files: tuple[bytes, ...]
    members: tuple[Mapping[str, str], ...]
    text: str

    def __repr__(self) -> str:
        """Say how much, and not what: this must not get into a log."""
        return f"LabelFiles({self.medium}, {[len(each) for each in self.files]}, …)"


class OpenUpstream(NamedTuple):
    """Send a request to a server that has the model; answered by `UpstreamStarted` or `UpstreamFailed`.

    ``headers`` say what the body is, and what may come back.
    """

    path: str
    body: bytes
    model: str
    method: str = "POST"
    headers: Headers = ()


class CloseUpstream(NamedTuple):
    """End the exchange with the model server at once; nothing more is wanted of it."""


class AppendAudit(NamedTuple):
    """Record the exchange; answered by `AuditAppended` or `AuditFailed`.

    ``durable`` means the answer comes after the entry is on disk: what follows is an intervention. ``evidence`` is
    what must not be written as it is.
    """

    record: ExchangeRecord
    durable: bool
    evidence: Evidence = NO_EVIDENCE


class SendStart(NamedTuple):
    """Send the head of the answer."""

    status: int
    headers: Headers


class SendData(NamedTuple):
    """Send a piece of the answer."""

    data: bytes


class SendEnd(NamedTuple):
    """Send the last piece, which may be empty: the answer is complete.

    One command and not two, because each costs a pass through the server and its socket.
    """

    data: bytes = b""


Command = (
    Admit
    | ScanText
    | ScoreTexts
    | NoteStrike
    | LabelFiles
    | OpenUpstream
    | CloseUpstream
    | AppendAudit
    | SendStart
    | SendData
    | SendEnd
)
