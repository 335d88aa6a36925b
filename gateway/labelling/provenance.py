"""C2PA manifests beside the label: signed by the operator's certificate, read and validated where they stand.

A manifest says once more what the label says, for readers outside of China: the action that made the content with
its digital source type (EU AI Act Art. 50 (2)), and the label itself as a metadata assertion. Source: C2PA 2.4
(https://spec.c2pa.org/), sections on actions, metadata assertions, ingredients and external manifests.

Rules: a manifest is written last, since it holds the hash of everything else; one that was there becomes the parent
of the new one and is never dropped; nothing is fetched from a network, neither manifests nor revocation lists; texts
get theirs in a file beside them, so no character of a text changes. The library is an extra of this package. It is
asked only about files that have a manifest, and in a process of its own, since it parses what strangers wrote.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from gateway import __version__
from gateway.labelling import manifest_reader
from gateway.labelling.members import LabelError
from gateway.labelling.signing import Signer
from gateway.labelling.streams import pieces
from gateway.labelling.xmp import NAMESPACE

MISSING = "C2PA needs a library that is not installed: pip install 'sluice-gateway[c2pa]'"
BESIDE_SUFFIX = ".c2pa"
"""End of the name of a manifest beside a text; readers of others look for it in place of the text's own."""

# By the names of formats here. The library signs sound, films and PDF as well, but writes some of these anew and puts
# tags of other formats in front of others, which nothing here can vouch for.
_INSIDE = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "HEIF": "image/heif",
    "AVIF": "image/avif",
}
# Read alone: by others they are signed all the same.
_READ = _INSIDE | {
    "WAV": "audio/wav",
    "MP3": "audio/mpeg",
    "FLAC": "audio/flac",
    "M4A": "audio/mp4",
    "MP4": "video/mp4",
    "PDF": "application/pdf",
}
_BESIDE = {
    "Markdown": "text/markdown",
    "HTML": "text/html",
    "JSON": "application/json",
    "plain text": "text/plain",
}
# The description box of a manifest store, and how its type begins: uncompressed in every format it stands in.
_MARK = b"jumdc2pa"
_METADATA = "cn.org.tc260.metadata"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_TRAINED = _SOURCE_TYPES + "trainedAlgorithmicMedia"
# Of these a model made all or a part.
_GENERATED = frozenset({_TRAINED, _SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"})
_MOST_BESIDE_BYTES = 16 * 1024 * 1024
_MOST_TEXT_CHARACTERS = 256
_MOST_SECONDS = 30
_MOST_ANSWER_BYTES = 16 * 1024 * 1024
_READER = Path(manifest_reader.__file__)


class ManifestState(StrEnum):
    """What became of looking at a manifest."""

    TRUSTED = "trusted"
    VALID = "valid"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


class Manifest(NamedTuple):
    """What a file's C2PA manifest says.

    Attributes:
        state: what its validation gave.
        message: what that proves, or what was missing, for people.
        signer: whom the certificate names; empty when unknown. Anybody can name anybody in one.
        generated: it says that a model made the content, or a part of it.
    """

    state: ManifestState
    message: str
    signer: str = ""
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """What a manifest is to say.

    Attributes:
        label: JSON text of the label in the file.
        generated: whether the content is said to be generated, and not only suspected to be. Content that begins here
            is: nothing else could be said of how it came to be.
        parent: the file before, which becomes the parent; None for content that begins here.
        drawn: a label for people was made as well.
    """

    label: bytes
    generated: bool
    parent: Path | None = None
    drawn: bool = False


def has_manifest(source: Path) -> bool:
    """Tell whether a file has a manifest inside, without a library, by the mark of its box.

    Args:
        source: read once, a piece at a time.
    """
    tail = b""
    with source.open("rb") as file:
        for piece in pieces(file, None):
            if _MARK in tail + piece:
                return True
            tail = piece[-len(_MARK) :]
    return False


def beside(source: Path) -> Path:
    """Return where a text's manifest stands."""
    return source.with_suffix(BESIDE_SUFFIX)


def is_signed_beside(form: str) -> bool:
    """Tell whether files of a format have their manifest beside them.

    Args:
        form: name of the format.

    Raises:
        LabelError: they have none at all.
    """
    if form not in _INSIDE and form not in _BESIDE:
        raise LabelError(f"{form} files get no C2PA manifest here, only pictures and texts do; write the label alone")
    return form in _BESIDE


def sign(form: str, source: Path, target: Path, claim: Claim, signer: Signer) -> None:
    """Write a file with a manifest, or the manifest of a text.

    Args:
        form: name of the format.
        source: the labelled file.
        target: the file with the manifest; for a text the manifest alone.
        claim: what it says.
        signer: signs it.

    Raises:
        LabelError: the library is missing or refuses the file, or what it wrote does not validate.
    """
    library = _library()
    alone = is_signed_beside(form)
    if form == "TIFF" and _pages(source) > 1:
        raise LabelError("the library drops all pages of a TIFF but the first; write the label without a manifest")
    kind = (_BESIDE if alone else _INSIDE)[form]
    with _told(), _opened(library.Builder.from_json(_definition(claim), context=_context(library))) as builder:
        if claim.parent is not None:
            with claim.parent.open("rb") as parent:
                builder.add_ingredient(json.dumps(_PARENT), kind, parent)
        if alone:
            builder.set_no_embed()
        with _opened(signer.of(library)) as signing, source.open("rb") as old, target.open("w+b") as new:
            manifest = builder.sign(signing, kind, old, new)
            if alone:
                new.seek(0)
                new.truncate()
                new.write(manifest)
    written = read_manifest(form, source, target) if alone else read_manifest(form, target)
    if written is None or written.state not in (ManifestState.VALID, ManifestState.TRUSTED):
        reason = "it could not be read back" if written is None else written.message
        raise LabelError(f"the C2PA manifest that was written does not validate: {reason}")


def read_manifest(form: str, source: Path, alone: Path | None = None) -> Manifest | None:
    """Return what a file's manifest says; None without one.

    Args:
        form: name of the format.
        source: the file.
        alone: where its manifest stands beside it; None looks for one inside, and for a text beside it.

    Raises:
        OSError: a file cannot be read.
    """
    if form in _BESIDE:
        path = alone or beside(source)
        if not path.is_file():
            return None
        if path.stat().st_size > _MOST_BESIDE_BYTES:
            return Manifest(ManifestState.UNCHECKED, f"the manifest is larger than {_MOST_BESIDE_BYTES} bytes")
        return _read(_BESIDE[form], source, path)
    if form not in _READ or not has_manifest(source):
        return None
    return _read(_READ[form], source, None)


_PARENT = {"relationship": "parentOf", "instance_id": "parent"}


def _definition(claim: Claim) -> dict[str, Any]:
    source_type = {"digitalSourceType": _TRAINED} if claim.generated else {}
    if claim.parent is None:
        actions: list[dict[str, Any]] = [{"action": "c2pa.created"} | source_type]
    else:
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
        changed = {"action": "c2pa.edited.metadata", "description": "AI-content label of GB 45438-2025 written"}
        actions = [opened, changed | source_type]
    if claim.drawn:
        actions.append({"action": "c2pa.addedText", "description": "Visible label of AI-generated content"})
    metadata = {"@context": {"TC260": NAMESPACE}, "TC260:AIGC": claim.label.decode("ascii")}
    return {
        "claim_generator_info": [{"name": "Sluice", "version": __version__}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": _METADATA, "kind": "Json", "data": metadata},
        ],
    }


def _pages(source: Path) -> int:
    try:
        with Image.open(source) as picture:
            return getattr(picture, "n_frames", 1)
    # Pillow raises whatever its decoders do; what it cannot count is not handed on.
    except Exception as exc:
        raise LabelError("the pages of the TIFF cannot be counted; write the label without a manifest") from exc


def _read(kind: str, source: Path, alone: Path | None) -> Manifest:
    if not _is_installed():
        return Manifest(ManifestState.UNCHECKED, MISSING)
    command = [sys.executable, "-P", str(_READER), kind, str(source), *([] if alone is None else [str(alone)])]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_MOST_SECONDS, check=True)  # noqa: S603 our own
        answer: dict[str, Any] = (
            json.loads(done.stdout) if len(done.stdout) <= _MOST_ANSWER_BYTES else {"error": "it is too long"}
        )
    except (subprocess.SubprocessError, ValueError):
        return Manifest(ManifestState.INVALID, "the manifest cannot be read: the library gave up on it")
    if "error" in answer:
        return Manifest(ManifestState.INVALID, f"the manifest cannot be read: {_short(str(answer['error']))}")
    return _described(answer["state"], answer["store"])


def _is_installed() -> bool:
    return importlib.util.find_spec("c2pa") is not None


def _described(state: str | None, document: dict[str, Any]) -> Manifest:
    manifests = document.get("manifests", {})
    active = manifests.get(document.get("active_manifest"), {})
    signer = _short(str(active.get("signature_info", {}).get("issuer") or ""))
    generated = any(_says_generated(each) for each in manifests.values())
    if state == "Trusted":
        return Manifest(
            ManifestState.TRUSTED, "the file is as a signer on the trust list signed it", signer, generated
        )
    if state == "Valid":
        message = "the file is as it was signed, by a certificate that is on no trust list here"
        return Manifest(ManifestState.VALID, message, signer, generated)
    failed = document.get("validation_status") or []
    # Every manifest of an unknown signer has this one, and it is not why the file does not fit.
    codes = sorted({str(each.get("code")) for each in failed} - {"signingCredential.untrusted"})
    message = f"file and manifest do not fit: {_short(', '.join(codes)) or 'the library gives no reason'}"
    return Manifest(ManifestState.INVALID, message, signer, generated)


def _says_generated(manifest: dict[str, Any]) -> bool:
    for assertion in manifest.get("assertions", []):
        data = assertion.get("data")
        if str(assertion.get("label", "")).startswith("c2pa.actions") and isinstance(data, dict):
            actions = data.get("actions")
            for action in actions if isinstance(actions, list) else []:
                if isinstance(action, dict) and str(action.get("digitalSourceType")) in _GENERATED:
                    return True
    return False


def _library() -> Any:  # noqa: ANN401 a library without types, which may be absent
    # To sign with: in this process, since the key is here, and the file is the operator's.
    try:
        return importlib.import_module("c2pa")
    except (ImportError, OSError) as exc:  # its native part may not load
        raise LabelError(MISSING) from exc


def _context(library: Any) -> Any:  # noqa: ANN401 the library's own
    return library.Context(library.Settings.from_dict(manifest_reader.SETTINGS))


@contextmanager
def _opened(resource: Any) -> Iterator[Any]:  # noqa: ANN401 the library's own
    """Free what the library holds at the end of a block."""
    with resource:
        yield resource


@contextmanager
def _told() -> Iterator[None]:
    """Say in our words what the library raises."""
    error = _library().C2paError
    try:
        yield
    except error as exc:
        raise LabelError(f"no C2PA manifest can be written for the file: {_short(str(exc))}") from exc


def _short(text: str) -> str:
    return text[:_MOST_TEXT_CHARACTERS]
