"""Keys and tokens of common services, by the form their makers gave them.

Only forms with a mark of their own are looked for: a random string with no mark is as often a digest or an id. A key
has to have the case its maker writes it in, so each expression is checked a second time against the text as received.

Sources: AWS IAM "Unique identifiers" (AKIA, ASIA); GitHub "Token formats" (gh?_ and 36, github_pat_); GitLab "Token
prefixes"; Slack "Token types"; Stripe "API keys"; Google Cloud "API keys" (AIza and 35); Hugging Face "User access
tokens" (hf_ and 34); OpenAI and Anthropic consoles (sk-, sk-proj-, sk-ant-); Alibaba Cloud RAM (LTAI and 12 to 20);
Tencent Cloud CAM (AKID and 32); npm and PyPI token formats; SendGrid (SG.22.43); Telegram "Bot tokens". Lengths are
those that the open rules of gitleaks and secretlint use.
"""

import re
from collections.abc import Callable

from filters.patterns import Pattern
from filters.personal.kinds import secret

_FORMS = (
    # This gateway's own, see `gateway.accounts.keys`.
    ("sluice_key", r"\bsk-sluice-[A-Za-z0-9_\-]{20,64}"),
    ("anthropic_key", r"\bsk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_\-]{80,200}"),
    ("openai_key", r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{40,220}"),
    # OpenAI's older keys, and those of the many services that took over the form (DeepSeek, Moonshot, DashScope).
    ("model_service_key", r"\bsk-(?:or-v1-[0-9a-f]{64}|[A-Za-z0-9]{32,64})\b"),
    ("aws_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("github_token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b"),
    ("gitlab_token", r"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt)-[A-Za-z0-9_\-]{20,64}"),
    ("slack_token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,200}|\bxapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-f0-9]{32,128}\b"),
    ("google_key", r"\bAIza[A-Za-z0-9_\-]{35}"),
    ("google_oauth_token", r"\bya29\.[A-Za-z0-9_\-]{20,220}|\bGOCSPX-[A-Za-z0-9_\-]{28}"),
    ("stripe_key", r"\b(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16,200}\b"),
    ("huggingface_token", r"\b(?:hf|api_org)_[A-Za-z]{34}\b"),
    ("aliyun_key", r"\bLTAI[A-Za-z0-9]{12,20}\b"),
    ("tencent_cloud_key", r"\bAKID[A-Za-z0-9]{32}\b"),
    ("npm_token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi_token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,180}"),
    ("sendgrid_key", r"\bSG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),
    ("telegram_token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}"),
)


def _as_written(form: str) -> Callable[[str, str], tuple[int, int] | None]:
    exact = re.compile(form, re.ASCII)

    def check(value: str, _before: str) -> tuple[int, int] | None:
        found = exact.fullmatch(value)
        return found.span() if found and _is_varied(value) else None

    return check


def _is_varied(value: str) -> bool:
    # `sk-xxxxxxxx…` and `AKIA0000…` stand for a key in a manual and are none.
    return len(set(value[-16:])) > 4  # noqa: PLR2004 random strings of sixteen hardly ever have so few


SECRETS = tuple(Pattern(secret(kind), form, _as_written(form)) for kind, form in _FORMS)
"""What is looked for."""
