"""What all sections of the settings share."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A table of the settings: frozen, and an unknown key is an error."""

    # Infinity and nan pass most bounds, and a timeout of nan never fires.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def rejected(wrong: str, remedy: str) -> PydanticCustomError:
    """Return the error a check of ours raises; the loader makes a `Problem` of it.

    Args:
        wrong: what is wrong with the value, without quoting it.
        remedy: what to do.
    """
    # Words and remedy travel as context, because the library's errors carry a message only.
    return PydanticCustomError("rejected", "{wrong}", {"wrong": wrong, "remedy": remedy})
