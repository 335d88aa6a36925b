"""The settings of labels on generated content (GB 45438-2025)."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.protocol.labels import Position
from gateway.settings.base import Section, rejected

# Annex E j: visible ASCII without space, double quote and backslash. "Mainly", it says; a writer is strict.
PRODUCER_CHARACTERS = r"^[\x21\x23-\x5B\x5D-\x7E]+$"
PRODUCER_REMEDY = (
    "Set the 27-character provider code of TC260-PG-20252A that names your legal entity, or its name in visible ASCII"
    " without space, double quote and backslash; Sluice never makes one up, since a wrong code names somebody else"
)

# Chapter 5: a label has both elements, in these words; wording in English alone is not provided for.
AI_ELEMENT = ("人工智能", "AI")
GENERATION_ELEMENT = ("生成", "合成")


def _checked_label(text: str) -> str:
    for element in (AI_ELEMENT, GENERATION_ELEMENT):
        if not any(word in text for word in element):
            words = " or ".join(element)
            raise rejected(
                f"has no {words}, so it is no label under GB 45438-2025 chapter 5",
                f"Put {words} into the text; the default has both elements",
            )
    return text


# The standard names no length; the bound keeps a paste of whole terms of use out of every reply.
LabelText = Annotated[str, Field(max_length=200), AfterValidator(_checked_label)]


class ExplicitText(Section):
    """The label people read, per language."""

    zh: LabelText = Field("（内容由AI生成）", description="Label written into replies in Chinese.")
    # Chinese stays in front of the English words, because chapter 5 names the accepted strings in Chinese only.
    en: LabelText = Field(
        "(内容由AI生成 · AI-generated content)", description="Label written into replies in other languages."
    )


class Labels(Section):
    """Labels on generated content (GB 45438-2025)."""

    # No default, and not asked of every load: only serving writes labels.
    content_producer: str | None = Field(
        None,
        max_length=1024,
        pattern=PRODUCER_CHARACTERS,
        description="`ContentProducer` of the implicit label: the provider code or ASCII name of your legal entity."
        " Needed to serve, and has no default.",
        json_schema_extra={"remedy": PRODUCER_REMEDY},
    )
    explicit_text: ExplicitText = ExplicitText()
    position: Position = Field(
        # The standard takes start, end or middle (5.1); behind the text it cannot delay the first words of a stream.
        Position.END,
        description="Where the explicit label stands in a reply; `interface` writes none, because yours shows it.",
    )
    voice_prompt: Path | None = Field(
        None,
        description="WAV file that is heard at the start of generated sound in place of the rhythm: a voice that"
        " names both elements, 120 to 160 characters a minute (GB 45438-2025 5.3).",
    )
