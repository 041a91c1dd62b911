"""Settings: ``voxpop.toml`` in the work folder, overridden by ``VOXPOP_*`` variables."""

import getpass
import os
import re
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from voxpop.access.model import Role
from voxpop.appliance.terms import country
from voxpop.wiring.errors import SettingsInvalid

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


class SitePrices(BaseModel):
    """The price list of the bank: of each site that names no prices."""

    currency: str = Field(default="EUR", description="Currency of the price list.")
    core_hour: float = Field(default=0.02, ge=0, description="Price of one core for one hour.")
    gpu_hour: float = Field(default=0.60, ge=0, description="Price of one GPU for one hour.")
    gb_month: float = Field(default=0.03, ge=0, description="Price of one gigabyte of storage for thirty days.")


class Web(BaseModel):
    """The portal and the API."""

    host: str = Field(default="127.0.0.1", description="Address that `voxpop serve` listens on.")
    port: int = Field(default=8321, ge=0, le=65535, description="Port that `voxpop serve` listens on.")
    base_url: str = Field(
        default="", description="Address under which browsers reach the portal; empty for the one it listens on."
    )
    notebook_port: int = Field(
        default=0, ge=0, le=65535, description="Port that `voxpop serve` gives notebooks; 0 takes a free one."
    )
    notebook_url: str = Field(
        default="",
        description="Address under which browsers reach notebooks: another host name than the portal's. Empty for the "
        "port, or for no notebooks where `base_url` is set.",
    )
    hosts: list[str] = Field(default_factory=list, description="Further host names under which it may be asked.")
    idle_minutes: int = Field(default=30, ge=1, le=1440, description="A session ends after so long without use.")
    session_hours: int = Field(default=12, ge=1, le=72, description="A session ends after so long in any case.")
    webhook_private: bool = Field(
        default=False, description="Whether webhooks may be told at addresses of private networks and of this machine."
    )
    ohif: Path | None = Field(
        default=None, description="Folder of OHIF's built form (npm's `@ohif/app`, its `dist`); none for no OHIF."
    )
    requests_per_minute: int = Field(
        default=1200, ge=10, description="Requests that one session or token may send a minute; an address ten times."
    )
    proxies: list[str] = Field(
        default_factory=list, description="Addresses of reverse proxies whose X-Forwarded headers are believed."
    )


class Elastic(BaseModel):
    """When workers of appliances with a queue come and go."""

    idle_seconds: int = Field(default=60, ge=1, le=86_400, description="A worker goes that was idle for so long.")
    boot_seconds: int = Field(
        default=60, ge=5, le=7200, description="A worker is given up that has not come up in so long."
    )
    begin: time = Field(default=time(0), description="Workers are added from this time of the day on.")
    end: time = Field(default=time(0), description="And until this one; the same as `begin` for the whole day.")
    zone: str = Field(default="UTC", description="Time zone of these, as `Europe/Madrid`.")
    worker_hours: float | None = Field(
        default=None, ge=0, description="Hours of workers that one appliance may use in all; empty for no limit."
    )

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (ValueError, OSError, ZoneInfoNotFoundError) as unknown:
            raise ValueError("there is no such time zone: write one as `Europe/Madrid`") from unknown


class Provider(BaseModel):
    """An OpenID provider that people may sign in with."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$", description="Its name in addresses.")
    title: str = Field(min_length=1, max_length=30, description="What people read: `Sign in with <title>`.")
    issuer: str = Field(max_length=200, description="Its issuer, exactly as its discovery document says it.")
    client_id: str = Field(min_length=1, description="What it knows this bank by.")
    client_secret_file: Path | None = Field(default=None, description="File with the secret; none for a public client.")
    scopes: list[str] = Field(default=["openid", "profile", "email"], description="What is asked for.")
    roles: dict[str, Role] = Field(
        default_factory=dict,
        description="Entitlement or group, exactly or with a trailing `*`, to a role in the bank.",
    )
    groups: dict[str, str] = Field(default_factory=dict, description="The same, to the name of a group of the bank.")
    members: list[str] = Field(
        default_factory=list, description="Whoever comes in must have one of these; empty lets in all it knows."
    )
    ca_file: Path | None = Field(default=None, description="Certificates to trust; none for the usual ones.")

    @field_validator("issuer")
    @classmethod
    def _is_issuer(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        https = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not https or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("an issuer is an https address without a query")
        return issuer

    @field_validator("scopes")
    @classmethod
    def _asks_for_openid(cls, scopes: list[str]) -> list[str]:
        return scopes if "openid" in scopes else ["openid", *scopes]

    @field_validator("roles", "groups")
    @classmethod
    def _is_no_default(cls, rules: dict[str, str]) -> dict[str, str]:
        if any(not pattern.strip("* ") for pattern in rules):
            raise ValueError("a rule for everybody is none: name an entitlement or a group")
        return rules

    @field_validator("groups")
    @classmethod
    def _are_group_names(cls, rules: dict[str, str]) -> dict[str, str]:
        if any(not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name) for name in rules.values()):
            raise ValueError("a group's name has lower-case letters, digits, '.', '_' and '-'")
        return rules


class Settings(BaseSettings):
    """Everything that can be set; every field has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="VOXPOP_", env_nested_delimiter="__", extra="forbid")

    person: str = Field(default_factory=_person, description="Who acts, as the audit log names them.")
    project: str = Field(default="voxpop", description="Name of this bank; pseudonyms of two banks never match.")
    jurisdiction: str = Field(
        default="",
        description="Country whose law holds for the data (ISO 3166, as `ES`): they leave it only where the approved "
        "application says so; empty for unknown, which holds nothing back.",
    )
    profile: Path | None = Field(
        default=None, description="De-identification profile (YAML); empty for the built-in default."
    )
    workers: int = Field(default=2, ge=1, le=64, description="Studies staged at the same time.")
    database_url_file: Path | None = Field(default=None, description="File with the database's URL; empty for SQLite.")
    reviewers: int = Field(
        default=1,
        ge=1,
        le=20,
        description="How many of the committee must be for an application before it is approved.",
    )
    web: Web = Field(default_factory=Web, description="The portal and the API.")
    prices: SitePrices = Field(default_factory=SitePrices, description="Prices of each site that names none.")
    elastic: Elastic = Field(default_factory=Elastic, description="When workers of appliances come and go.")
    providers: list[Provider] = Field(
        default=[], description="OpenID providers that people may sign in with: `how-to/sign-in-with-openid.md`."
    )

    @field_validator("jurisdiction")
    @classmethod
    def _is_country(cls, jurisdiction: str) -> str:
        return jurisdiction and country(jurisdiction)

    @field_validator("providers")
    @classmethod
    def _are_different(cls, providers: list[Provider]) -> list[Provider]:
        for what in ("name", "title", "issuer"):
            if len({getattr(one, what) for one in providers}) < len(providers):
                raise ValueError(f"two providers have the same {what}")
        return providers

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Ask the command line first, then the environment, then ``voxpop.toml``."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(work: Path, person: str | None = None) -> Settings:
    """Read the settings that hold for a work folder.

    Raises
    ------
    SettingsInvalid
        If a value is wrong; names the first one.
    """

    class Here(Settings):
        """The settings of one work folder."""

        model_config = SettingsConfigDict(
            env_prefix="VOXPOP_", env_nested_delimiter="__", extra="forbid", toml_file=work / "voxpop.toml"
        )

    try:
        return Here(person=person) if person else Here()
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise SettingsInvalid(".".join(map(str, first["loc"])), first["msg"]) from wrong
    except ValueError as unreadable:
        raise SettingsInvalid("voxpop.toml", "it is no TOML that can be read") from unreadable
