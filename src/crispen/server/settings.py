"""Every setting of the server, each with its unit: options, ``CRISPEN_*``, or a TOML file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from crispen.cluster.connection import LOCAL
from crispen.errors import UsageError, nearest_names
from crispen.server.webhook_key import key_of
from crispen.user_folders import data_folder

# Lists are typed with commas in the environment, not as JSON.
Names = Annotated[tuple[str, ...], NoDecode]

_GIB = 1 << 30
_DAY_S = 86_400.0
MOST_WORKERS = 1024
PAGE = Path(__file__).parent / "page"


def _data_folder() -> Path:
    return data_folder("server")


class Settings(BaseSettings):
    """The server's settings; each is ``CRISPEN_NAME`` in the environment, ``name`` in TOML.

    What is given in Python or on the command line comes first, then the environment, then the
    TOML file.
    """

    model_config = SettingsConfigDict(
        env_prefix="CRISPEN_", extra="forbid", frozen=True, validate_default=True
    )

    host: str = Field("127.0.0.1", description="address to listen on; others may reach 0.0.0.0")
    port: int = Field(8000, ge=0, le=65_535, description="port to listen on; 0 picks a free one")
    folder: Path = Field(
        default_factory=_data_folder, description="where uploads, results and the queue are kept"
    )
    runs_folder: Path | None = Field(None, description="folder of training runs to show")
    page_folder: Path = Field(PAGE, description="the built web page")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the queue; SQLite in the folder unless given"
    )

    shared: bool = Field(
        False,
        description="several servers and 'crispen worker' use the folder and the database, which "
        "must be PostgreSQL, at the same time",
    )

    jobs_cluster: str | None = Field(
        None,
        min_length=1,
        description="Ray cluster whose machines run the jobs, such as head:6379; local is one of "
        "this machine alone",
    )
    workers: int | None = Field(
        None,
        ge=0,
        le=MOST_WORKERS,
        description="most workers; 0 only takes jobs in; unless given 1, or as many as the "
        "cluster has room for",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="CPU threads of each worker; unless given all cores shared, or 1 on a cluster",
    )
    device: str = Field("auto", description="what networks run on, as for 'crispen enhance'")
    memory_bytes: int = Field(
        1 << 30, ge=64 << 20, description="budget of one picture's tiles, in bytes"
    )
    lease_s: float = Field(
        30.0, gt=0.5, description="seconds without a sign of life after which a job is taken back"
    )
    stop_s: float = Field(8.0, gt=0, description="seconds that workers get to stop")

    max_upload_bytes: int = Field(4 * _GIB, ge=1, description="largest upload, in bytes")
    max_model_bytes: int = Field(512 << 20, ge=1, description="largest model file, in bytes")
    max_model_s: float = Field(
        30.0, gt=0, description="seconds that trying a model out may take, in a process of its own"
    )
    max_model_memory_bytes: int = Field(
        3 * _GIB, ge=256 << 20, description="memory that trying a model out may take, in bytes"
    )
    max_pixels: int = Field(100_000_000, ge=1, description="most pixels of a picture, all frames")
    max_result_pixels: int = Field(
        400_000_000, ge=1, description="most pixels of a result, all frames of a picture"
    )
    max_frames: int = Field(200_000, ge=1, description="most frames of a video or animation")
    max_video_s: float = Field(7200.0, gt=0, description="longest video, in seconds")
    max_jobs_per_client: int = Field(
        1000, ge=1, description="most jobs of one client that are not finished"
    )
    max_total_bytes: int = Field(
        100 * _GIB, ge=1, description="most bytes of uploads and results together"
    )
    min_free_bytes: int = Field(
        256 << 20, ge=0, description="bytes of the disk that are left alone"
    )
    max_waiting: int = Field(
        32, ge=1, description="most requests to /enhance that wait at the same time"
    )
    max_wait_s: float = Field(
        600.0, gt=0, description="seconds that a request to /enhance waits for its picture"
    )
    max_job_s: float = Field(86_400.0, gt=0, description="seconds after which a job is given up")
    result_ttl_s: float = Field(
        7 * _DAY_S, gt=0, description="seconds that a finished job and its files are kept"
    )
    upload_ttl_s: float = Field(
        _DAY_S, gt=0, description="seconds that a finished upload without a job is kept"
    )
    upload_idle_s: float = Field(
        1800.0, gt=0, description="seconds without a byte after which an unfinished upload goes"
    )
    rate_per_minute: int = Field(
        600, ge=0, description="requests a minute of one client beyond this machine; 0 is no limit"
    )

    sign_ins_per_minute: int = Field(
        10, ge=0, description="wrong tokens a minute of one client; 0 is no limit"
    )
    max_uploads_per_address: int = Field(
        500, ge=1, description="most uploads of one client that are not jobs yet"
    )
    max_streams_per_address: int = Field(
        64, ge=1, description="most streams of events of one client at the same time"
    )
    max_connections_per_address: int = Field(
        256, ge=1, description="most connections of one client beyond this machine"
    )
    max_header_s: float = Field(
        15.0, gt=0, description="seconds within which the headers of a request must be there"
    )

    token: SecretStr | None = Field(None, description="a bearer token that every client must give")
    tokens: dict[str, SecretStr] = Field(
        {},
        description="more tokens, each by a name; what programs do with one is seen with that one",
    )
    separate_clients: bool | None = Field(
        None,
        description="whether each browser sees only its own jobs; yes if the server can be reached "
        "by others",
    )
    allowed_hosts: Names = Field(
        (), description="names under which the server is reached; guards against DNS rebinding"
    )
    cors_origins: Names = Field((), description="other web origins whose pages may use the API")
    trusted_proxies: Names = Field(
        (), description="addresses of proxies whose X-Forwarded-For is believed"
    )
    webhook_hosts: Names = Field(
        (),
        description="hosts that webhooks may be sent to, such as example.org or *.example.org; "
        "none by default",
    )
    webhook_secret: SecretStr | None = Field(
        None, description="key that signs webhooks: whsec_ followed by 24 bytes in base64"
    )
    webhook_private: bool = Field(
        False, description="allow webhook hosts in the local network and on this machine"
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="path below which a proxy shows the server, such as /crispen",
    )
    secure_cookies: bool = Field(False, description="cookies only over HTTPS")
    log_format: Literal["json", "text"] = Field("text", description="how log lines are written")

    @field_validator(
        "allowed_hosts", "cors_origins", "trusted_proxies", "webhook_hosts", mode="before"
    )
    @classmethod
    def _by_commas(cls, names: Any) -> Any:
        if isinstance(names, str):
            return tuple(name.strip() for name in names.split(",") if name.strip())
        return names

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        for token in self.all_tokens.values():
            if len(token) < 16:
                raise ValueError(
                    "a token needs 16 characters or more; 'openssl rand -hex 24' makes one"
                )
        for name in self.tokens:
            if not re.fullmatch(r"[a-z0-9-]{1,40}", name):
                raise ValueError(f"'{name[:40]}' cannot name a token; use a-z, 0-9 and '-'")
        return self

    @model_validator(mode="after")
    def _origins_are_origins(self) -> Self:
        for origin in self.cors_origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise ValueError(f"origin '{origin}' is not like https://example.org")
        return self

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.webhook_hosts and self.webhook_secret is None:
            raise ValueError("webhook_hosts needs a webhook_secret as well")
        if self.webhook_secret is not None:
            key_of(self.webhook_secret.get_secret_value())
        return self

    @model_validator(mode="after")
    def _reached_by_all(self) -> Self:
        if self.jobs_cluster not in (None, LOCAL) and not self.shared:
            raise ValueError(
                "the machines of a cluster need a database that all of them reach; set "
                "CRISPEN_SHARED=1 and CRISPEN_DATABASE_URL=postgresql://…"
            )
        return self

    @property
    def most_workers(self) -> int:
        """How many workers there are at most."""
        if self.workers is not None:
            return self.workers
        return 1 if self.jobs_cluster is None else MOST_WORKERS

    @property
    def all_tokens(self) -> dict[str, str]:
        """Every token by its name; that of the setting `token` has none."""
        tokens = {name: token.get_secret_value() for name, token in self.tokens.items()}
        if self.token is not None:
            tokens[""] = self.token.get_secret_value()
        return tokens

    @property
    def local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def separate(self) -> bool:
        """Whether clients see only their own jobs."""
        return not self.local if self.separate_clients is None else self.separate_clients

    @property
    def jobs_url(self) -> str:
        """SQLAlchemy URL of the queue."""
        return self.database_url or f"sqlite:///{self.folder.resolve() / 'crispen.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given values, then the environment, then the TOML file that `read_settings` names."""
        return init_settings, env_settings


# What other parts of the program read from the environment.
ELSEWHERE = frozenset(
    f"CRISPEN_{name}"
    for name in (
        "APP",
        "BRISQUE",
        "CLUSTER",
        "DATA",
        "DISTS",
        "FUZZ",
        "INCEPTION",
        "LPIPS",
        "MODELS",
        "PAGE",
        "RANK",
        "SERVER",
        "VGG",
        "WORLD",
    )
)


def misspelt(environment: Iterable[str]) -> list[str]:
    """A line for each ``CRISPEN_`` name that nothing reads.

    >>> misspelt(["CRISPEN_PROT", "CRISPEN_MODELS", "PATH"])
    ['CRISPEN_PROT is no setting; did you mean CRISPEN_PORT?']
    """
    known = {f"CRISPEN_{name.upper()}" for name in Settings.model_fields}
    return [
        f"{name} is no setting{nearest_names(name, known, limit=1) or '; docs/server.md lists all'}"
        for name in sorted(environment)
        if name.startswith("CRISPEN_") and name not in known | ELSEWHERE
    ]


def read_settings(file: Path | None = None, **given: Any) -> Settings:
    """Settings out of what was typed, the environment and a TOML file, in that order.

    Args:
        file: A TOML file of names and values.
        given: Values that come first; those that are None were not given.

    Raises:
        UsageError: A name or value does not fit.
    """
    chosen: type[Settings] = Settings
    if file is not None:
        if not file.is_file():
            raise UsageError(f"{file}: no such settings file; check the path")
        chosen = _with_file(file)
    try:
        return chosen(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "settings"
        raise UsageError(
            f"{name}: {first['msg'].removeprefix('Value error, ')}; docs/server.md lists all"
        ) from error
    except ValueError as error:  # TOML or JSON that cannot be read
        raise UsageError(f"settings cannot be read: {error}") from error


def _with_file(file: Path) -> type[Settings]:
    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    return FromFile
