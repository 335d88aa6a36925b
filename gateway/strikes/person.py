"""Who strikes are counted for."""

from typing import NamedTuple
from zlib import crc32


class Person(NamedTuple):
    """One whose strikes are counted together: an end user, or an account as such.

    Attributes:
        account: id of the account.
        end_user: pseudonym of the end user; empty where requests name none that is believed.
    """

    account: str
    end_user: str = ""

    @property
    def digest(self) -> int:
        """A number of 32 bits, the same in every process; several people may share one."""
        return crc32(f"{self.account}/{self.end_user}".encode())
