"""Keys of services: found by their mark, in the case their makers write."""

import pytest

from gateway.accounts.keys import new_key
from tests.filters.personal.samples import found, random_like

KEYS = [
    ("anthropic_key", "sk-ant-api03-" + random_like(93)),
    ("openai_key", "sk-proj-" + random_like(150)),
    ("model_service_key", "sk-" + random_like(48)),
    ("model_service_key", "sk-or-v1-" + "0123456789abcdef" * 4),
    ("aws_key", "AKIA" + "IOSFODNN7Q2WERTY"),
    ("github_token", "ghp_" + random_like(36)),
    ("github_token", "github_pat_" + random_like(22) + "_" + random_like(59)),
    ("gitlab_token", "glpat-" + random_like(20)),
    ("slack_token", "xoxb-" + "123456789012-1234567890123-" + random_like(24)),
    ("slack_token", "xapp-" + "1-A0123ABCD-1234567890-" + "0123456789abcdef" * 4),
    ("google_key", "AIza" + random_like(35)),
    ("google_oauth_token", "ya29." + random_like(60)),
    ("google_oauth_token", "GOCSPX-" + random_like(28)),
    ("stripe_key", "sk_live_" + random_like(24)),
    ("huggingface_token", "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"),
    ("aliyun_key", "LTAI" + random_like(20)),
    ("aliyun_key", "LTAI" + random_like(12)),
    ("tencent_cloud_key", "AKID" + random_like(32)),
    ("npm_token", "npm_" + random_like(36)),
    ("pypi_token", "pypi-" + "AgEIcHlwaS5vcmc" + random_like(120)),
    ("sendgrid_key", "SG." + random_like(22) + "." + random_like(43)),
    ("telegram_token", "123456789:AA" + random_like(33)),
]


@pytest.mark.parametrize(("kind", "key"), KEYS)
@pytest.mark.parametrize("around", ["{}", "密钥是{}。", 'KEY="{}"\n', "export K={}; echo"])
def test_key_is_found(kind: str, key: str, around: str) -> None:
    """Whole, wherever it stands."""
    start = around.index("{")
    assert found(around.format(key)) == [(kind, start, start + len(key))]


def test_our_own_keys_are_found() -> None:
    """A key of this gateway that somebody pastes into a prompt is a leak like any other."""
    key = new_key()
    assert found(f"用 {key} 吧") == [("sluice_key", 2, 2 + len(key))]


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn and sk-proj-",
        "sk-" + "x" * 48,
        "AKIA0000000000000000",
        "akiaiosfodnn7q2werty",
        "task-" + random_like(48),
        "hf_transformers",
        "npm_config_registry",
        "AIzaShort",
        random_like(64),
        "0123456789abcdef" * 4,
        "ghp_" + random_like(20),
    ],
)
def test_what_has_no_mark_or_another_case_is_not_found(text: str) -> None:
    """Digests, names and the crosses of a manual are no keys."""
    assert found(text) == []
