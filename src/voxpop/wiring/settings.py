"""Settings: ``voxpop.toml`` in the work folder, overridden by ``VOXPOP_*`` variables."""

import getpass
import os
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from voxpop.wiring.errors import SettingsInvalid


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


class SitePrices(BaseModel):
    """The price list of site ``local``."""

    currency: str = Field(default="EUR", description="Currency of the price list.")
    core_hour: float = Field(default=0.02, ge=0, description="Price of one core for one hour.")
    gpu_hour: float = Field(default=0.60, ge=0, description="Price of one GPU for one hour.")
    gb_month: float = Field(default=0.03, ge=0, description="Price of one gigabyte of storage for thirty days.")


class Settings(BaseSettings):
    """Everything that can be set; every field has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="VOXPOP_", env_nested_delimiter="__", extra="forbid")

    person: str = Field(default_factory=_person, description="Who acts, as the audit log names them.")
    project: str = Field(default="voxpop", description="Name of this bank; pseudonyms of two banks never match.")
    profile: Path | None = Field(
        default=None, description="De-identification profile (YAML); empty for the built-in default."
    )
    workers: int = Field(default=2, ge=1, le=64, description="Studies staged at the same time.")
    database_url_file: Path | None = Field(default=None, description="File with the database's URL; empty for SQLite.")
    prices: SitePrices = Field(default_factory=SitePrices, description="Price list of site local.")

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
