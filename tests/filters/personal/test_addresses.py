"""Addresses: what leads to somebody, and what only looks like it."""

import pytest

from tests.filters.personal.samples import EMAIL, IPV4, IPV6, found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", EMAIL),
        ("email", "123456789@qq.com"),
        ("email", "First.Last+tag@sub-domain.mail.co.uk"),
        ("email", "ｗａｎｇ＠１６３．ｃｏｍ"),
        ("ip_address", IPV4),
        ("ip_address", IPV6),
        ("ip_address", "2001:250:4000:8000::1"),
        ("ip_address", "2408:8752:0e00:0000:0000:0000:0000:0035"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "请写信到{}，谢谢", "mail: {} now", "<{}>", '{{"to": "{}"}}'])
def test_address_is_found(kind: str, value: str, around: str) -> None:
    """Whole, wherever it stands on its own."""
    text = around.format(value)
    start = text.index(value)
    assert found(text) == [(kind, start, start + len(value))]


@pytest.mark.parametrize(
    "text",
    [
        "someone@example.com",
        "someone@mail.example.org",
        "a@b.test",
        "logo@2x.png",
        "git@github.com:owner/name.git",
        "@app.route",
        "user@localhost",
        "react@18.2.0",
        "a..b@mail.cn",
        "...@mail.cn",
        "a.@mail.cn",
        "192.168.1.10",
        "10.1.2.3",
        "127.0.0.1",
        "172.16.8.9",
        "100.64.1.2",
        "203.0.113.9",
        "8.8.8.8",
        "114.114.114.114",
        "61.135.169.0",
        "61.135.169.121/24",
        "61.135.169.121.5",
        "61.135.169.300",
        "061.135.169.121",
        "1.2.3.4",
        "版本 61.135.169.121",
        "版本：61.135.169.121",
        "version 61.135.169.121",
        "Chrome/61.135.169.121",
        "v61.135.169.121",
        "3.61.135.169.121",
        "2001:db8::1",
        "2023:10:11:12",
        "2023:59:59",
        "fe80::1",
        "std::string 2000::zz",
    ],
)
def test_what_only_looks_like_an_address_is_not_found(text: str) -> None:
    """Documentation, private networks, resolvers, versions, sections and names of files lead to nobody."""
    assert found(text) == []


def test_punctuation_in_front_is_none_of_the_address() -> None:
    """The finding begins where the address does."""
    assert found(f"...{EMAIL}") == [("email", 3, 3 + len(EMAIL))]


def test_a_colon_behind_an_address_is_the_sentences() -> None:
    """Two of them are zeros left out."""
    assert found(f"{IPV6}: 在线") == [("ip_address", 0, len(IPV6))]
    assert found("2408:8752:: 在线") == [("ip_address", 0, 11)]


def test_a_user_in_a_link_is_an_address_of_nobody() -> None:
    """What stands before the host of a URL is a login there."""
    assert found("https://user@host.mail.cn/") == []
