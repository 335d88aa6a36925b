"""The sheet of test accounts that goes with a filing: what a reviewer needs to sign in at any time.

A filing asks for ten accounts whose filters act (安全审核账号) and ten whose filters only record (无过滤账号).
Headings are Chinese and English. The sheet holds keys in the clear: it is the one place where they are written down.
"""

import io
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font

from gateway.accounts.account import Account, AccountKind

ACCOUNTS_SHEET = "账号 Accounts"
GUIDE_SHEET = "使用说明 Guide"

KIND_NAMES = {
    AccountKind.USER: "用户账号 User account",
    AccountKind.AUDIT: "安全审核账号（过滤生效） Audit account, filters act",
    AccountKind.UNFILTERED: "无过滤账号（过滤只记录、不拦截） Unfiltered account, filters only record",
}
_HEADINGS = {
    "序号 No.": 8,
    "账号名称 Account": 24,
    "账号类型 Kind": 44,
    "密钥 API key": 60,
    "接口地址 Base URL": 36,
    "模型 Model": 24,
    "有效期至 Valid until": 30,
    "允许的来源地址 Allowed addresses": 40,
}
"""Headings of the list, with the width of each column in characters."""

_CONFIDENTIAL = (
    "保密：密钥等同于口令，仅供审核人员使用，不得转发、公开或写入公开材料；密钥只在此表中出现一次，遗失须更换，不能找回。"
    " Confidential: a key is a password, for reviewers alone. It is written nowhere but here; a lost one is replaced."
)
_GUIDE_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Service:
    """What a reviewer has to know of the service.

    Attributes:
        base_url: where its API is reached, with the version.
        model: name to ask for.
        timezone: in which ends are written.
    """

    base_url: str
    model: str
    timezone: str


def write_sheet(made: Sequence[tuple[Account, str]], service: Service) -> bytes:
    """Return the sheet, as the bytes of a spreadsheet.

    Args:
        made: accounts with their keys.
        service: where and how they are used.
    """
    book = openpyxl.Workbook(write_only=True)
    listed = book.create_sheet(ACCOUNTS_SHEET)
    listed.freeze_panes = "A2"
    for number, width in enumerate(_HEADINGS.values()):
        listed.column_dimensions[chr(ord("A") + number)].width = width
    listed.append(_cells(listed, _HEADINGS, bold=True))
    for at, (account, key) in enumerate(made, start=1):
        listed.append(_cells(listed, _row(at, account, key, service)))
    guide = book.create_sheet(GUIDE_SHEET)
    guide.column_dimensions["A"].width = _GUIDE_WIDTH
    for line in _guide({account.kind for account, _ in made}, service):
        guide.append(_cells(guide, (line,)))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _row(at: int, account: Account, key: str, service: Service) -> tuple[str, ...]:
    networks = ", ".join(map(str, account.allow_from))
    return (
        str(at),
        account.name,
        KIND_NAMES[account.kind],
        key,
        service.base_url,
        service.model,
        _end(account.expires_at_us, service.timezone),
        networks or "不限 any",
    )


def _end(moment_us: int | None, timezone: str) -> str:
    if moment_us is None:
        return "长期有效 no end"
    moment = datetime.fromtimestamp(moment_us // 1_000_000, ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d %H:%M} ({timezone})"


def _guide(kinds: set[AccountKind], service: Service) -> Iterator[str]:
    body = {"model": service.model, "messages": [{"role": "user", "content": "你好"}]}
    yield "使用方法 How to use"
    yield (
        "接口与 OpenAI 兼容：在客户端填写接口地址、密钥和模型名称即可；也可用下面的命令测试，将 $KEY 换成密钥。"
        " The API is OpenAI's: enter base URL, key and model, or try the line below with a key in place of $KEY."
    )
    # Quoted for a shell: a model's name is the operator's, and may hold anything that can be printed.
    yield (
        f'curl {shlex.quote(service.base_url + "/chat/completions")} -H "Authorization: Bearer $KEY"'
        f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    )
    for kind in (each for each in AccountKind if each in kinds):
        yield KIND_NAMES[kind]
    if AccountKind.UNFILTERED in kinds:
        yield (
            "无过滤账号只能在有效期内、从允许的来源地址使用；每次回答均带有标识并留有记录。"
            " Unfiltered accounts work until their end and from the allowed addresses alone; every answer is labelled"
            " and recorded."
        )
    yield _CONFIDENTIAL


def _cells(sheet: Any, values: Iterable[str], *, bold: bool = False) -> list[WriteOnlyCell]:  # noqa: ANN401 the library has no types
    cells = [WriteOnlyCell(sheet, value) for value in values]
    for cell in cells:
        # A name that begins with = is a name, and no formula for whoever opens the file.
        cell.data_type = "s"
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=bold)
    return cells
