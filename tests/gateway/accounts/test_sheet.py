"""The sheet says what a reviewer needs, and nothing in it runs."""

import io
import re
import shlex
from dataclasses import replace
from typing import Any

import openpyxl
import orjson

from gateway.accounts.account import Account, AccountKind
from gateway.accounts.sheet import ACCOUNTS_SHEET, GUIDE_SHEET, Service, write_sheet
from tests.gateway.accounts.samples import AT_US, sample_account

SERVICE = Service("https://llm.example.com/v1", "qwen3", "Asia/Shanghai")
KEY = "sk-sluice-" + "A" * 43


def read(account: Account, service: Service = SERVICE) -> tuple[list[Any], str]:
    """Return the row of an account, and the guide."""
    book = openpyxl.load_workbook(io.BytesIO(write_sheet([(account, KEY)], service)))
    assert book.sheetnames == [ACCOUNTS_SHEET, GUIDE_SHEET]
    guide = "\n".join(str(cell.value) for row in book[GUIDE_SHEET].iter_rows() for cell in row)
    return list(next(book[ACCOUNTS_SHEET].iter_rows(min_row=2, max_row=2))), guide


def test_a_row_holds_what_signing_in_takes() -> None:
    """Name, kind, key, address, model, end in the operator's zone, and addresses."""
    account = replace(sample_account(expires_at_us=AT_US, allow_from=("10.0.0.0/8",)), kind=AccountKind.UNFILTERED)
    cells, guide = read(account)
    values = [cell.value for cell in cells]
    assert values[:2] == ["1", "one"]
    assert "无过滤账号" in values[2]
    assert values[3:6] == [KEY, SERVICE.base_url, SERVICE.model]
    assert values[6:] == ["2027-01-15 16:00 (Asia/Shanghai)", "10.0.0.0/8"]
    assert "保密" in guide
    assert "有效期内" in guide


def test_an_account_without_bounds_says_so() -> None:
    """No end, anywhere; nothing about unfiltered accounts."""
    cells, guide = read(replace(sample_account(), kind=AccountKind.AUDIT))
    assert [cell.value for cell in cells[6:]] == ["长期有效 no end", "不限 any"]
    assert "安全审核账号" in guide
    assert "无过滤" not in guide


def test_no_cell_is_a_formula() -> None:
    """Names are free text, and spreadsheets run what begins with =."""
    name = '=HYPERLINK("http://evil.example","x")'
    cells, _ = read(replace(sample_account(), name=name), replace(SERVICE, model="=1+1", base_url="http://=x/v1"))
    assert [(cell.value, cell.data_type) for cell in cells if str(cell.value).startswith("=")] == [
        (name, "s"),
        ("=1+1", "s"),
    ]


def test_the_line_to_try_can_be_pasted() -> None:
    """A shell reads one address and one JSON body out of it, whatever the model is called."""
    model = 'it\'s $(id) "名"'
    _, guide = read(sample_account(), replace(SERVICE, model=model))
    (line,) = re.findall(r"^curl .*$", guide, re.MULTILINE)
    words = shlex.split(line)
    assert words[1] == "https://llm.example.com/v1/chat/completions"
    assert orjson.loads(words[words.index("-d") + 1])["model"] == model
    assert KEY not in guide
