"""The settings, section by section: every key with its default, bounds and description.

Rules: frozen; an unknown key is an error; no field holds a secret, only the name of the variable or file that does.
`json_schema_extra` carries what messages and documentation need: `hidden` where a secret may stand by
mistake, and a `remedy` where kind and bounds do not tell what to do.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, field_validator, model_validator

from gateway.protocol.evidence import ContentScope
from gateway.protocol.policy import FailMode
from gateway.settings.anchors import Anchor
from gateway.settings.base import Section, rejected
from gateway.settings.classifiers import Classifier
from gateway.settings.labels import Labels
from gateway.settings.policy_models import PolicySettings
from gateway.settings.problems import has_user

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
RETENTION_DAYS = 190
"""Shortest retention: six months are up to 184 days, and what is still needed must not be gone on the day after."""

# Capital letters only: API keys nearly always hold small ones, so a key pasted here by mistake is refused, unquoted.
VARIABLE_NAME = r"^[A-Z_][A-Z0-9_]*$"

# As browsers write it (Fetch standard, section 3.2): small letters, no path.
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")

MODEL_NAME_CHARACTERS = 256


# No level above `error`: a log that hides errors is a mistake nobody should make by a setting.
class LogLevel(StrEnum):
    """The mildest log events that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log events are written."""

    JSON = "json"
    CONSOLE = "console"


def _checked_base_url(url: str) -> str:
    if has_user(url):
        # Addresses appear in errors and logs, so a credential inside one would spread with them.
        raise rejected("holds a user or password", "Put the key into a variable and name it in api_key_env")
    if not _is_plain_address(url):
        raise rejected(
            "is not an http or https address", 'Set one such as "http://127.0.0.1:8000/v1", without ? and #'
        )
    # Paths such as /chat/completions are put behind it, and some servers answer 404 to a double slash.
    return url.rstrip("/")


def _is_plain_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port  # read on purpose: a port out of range raises only here
    except ValueError:
        return False
    # A query or fragment would end up in front of the path that is put behind the address.
    plain = not (parts.query or parts.fragment or any(character.isspace() for character in url))
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0


ModelName = Annotated[str, Field(min_length=1, max_length=MODEL_NAME_CHARACTERS)]


def _named_models(models: object) -> object:
    """Take a list of names as a map of each to itself."""
    if isinstance(models, list | tuple) and all(isinstance(model, str) for model in models):
        return {model: model for model in models}
    return models


class Server(Section):
    """Listeners and their bounds."""

    # This machine only, until the operator opens it: without TLS in front, keys would cross the network in the clear.
    host: str = Field("127.0.0.1", min_length=1, description="Address the data plane listens on.")
    port: int = Field(8080, ge=1, le=65535, description="Port of the data plane.")
    admin_host: str = Field("127.0.0.1", min_length=1, description="Address the management plane listens on.")
    admin_port: int = Field(9090, ge=1, le=65535, description="Port of the management plane.")
    # Bounded above as well: a body is scanned as a whole, so it is in memory as a whole.
    body_limit_bytes: int = Field(
        8 * MEBIBYTE, ge=KIBIBYTE, le=64 * MEBIBYTE, description="Largest request body; a larger one is answered 413."
    )
    drain_seconds: float = Field(30, ge=0, le=3600, description="Longest wait for open exchanges at a stop.")
    # Empty by default: believing the header of anybody lets a stranger choose the address that allow lists check.
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (),
        max_length=256,
        description="Networks whose `X-Forwarded-For` is believed; everyone else's is ignored.",
        json_schema_extra={"remedy": 'Write a list of networks such as ["10.0.0.0/8"], host bits zero'},
    )

    cors_origins: tuple[Annotated[str, Field(max_length=255)], ...] = Field(
        (),
        max_length=64,
        description="Origins whose web pages may call the data plane; `*` is every one, none is none.",
        json_schema_extra={"remedy": 'Write a list of origins such as ["https://chat.example"], or ["*"]'},
    )

    @field_validator("cors_origins")
    @classmethod
    def _plain_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        # Browsers send scheme, host and port alone, so anything more would never match and nobody would see why.
        if not all(origin == "*" or ORIGIN.fullmatch(origin) for origin in origins):
            raise rejected(
                "holds what is no origin", 'Write scheme, host and port alone, such as "https://chat.example"'
            )
        return origins

    @model_validator(mode="after")
    def _listeners_differ(self) -> Self:
        # Found here, before the second listener fails at the start with a message that names neither key.
        if (self.host, self.port) == (self.admin_host, self.admin_port):
            raise rejected("gives both planes the same address and port", "Change port or admin_port")
        return self


class Upstream(Section):
    """A model server behind the gateway."""

    # The name becomes a value in logs and metrics, where free text would break queries.
    name: str = Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name in logs and metrics.",
        json_schema_extra={"remedy": "Give it a name of letters, digits, dots, - and _, at most 64 of them"},
    )
    base_url: Annotated[str, AfterValidator(_checked_base_url)] = Field(
        description="Address of its API, with the version: `http://127.0.0.1:8000/v1`.",
        json_schema_extra={"remedy": 'Set an address such as "http://127.0.0.1:8000/v1"'},
    )
    api_key_env: str | None = Field(
        None,
        pattern=VARIABLE_NAME,
        description="Name of the environment variable that holds its API key.",
        json_schema_extra={
            "hidden": True,
            "remedy": "Give the name of a variable in capital letters, such as UPSTREAM_API_KEY, not the key itself",
        },
    )
    api_key_file: Path | None = Field(None, description="File that holds its API key, when no variable does.")
    ca_file: Path | None = Field(
        None, description="Certificates (PEM) to verify an `https` server by, in place of the system's."
    )
    models: Annotated[dict[ModelName, ModelName], BeforeValidator(_named_models)] = Field(
        default_factory=dict,
        max_length=1024,
        description="Models it serves: a list of names, or a table of the name clients ask for and its name there;"
        " none means every model.",
        json_schema_extra={
            "kind": "list or table",
            "default": [],
            "remedy": 'Write a list such as ["qwen3"], or a table such as { fast = "qwen3-8b" }',
        },
    )
    weight: int = Field(
        1, ge=1, le=1000, description="Its share of the requests, in proportion to other servers of the same model."
    )
    dialects: tuple[str, ...] = Field(
        (),
        max_length=16,
        description="Wire formats it speaks, such as `openai.chat`, or families of them, such as `openai`; none means"
        " all.",
    )
    connect_seconds: float = Field(5, gt=0, le=300, description="Longest wait for a connection.")
    first_byte_seconds: float = Field(120, gt=0, le=3600, description="Longest wait for the head of its reply.")
    idle_seconds: float = Field(60, gt=0, le=3600, description="Longest silence inside a reply.")
    total_seconds: float = Field(
        3600, gt=0, le=86_400, description="Longest time from a request to the end of its reply."
    )
    # A bound of its own, since a full model server slows every exchange before it refuses one.
    max_connections: int = Field(1024, ge=1, le=65535, description="Most connections to it from one worker.")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        # Choosing one in silence would leave the operator rotating the other and wondering.
        if self.api_key_env is not None and self.api_key_file is not None:
            raise rejected("names both api_key_env and api_key_file", "Remove one of them")
        return self


class Store(Section):
    """Where accounts are kept and the audit index is built."""

    # The driver stands in the pattern: plain postgresql:// would make SQLAlchemy look for one that is not installed.
    url: str = Field(
        "sqlite:///var/sluice.db",
        pattern=r"^(sqlite|postgresql\+psycopg)://",
        description="SQLAlchemy address; a password in it is taken from `SLUICE_STORE__URL` only.",
        json_schema_extra={"remedy": 'Set "sqlite:///FILE" or "postgresql+psycopg://HOST/DATABASE"'},
    )


def _checked_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    # The library opens a file of that name: a directory among the zones, or a name that is no path, fails otherwise.
    except (KeyError, ValueError, OSError):
        raise rejected("is no time zone", 'Name one of the IANA database, such as "Asia/Shanghai" or "UTC"') from None
    return name


class Lists(Section):
    """Keyword lists."""

    directories: tuple[Path, ...] = Field(
        (),
        max_length=64,
        description="The operator's own lists, besides the shipped ones.",
    )
    shipped: bool = Field(default=True, description="Use the lists that come with Sluice.")
    # Beside the store's default, so that one volume holds what has to outlive the program.
    versions: Path = Field(
        Path("var/lists"), description="Directory of published versions; the active one takes the place of all lists."
    )
    minimum_per_risk: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="Keywords `sluice lists check` asks for in each class that needs keywords, where the standard's"
        " own number is smaller.",
    )
    harmless: Path | None = Field(
        None,
        description="Harmless texts that `sluice lists check` looks through: one a line in a .txt, or JSON rows.",
    )
    harmless_per_mille: float = Field(
        3.0,
        ge=0,
        le=1_000,
        description="Most of the harmless texts that may be blocked, in thousandths.",
    )
    # Beijing's, because the days of filings and of official lists begin and end there.
    timezone: Annotated[str, AfterValidator(_checked_timezone)] = Field(
        "Asia/Shanghai",
        max_length=64,
        description="Time zone whose midnight ends the last day of a term.",
        json_schema_extra={"remedy": 'Name a zone of the IANA database, such as "Asia/Shanghai" or "UTC"'},
    )

    @model_validator(mode="after")
    def _some_list(self) -> Self:
        # Without a list everything would pass as "allow", which nobody should get by a slip.
        if not self.shipped and not self.directories:
            raise rejected("leaves no keyword list at all", "Set shipped = true or name a directory in directories")
        return self


class Audit(Section):
    """The audit trail."""

    # Local, because durability rests on fsync, which network file systems promise only in part.
    directory: Path = Field(Path("var/audit"), description="Local directory of the segment files.")
    # At least a mebibyte: smaller segments would make a directory of many thousand files in a day.
    segment_bytes: int = Field(
        64 * MEBIBYTE, ge=MEBIBYTE, le=KIBIBYTE * MEBIBYTE, description="Size at which a new segment file is begun."
    )
    # Every exchange may wait this long for its entry, so longer than a second would be felt by users.
    batch_milliseconds: int = Field(
        50, ge=1, le=1000, description="Longest wait of an entry for others to be made durable with it."
    )
    content: ContentScope = Field(
        ContentScope.FLAGGED,
        description="What is kept of prompts and replies, encrypted: `none`, excerpts around findings (`flagged`), or"
        " `all`.",
    )
    master_key_file: Path | None = Field(
        None,
        description="File of the master key, when `SLUICE_AUDIT_MASTER_KEY` does not hold it; when neither is given,"
        " one is made beside the directory.",
    )
    retention_days: int = Field(
        RETENTION_DAYS,
        ge=RETENTION_DAYS,
        le=36_500,
        description="Days after which the keys of encrypted content are destroyed.",
        json_schema_extra={
            "remedy": f"Set {RETENTION_DAYS} or more: network logs are to be kept for at least six months"
            " (Cybersecurity Law, article 23(3)), which is up to 184 days"
        },
    )
    # Closed, because what leaves without a durable record cannot be answered for; a full spool refuses in either.
    fail_mode: FailMode = Field(
        FailMode.CLOSED,
        description="While the disk takes no entries, `closed`: new exchanges get 503; `open`: they are served, and"
        " their entries kept in memory until the disk recovers, at most 49,152 or 48 MiB, then 503.",
    )
    # Checked here: a name that notes cannot carry would only be found out when the key is made.
    origin: str | None = Field(
        None,
        pattern=r"^[^\s+]+$",
        max_length=200,
        description="Name under which checkpoints are signed, such as `gateway.example.com/audit`, taken when the"
        " signing key is made; none makes one from the key.",
        json_schema_extra={"remedy": 'Set a name without spaces and +, such as "gateway.example.com/audit"'},
    )
    signing_key_file: Path | None = Field(
        None,
        description="File of the key that signs checkpoints, made on first start; none puts it beside `directory`,"
        " with `.key` behind its name.",
    )
    # At least a second: every checkpoint costs three syncs.
    checkpoint_seconds: float = Field(
        5, ge=1, le=3600, description="Time between two checkpoints, while entries are written."
    )
    anchors: tuple[Anchor, ...] = Field(
        (),
        max_length=16,
        json_schema_extra={"remedy": "Write one [[audit.anchors]] table for each anchor, at most 16"},
    )


class Logging(Section):
    """The gateway's own log, on standard error."""

    level: LogLevel = Field(LogLevel.INFO, description="Mildest events that are written.")
    format: LogFormat = Field(LogFormat.JSON, description="One JSON object per line, or coloured text for people.")


class Settings(Section):
    """Everything an operator can set."""

    server: Server = Server()
    upstreams: tuple[Upstream, ...] = Field(
        (),
        max_length=64,
        json_schema_extra={"remedy": "Write one [[upstreams]] table for each model server, at most 64"},
    )
    store: Store = Store()
    lists: Lists = Lists()
    # Small letters only, because names of variables are matched without regard to case.
    policies: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")], PolicySettings] = Field(
        default_factory=lambda: {"default": PolicySettings()},
        json_schema_extra={
            "remedy": "Name policies in small letters, digits, - and _, so that variables can reach them"
        },
    )
    labels: Labels = Labels()
    audit: Audit = Audit()
    logging: Logging = Logging()
    classifiers: tuple[Classifier, ...] = Field(
        (),
        max_length=1,
        json_schema_extra={"remedy": "Write one [[classifiers]] table"},
    )

    @field_validator("upstreams")
    @classmethod
    def _names_differ(cls, upstreams: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
        # One name for two servers would add up in the metrics what only one of them does wrong.
        if len({upstream.name for upstream in upstreams}) < len(upstreams):
            raise rejected("gives two servers the same name", "Give each [[upstreams]] table a name of its own")
        return upstreams

    @field_validator("policies")
    @classmethod
    def _default_exists(cls, policies: dict[str, PolicySettings]) -> dict[str, PolicySettings]:
        # An operator who adds one policy of their own must not lose the one that accounts fall back to.
        return {"default": PolicySettings()} | policies
