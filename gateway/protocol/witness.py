"""The witness of one exchange: told of its texts and findings as they come, asked for the evidence at the end."""

from collections.abc import Iterable
from hashlib import sha256
from itertools import chain, islice

from filters.findings import Finding, Phase
from gateway.protocol.evidence import MOST_EXCERPTS, ContentScope, Evidence, Excerpt, digest_texts, excerpts_of, keep
from gateway.protocol.transcript import Transcript


class Witness:
    """Collects what the audit trail keeps of an exchange's texts.

    Args:
        scope: what is kept of the texts themselves.

    Attributes:
        named: who the request says is asking, as sent; no text of it is kept that says the same.
        end_user: who is believed to be asking.
    """

    __slots__ = ("_cut", "_excerpts", "_kept", "_scope", "_sha256", "_transcripts", "end_user", "named")

    def __init__(self, scope: ContentScope) -> None:
        self._scope = scope
        self._sha256 = {Phase.REQUEST: b"", Phase.RESPONSE: b""}
        self._kept: dict[Phase, tuple[str, ...]] = {Phase.REQUEST: (), Phase.RESPONSE: ()}
        self._cut = {Phase.REQUEST: 0, Phase.RESPONSE: 0}
        self._excerpts: dict[Phase, list[Excerpt]] = {Phase.REQUEST: [], Phase.RESPONSE: []}
        self._transcripts: list[Transcript] = []
        self.named = ""
        self.end_user = ""

    def hear(self, phase: Phase, texts: list[str]) -> None:
        """Take all texts of one half."""
        # Who asks is told apart from what is asked; some replies say it once more.
        if self.named:
            texts = [text for text in texts if text != self.named]
        self._sha256[phase] = digest_texts(texts)
        if self._scope is ContentScope.ALL:
            self._kept[phase], self._cut[phase] = keep(texts)

    def note(self, phase: Phase, text: str, findings: Iterable[Finding]) -> None:
        """Take what was found in a text that is complete."""
        found = self._excerpts[phase]
        if self._scope is ContentScope.FLAGGED and text != self.named:
            found += islice(excerpts_of(phase, text, findings), MOST_EXCERPTS - len(found))

    def begin_text(self) -> Transcript:
        """Begin a running text of a streamed reply."""
        transcript = Transcript(self._scope)
        self._transcripts.append(transcript)
        return transcript

    def testify(self) -> Evidence:
        """Return the evidence so far."""
        prompt, reply = Phase.REQUEST, Phase.RESPONSE
        if self._transcripts:
            self._sha256[reply] = sha256(b"".join([each.digest() for each in self._transcripts])).digest()
        if self._transcripts and self._scope is ContentScope.ALL:
            self._kept[reply], _ = keep(each.kept() for each in self._transcripts)
            self._cut[reply] = sum(each.characters for each in self._transcripts) - sum(map(len, self._kept[reply]))
        excerpts = (*self._excerpts[prompt], *self._excerpts[reply])
        if self._transcripts:
            running = chain.from_iterable(each.excerpts() for each in self._transcripts)
            excerpts += tuple(islice(running, MOST_EXCERPTS - len(self._excerpts[reply])))
        return Evidence(
            self.end_user,
            self._sha256[prompt],
            self._sha256[reply],
            excerpts if self._scope is ContentScope.FLAGGED else (),
            self._kept[prompt],
            self._kept[reply],
            (self._cut[prompt], self._cut[reply]),
        )
