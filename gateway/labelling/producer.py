"""The provider code that `ContentProducer` holds: what its 27 characters say, and which part of one is wrong.

Source: TC260-PG-20252A, and GB 32100-2015 for the unified social credit code inside it. A code is never made up here:
a wrong one names another legal entity. Codes of individuals are known by their first characters only.
"""

import re
from dataclasses import dataclass

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, ValidationError

from gateway.labelling.members import LabelError

CODE_CHARACTERS = 27
_SERVICES = {"1": "generation", "2": "propagation", "0": "none named"}
_NO_EXTENSION = "00000"
_CHARACTERS = re.compile(r"[0-9A-Z]*")


@dataclass(frozen=True, slots=True)
class ProviderCode:
    """A provider code taken apart.

    Attributes:
        format_code: characters 1-2.
        subject_type: character 3; ``1`` is an organisation.
        binding: character 4; ``1`` is a unified social credit code.
        subject: characters 5-22.
        service: character 23 in words.
        extension: characters 24-27, chosen by the provider.
    """

    format_code: str
    subject_type: str
    binding: str
    subject: str
    service: str
    extension: str


def parse_producer(code: str) -> ProviderCode:
    """Take a provider code apart.

    Args:
        code: 27 characters.

    Raises:
        LabelError: it is wrong; the message names each wrong part by its place.
    """
    problems = _shape_problems(code) or [*_head_problems(code), *_subject_problems(code), *_service_problems(code)]
    if problems:
        raise LabelError("; ".join(problems))
    return ProviderCode(code[:2], code[2], code[3], code[4:22], _SERVICES[code[22]], code[23:])


def check_producer(value: str) -> str:
    """Return what may be written as `ContentProducer`: a provider code without fault, or a name.

    Args:
        value: as the operator gave it.

    Raises:
        LabelError: it begins as a code does and is none.
    """
    # No name begins like this, so what does is a code, and a slip in one must not pass as a name.
    if re.match(r"00\d", value) or (len(value) == CODE_CHARACTERS and value[:2].isdigit()):
        parse_producer(value)
    return value


def _shape_problems(code: str) -> list[str]:
    if len(code) != CODE_CHARACTERS:
        return [f"a provider code has {CODE_CHARACTERS} characters, this one has {len(code)}"]
    if not _CHARACTERS.fullmatch(code):
        place = next(at for at, each in enumerate(code, 1) if not _CHARACTERS.fullmatch(each))
        return [f"character {place} is neither a digit nor one of A to Z"]
    return []


def _head_problems(code: str) -> list[str]:
    problems = []
    if code[:2] != "00":
        problems.append("characters 1-2, the format of the code, have to be 00")
    if code[2] != "1":
        problems.append("character 3, the kind of subject, is not 1 (organisation); no other is known here")
    if code[3] != "1":
        problems.append("character 4, the binding, is not 1 (unified social credit code); no other is known here")
    return problems


def _subject_problems(code: str) -> list[str]:
    try:
        uscc.validate(code[4:22])
    except InvalidChecksum:
        return ["characters 5-22, the unified social credit code: its check digit (character 22) is wrong"]
    except ValidationError:
        return [
            "characters 5-22 are no unified social credit code: eight digits, then digits and letters but no IOSVZ"
        ]
    return []


def _service_problems(code: str) -> list[str]:
    if code[22:] == _NO_EXTENSION or code[22] in "12":
        return []
    return ["characters 23-27, the service, begin with 1 (generation) or 2 (propagation), or are 00000"]
