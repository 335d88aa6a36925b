"""Loading: who wins, and what the messages say."""

from pathlib import Path

import pytest

from gateway.settings import SettingsError, load, load_settings
from gateway.settings.catalogue import ANY, SETTINGS, Setting
from tests.settings_files import COMPLETE, load_text, only_problem, problems_of

UPSTREAM = '[[upstreams]]\nname = "local"\nbase_url = "http://127.0.0.1:8000/v1"\n'
SECRET = "sk-VERYsecret123"


def test_nothing_given_is_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that do not serve work without a file."""
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).server.port == 8080


def test_the_file_of_the_current_directory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sluice.toml` needs no option."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sluice.toml").write_text("server.port = 81\n", encoding="utf-8")
    assert load_settings(None, {}).server.port == 81


def test_a_variable_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    """The nearer to the operator's hand, the stronger."""
    path = tmp_path / "sluice.toml"
    path.write_text('[server]\nhost = "file"\nport = 1\nadmin_port = 1\n', encoding="utf-8")
    environ = {"SLUICE_SERVER__PORT": "2", "SLUICE_SERVER__ADMIN_PORT": "2"}
    server = load(path, environ, {"server": {"admin_port": 3}}).settings.server
    assert (server.host, server.port, server.admin_port) == ("file", 2, 3)


def test_a_variable_can_complete_a_table_of_the_file(tmp_path: Path) -> None:
    """Overriding one key leaves its neighbours."""
    loaded = load_text(tmp_path, COMPLETE, {"SLUICE_LABELS__POSITION": "both"})
    assert loaded.settings.labels.content_producer == "example-operator"
    assert loaded.settings.labels.position == "both"


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Nobody corrects a file one error at a time."""
    problems = problems_of(tmp_path, '[server]\nport = 0\nprot = 1\n[logging]\nlevel = "loud"\n')
    assert {problem.key for problem in problems} == {"server.port", "server.prot", "logging.level"}


def test_a_value_out_of_bounds_is_told_with_its_bounds_and_default(tmp_path: Path) -> None:
    """The message names file, key, value, fault and remedy."""
    assert str(only_problem(tmp_path, "server.port = 99999\n")) == (
        f"{tmp_path}/sluice.toml: server.port = 99999: should be less than or equal to 65535."
        " Expected: whole number, at least 1, at most 65535; the default is 8080."
    )


def test_a_wrong_variable_is_named_as_spelt(tmp_path: Path) -> None:
    """The operator looks for the variable, not in the file."""
    problem = only_problem(tmp_path, COMPLETE, {"Sluice_Server__Port": "many"})
    assert (problem.place, problem.key, problem.value) == ("Sluice_Server__Port", "server.port", '"many"')


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("server.prot = 1", "server.prot", "Did you mean port"),
        ("servr.port = 1", "servr", "Did you mean server"),
        ("port = 1", "port", "Did you mean server.port"),
        ("audit.zzz = 1", "audit.zzz", "Use one of: directory, segment_bytes, batch_milliseconds"),
        (
            'policies.default.request.zzz = "block"',
            "policies.default.request.zzz",
            "Use one of: keywords",
        ),
    ],
)
def test_an_unknown_key_leads_to_a_known_one(tmp_path: Path, text: str, key: str, remedy: str) -> None:
    """Slips are recognised beside the key, then elsewhere; else the neighbours are listed."""
    problem = only_problem(tmp_path, text)
    assert (problem.key, problem.value, problem.wrong) == (key, None, "is not a setting")
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("server = 1", "should be a table"),
        ("policies = 1", "should be a table"),
        ("upstreams = 1", "should be a list"),
        ('[[upstreams]]\nbase_url = "http://host/v1"', "is missing"),
        ("[policies.Strict]", "should match pattern"),
        ("[policies.default.risks.terror]", "should match pattern"),
        ("[labels]\nexplicit_text.zh = '人工智能'", "has no 生成 or 合成"),
    ],
)
def test_wrong_shapes_are_told_in_the_words_of_the_file(tmp_path: Path, text: str, wrong: str) -> None:
    """Messages speak of tables and lists, and every one has a remedy."""
    problem = only_problem(tmp_path, text)
    assert problem.wrong.startswith(wrong)
    assert problem.remedy


def test_a_wrong_member_of_a_list_has_the_remedy_of_the_list(tmp_path: Path) -> None:
    """The place in the list is named, and the value shown."""
    problem = only_problem(tmp_path, 'server.trusted_proxies = ["10.0.0.0/8", "office"]')
    assert (problem.key, problem.value) == ("server.trusted_proxies.1", '"office"')
    assert problem.remedy.startswith("Write a list of networks")


def test_two_upstreams_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Metrics and log could not say which of them is meant."""
    problem = only_problem(tmp_path, UPSTREAM + UPSTREAM)
    assert problem.key == "upstreams"
    assert problem.remedy == "Give each [[upstreams]] table a name of its own"


def test_a_producer_in_chinese_is_told_what_to_write(tmp_path: Path) -> None:
    """The remedy names the standard and says why nothing is made up."""
    problem = only_problem(tmp_path, 'labels.content_producer = "某公司"')
    assert problem.value == '"某公司"'
    assert problem.remedy.startswith("Set the 27-character provider code of TC260-PG-20252A")


@pytest.mark.parametrize(
    ("text", "environ", "remedy"),
    [
        (f'{UPSTREAM}api_key = "{SECRET}"', {}, "Put the key into an environment variable"),
        (f'{UPSTREAM}api_key_env = "{SECRET}"', {}, "Give the name of a variable"),
        (f'{UPSTREAM}api_kee = "{SECRET}"', {}, "Did you mean api_key"),
        (f'[[upstreams]]\nname = "a"\nbase_url = "http://me:{SECRET}@host/v1"', {}, "Put the key into a variable"),
        (f'store.url = "postgresql+psycopg://me:{SECRET}@host/db"', {}, "Set the whole address in the environment"),
        (f'store.url = "mysql://me:{SECRET}@host/db"', {"SLUICE_STORE__URL": "sqlite:///a"}, "Set the whole address"),
        ("", {"SLUICE_STORE__URL": f"mysql://me:{SECRET}@host/db"}, 'Set "sqlite:///FILE"'),
        ("", {"SLUICE_UPSTREAMS": f'[{{"api_key": "{SECRET}"'}, "Write one [[upstreams]] table"),
    ],
)
def test_no_message_repeats_a_secret(tmp_path: Path, text: str, environ: dict[str, str], remedy: str) -> None:
    """A key or password in the wrong place is refused, and told without quoting it."""
    problem = only_problem(tmp_path, text, environ)
    assert SECRET not in str(problem)
    assert problem.remedy.startswith(remedy)


def test_the_error_does_not_drag_secrets_along(tmp_path: Path) -> None:
    """A traceback of the error prints no value either."""
    with pytest.raises(SettingsError) as caught:
        load_text(tmp_path, f'{UPSTREAM}api_key = "{SECRET}"')
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_password_in_a_variable_is_taken(tmp_path: Path) -> None:
    """The store's whole address may come from the environment, and is not shown by a mere print of the message."""
    url = f"postgresql+psycopg://me:{SECRET}@host/db"
    assert load_text(tmp_path, "", {"SLUICE_STORE__URL": url}).settings.store.url == url


def _as_table(setting: Setting) -> str:
    """Set a setting to a table of numbers, which none of them takes; places that need a name get one."""
    if setting.path[0] == "upstreams":
        return f"[[upstreams]]\n{setting.path[-1]} = {'1' if setting.path[-1] == 'models' else '{}'}"
    if setting.path[0] == "classifiers":
        name = "" if setting.path[-1] == "name" else 'name = "x"\n'
        return f"[[classifiers]]\n{name}{setting.path[-1]} = {{}}"
    if setting.path[:2] == ("audit", "anchors"):
        return f"[[audit.anchors]]\n{setting.path[-1]} = {{}}"
    if setting.path[0] == "reviews":
        return f"[[reviews]]\n{setting.path[-1]} = {{}}"
    if setting.path[:2] == ("policies", "select"):
        return f"[[policies.select]]\n{setting.path[-1]} = {{}}"
    names = iter(("default", "A.1.f"))
    return ".".join(f'"{next(names) if part == ANY else part}"' for part in setting.path) + (
        " = 1" if setting.kind == "table" else " = {}"
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: ".".join(setting.path))
def test_every_setting_has_a_remedy_for_a_wrong_value(tmp_path: Path, setting: Setting) -> None:
    """Whatever is set to a wrong kind of value, a problem names that very key and what to do."""
    found = [problem for problem in problems_of(tmp_path, _as_table(setting)) if problem.wrong != "is missing"]
    assert [problem.key.rpartition(".")[2] for problem in found] == [setting.path[-1]]
    assert found[0].remedy
