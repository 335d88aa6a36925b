"""Every value of a policy has an effect a client or an auditor can see, shown over HTTP.

One gateway has two policies for each row: one with the value, one that differs in that value alone.
"""

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from gateway.accounts.account import AccountKind
from gateway.accounts.drafts import AccountDraft
from gateway.proxy.scan_pool import ScanPool
from gateway.settings.catalogue import SETTINGS
from gateway.settings.sources import merge
from gateway.standin.replies import LABEL_TEXT
from tests.classifiers import EVIL, ODD, write_model
from tests.filters.personal.samples import MOBILE
from tests.gateways import (
    BLOCKED,
    CHAT,
    FOREVER_US,
    HTTP,
    LOOPBACK,
    MODEL,
    Gateway,
    chat,
    frames_of,
    gateway,
    said_in,
)

Tree = dict[str, Any]

PHONE = f"我的电话是 {MOBILE}"
LONG = "天气很好。" * 5_000
# More windows than the classifier reads of one document.
ENDLESS = "天气很好。" * 40_000
TOOLS = [{"type": "function", "function": {"name": "f", "description": BLOCKED, "parameters": {}}}]


def _saying(text: str) -> str:
    """Return a prompt that has the stand-in say a text."""
    return f"[[echo:base64={base64.urlsafe_b64encode(text.encode()).decode()}]]"


class Row(NamedTuple):
    """One value of a policy, and what it changes.

    Attributes:
        key: its place below the policy; `*` stands for a risk.
        value: the policy with the value.
        prompt: what is asked.
        seen: what is seen of the answer with the value.
        without: what is seen without it.
        around: the rest of both policies.
        members: more of the request.
    """

    key: str
    value: Tree
    prompt: str
    seen: Tree
    without: Tree
    around: Tree = {}  # noqa: RUF012 read only
    members: Tree = {}  # noqa: RUF012 read only


BLOCK = {"status": 200, "decision": "block", "reason": "content_filter"}
PASSED = {"status": 200, "decision": "flag", "reason": "stop"}
ERROR = {"status": 400, "decision": "block"}
UNSCANNED = {"status": 200, "decision": "unscanned"}
CLOSED = {"status": 503}
ALLOWED = {"status": 200, "decision": "allow", "reason": "stop"}
ANSWERED = {"decision": "block", "reason": "stop", "said": "请拨打12355。"}
ANSWER = {"zh": "请拨打12355。"}
OPEN = {"keywords": "open", "personal_data": "open"}
ROWS = (
    Row("base", {"base": "errors"}, BLOCKED, ERROR, BLOCK),
    Row("refusal", {"refusal": "error"}, BLOCKED, ERROR, BLOCK),
    Row("refusal", {"refusal": "fixed_answer"}, BLOCKED, ANSWERED, BLOCK, {"answer": ANSWER}),
    Row("refusal", {"refusal": "fixed_answer"}, _saying("哪里出售冰毒"), ANSWERED, BLOCK, {"answer": ANSWER}),
    Row("scan_tool_definitions", {"scan_tool_definitions": False}, "你好", UNSCANNED, BLOCK, {}, {"tools": TOOLS}),
    Row(
        "languages",
        {"languages": ["de"]},
        BLOCKED,
        {"said": "Nein."},
        {"said": "不行。"},
        {"answer": {"de": "Nein.", "zh": "不行。"}},
    ),
    Row("answer", {"answer": {"zh": "不聊这个。"}}, BLOCKED, BLOCK | {"said": "不聊这个。"}, BLOCK),
    Row("shadow", {"shadow": True}, BLOCKED, PASSED | {"shadow": "block"}, BLOCK | {"shadow": ""}),
    Row(
        "shadow",
        {"shadow": True},
        _saying("哪里出售冰毒"),
        PASSED | {"said": "哪里出售冰毒", "shadow": "block"},
        BLOCK,
    ),
    Row("request.keywords", {"request": {"keywords": "flag"}}, BLOCKED, PASSED, BLOCK),
    Row("request.personal_data", {"request": {"personal_data": "block"}}, PHONE, BLOCK, PASSED),
    Row("request.shadow", {"request": {"shadow": ["keywords"]}}, BLOCKED, PASSED | {"shadow": "block"}, BLOCK),
    Row("request.fail_mode.keywords", {"request": {"fail_mode": {"keywords": "open"}}}, LONG, UNSCANNED, CLOSED),
    Row(
        "request.fail_mode.personal_data",
        {"request": {"fail_mode": {"personal_data": "open"}}},
        LONG,
        UNSCANNED,
        CLOSED,
        {"request": {"personal_data": "mask", "fail_mode": {"keywords": "open"}}},
    ),
    Row("response.keywords", {"response": {"keywords": "flag"}}, _saying("哪里出售冰毒"), PASSED, BLOCK),
    Row(
        "response.personal_data",
        {"response": {"personal_data": "mask"}},
        _saying(f"打{MOBILE}"),
        {"said": "打" + "*" * 11, "decision": "mask"},
        PASSED | {"said": f"打{MOBILE}"},
    ),
    Row(
        "response.shadow",
        {"response": {"shadow": ["keywords"]}},
        _saying("哪里出售冰毒"),
        PASSED | {"shadow": "block"},
        BLOCK,
    ),
    Row(
        "response.fail_mode.keywords",
        {"response": {"fail_mode": {"keywords": "open"}}},
        "[[length:30000]]",
        UNSCANNED,
        CLOSED,
    ),
    Row(
        "response.fail_mode.personal_data",
        {"response": {"fail_mode": {"personal_data": "open"}}},
        "[[length:30000]]",
        UNSCANNED,
        CLOSED,
        {"response": {"personal_data": "mask", "fail_mode": {"keywords": "open"}}},
    ),
    Row("request.classifier", {"request": {"classifier": "flag"}}, f"my {EVIL}", PASSED, BLOCK),
    Row("response.classifier", {"response": {"classifier": "off"}}, _saying(f"my {EVIL}"), ALLOWED, BLOCK),
    Row(
        "request.fail_mode.classifier",
        {"request": {"fail_mode": {"classifier": "open"}}},
        ENDLESS,
        UNSCANNED,
        CLOSED,
        {"request": {"fail_mode": OPEN}, "response": {"keywords": "off", "classifier": "off"}},
    ),
    Row(
        "response.fail_mode.classifier",
        {"response": {"fail_mode": {"classifier": "open"}}},
        _saying(ENDLESS),
        UNSCANNED,
        CLOSED,
        {"request": {"classifier": "off", "fail_mode": OPEN}, "response": {"fail_mode": OPEN}},
    ),
    Row("risks.*.threshold_request", {"risks": {"A.1.h": {"threshold_request": 0.9}}}, f"my {ODD}", ALLOWED, BLOCK),
    Row(
        "risks.*.threshold_response",
        {"risks": {"A.1.h": {"threshold_response": 0.9}}},
        _saying(f"my {ODD}"),
        ALLOWED,
        BLOCK,
    ),
    Row("risks.*.action", {"risks": {"A.1.h": {"action": "flag"}}}, BLOCKED, PASSED, BLOCK),
    Row(
        "risks.*.action_request",
        {"risks": {"A.1.h": {"action_request": "block"}}},
        BLOCKED,
        BLOCK,
        PASSED,
        {"risks": {"A.1.h": {"action": "flag"}}},
    ),
    Row(
        "risks.*.action_response",
        {"risks": {"A.1.h": {"action_response": "block"}}},
        _saying("哪里出售冰毒"),
        BLOCK,
        PASSED,
        {"risks": {"A.1.h": {"action": "flag"}}},
    ),
    Row("risks.*.refusal", {"risks": {"A.1.h": {"refusal": "error"}}}, BLOCKED, ERROR, BLOCK),
    Row(
        "risks.*.refusal",
        {"risks": {"A.1.h": {"refusal": "fixed_answer"}}},
        BLOCKED,
        ANSWERED,
        BLOCK,
        {"risks": {"A.1.h": {"answer": ANSWER}}},
    ),
    Row("risks.*.answer", {"risks": {"A.1.h": {"answer": ANSWER}}}, BLOCKED, BLOCK | {"said": ANSWER["zh"]}, BLOCK),
)


class Choice(NamedTuple):
    """A condition of a rule, and who fits it.

    Attributes:
        key: the condition.
        rule: the rule besides its policy.
        account: what the account has that fits.
        members: what the request has.
        headers: what its head has.
    """

    key: str
    rule: Tree
    account: Tree = {}  # noqa: RUF012 read only
    members: Tree = {}  # noqa: RUF012 read only
    headers: Tree = {}  # noqa: RUF012 read only


CHOICES = (
    Choice("tenant", {"tenant": "east"}, {"tenant": "east"}),
    Choice("account", {"account": "fits-account"}),
    Choice(
        "kind",
        {"kind": "unfiltered"},
        {"kind": AccountKind.UNFILTERED, "expires_at_us": FOREVER_US, "allow_from": LOOPBACK},
    ),
    Choice("model", {"model": "special-*"}, {}, {"model": "special-1"}),
    Choice("profile", {"profile": "minor"}, {"trusts_end_user": True}, {}, {"x-sluice-profile": "minor"}),
)


@pytest.fixture(scope="module")
def served(standin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a pair of policies for each row, which has no room for long scans."""
    pairs = {f"with-{at}": merge(row.around, row.value) for at, row in enumerate(ROWS)}
    pairs |= {f"without-{at}": row.around for at, row in enumerate(ROWS)}
    chosen: Tree = {f"by-{choice.key}": {} for choice in CHOICES}
    rules = [{"policy": f"by-{choice.key}", **choice.rule} for choice in CHOICES]
    policies = {**pairs, **chosen, "errors": {"refusal": "error"}, "select": rules}
    policies |= {"lenient": {"file_labels": "open"}}
    folder = tmp_path_factory.mktemp("gateway")
    settings = {
        "policies": policies,
        "upstreams": [{"name": "test", "base_url": f"{standin_url}/v1"}],
        "classifiers": [{"name": "tiny", "path": str(write_model(folder / "model"))}],
    }
    with gateway(folder, standin_url, settings) as running:
        scan_pool = running.services.scan_pool
        running.services.scan_pool = ScanPool(limit=0)
        scan_pool.close()
        yield running


def _ask(running: Gateway, draft: AccountDraft, prompt: str, members: Tree, headers: Tree | None = None) -> Tree:
    ((_, key),) = running.store.create_all([draft], at_us=1)
    own = {"authorization": f"Bearer {key}", "content-type": "application/json", **(headers or {})}
    response = running.post(chat(prompt, **members), headers=own)
    record = running.record(response.headers["x-request-id"])
    (choice,) = response.json().get("choices") or [{"message": {}, "finish_reason": None}]
    return {
        "status": response.status_code,
        "decision": record.decision,
        "reason": choice["finish_reason"],
        "said": str(choice["message"].get("content")).removesuffix(f"\n\n{LABEL_TEXT}"),
        "shadow": record.shadow,
        "policy": record.policy,
    }


@pytest.mark.parametrize("at", range(len(ROWS)), ids=lambda at: f"{ROWS[at].key}-{at}")
@pytest.mark.parametrize("given", ["with", "without"])
def test_the_value_changes_what_is_seen(served: Gateway, at: int, given: str) -> None:
    """With the value one thing happens, without it another."""
    row = ROWS[at]
    expected = row.seen if given == "with" else row.without
    draft = AccountDraft(f"{given}-{at}", AccountKind.USER, policy=f"{given}-{at}")
    seen = _ask(served, draft, row.prompt, row.members)
    assert {key: seen[key] for key in expected} == expected
    assert row.seen != row.without


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.key)
def test_who_fits_a_rule_is_judged_by_its_policy(served: Gateway, choice: Choice) -> None:
    """Who does not is judged by `default`, and an account's own policy goes before any rule."""
    draft = AccountDraft(**{"name": f"fits-{choice.key}", "kind": AccountKind.USER, **choice.account})
    assert (
        _ask(served, draft, "你好", {"model": MODEL, **choice.members}, choice.headers)["policy"]
        == f"by-{choice.key}"
    )
    own = AccountDraft(f"own-{choice.key}", AccountKind.USER, policy="errors")
    assert _ask(served, own, "你好", {"model": MODEL, **choice.members}, choice.headers)["policy"] == "errors"
    other = AccountDraft(f"other-{choice.key}", AccountKind.USER)
    assert _ask(served, other, "你好", {"model": MODEL})["policy"] == "default"


@pytest.mark.parametrize(("policy", "status"), [("lenient", 200), ("errors", 400)])
def test_sound_that_takes_no_label_passes_where_a_policy_says_so(served: Gateway, policy: str, status: int) -> None:
    """Plain samples have no place for one."""
    draft = AccountDraft(f"sound-{policy}", AccountKind.USER, policy=policy)
    ((_, key),) = served.store.create_all([draft], at_us=1)
    asked = {"model": MODEL, "input": "你好", "voice": "alloy", "response_format": "pcm"}
    answer = served.post(asked, path="/v1/audio/speech", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == status


@pytest.mark.parametrize("sent", ["", "Minor", "minor, adult", "minor" * 20])
def test_a_profile_is_a_plain_word_of_an_account_that_is_believed(served: Gateway, sent: str) -> None:
    """Anything else is none; and whoever is not believed cannot choose a policy by it."""
    trusted = AccountDraft(f"trusted-{len(sent)}", AccountKind.USER, trusts_end_user=True)
    assert _ask(served, trusted, "你好", {"model": MODEL}, {"x-sluice-profile": sent})["policy"] == "default"
    anybody = AccountDraft(f"anybody-{len(sent)}", AccountKind.USER)
    assert _ask(served, anybody, "你好", {"model": MODEL}, {"x-sluice-profile": "minor"})["policy"] == "default"


def test_a_profile_that_is_sent_twice_is_refused(served: Gateway) -> None:
    """One of them is the client's own, and would choose the milder policy."""
    draft = AccountDraft("twice", AccountKind.USER, trusts_end_user=True)
    ((_, key),) = served.store.create_all([draft], at_us=1)
    headers = [("authorization", f"Bearer {key}"), *[("x-sluice-profile", each) for each in ("adult", "minor")]]
    answer = HTTP.post(served.url + CHAT, json=chat("你好"), headers=headers)
    assert answer.status_code == 400
    assert "'x-sluice-profile' was sent twice" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("prompt", "reason", "said"),
    [
        (BLOCKED, "stop", ANSWER["zh"]),
        (_saying("出售冰毒"), "stop", ANSWER["zh"]),
        ("[[harm]] 讲个故事", "content_filter", None),
    ],
)
def test_a_fixed_answer_in_a_stream_stands_alone(served: Gateway, prompt: str, reason: str, said: str | None) -> None:
    """Behind words of the model it is a notice, and its reader is told that the answer was stopped."""
    at = next(at for at, row in enumerate(ROWS) if row.seen == ANSWERED)
    draft = AccountDraft(f"streamed-{len(prompt)}", AccountKind.USER, policy=f"with-{at}")
    ((_, key),) = served.store.create_all([draft], at_us=1)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    frames = frames_of(served.post(chat(prompt, stream=True), headers=headers).content)
    assert frames[-1]["choices"][0]["finish_reason"] == reason
    assert frames[-1]["sluice"]["decision"] == "block"
    assert frames[-1]["sluice"]["retract"] is (said is None)
    assert said is None or said_in(frames) == said
    # No model generated it.
    assert ("aigc" in frames[-1]) is (said is None)


def test_every_value_of_a_policy_has_a_row() -> None:
    """A value without an effect is a promise nobody keeps; whoever adds one adds its row."""
    keys = {".".join(setting.path[2:]) for setting in SETTINGS if setting.path[:2] == ("policies", "*")}
    # What a stream shows before it is scored: `test_a_stream_is_cut_when_the_classifier_dies_in_its_middle`.
    # And what takes no label: `test_sound_that_takes_no_label_passes_where_a_policy_says_so`.
    assert {row.key for row in ROWS} | {"stream", "trail_characters", "file_labels"} == keys
    select = {setting.path[-1] for setting in SETTINGS if setting.path[:2] == ("policies", "select")}
    assert {choice.key for choice in CHOICES} | {"policy"} == select
