"""The OpenID providers of the settings."""

from collections.abc import Sequence
from pathlib import Path

from voxpop.access.federation import Door, Rules
from voxpop.kernel.clock import Clock
from voxpop.wiring.errors import SettingsInvalid
from voxpop.wiring.settings import Provider


def doors(providers: Sequence[Provider], clock: Clock) -> list[Door]:
    """Return the providers with their rules; none is asked anything before somebody signs in.

    Raises
    ------
    SettingsInvalid
        If a file with a secret or with certificates can't be read.
    """
    return [_door(number, provider, clock) for number, provider in enumerate(providers)]


def _door(number: int, provider: Provider, clock: Clock) -> Door:
    from voxpop.backends.identity.oidc import Registration, open_provider

    secret = _secret(number, provider.client_secret_file)
    ours = Registration(provider.title, provider.issuer, provider.client_id, secret, tuple(provider.scopes))
    rules = Rules(provider.name, provider.title, provider.roles, provider.groups, tuple(provider.members))
    try:
        return Door(open_provider(ours, clock, provider.ca_file), rules)
    except OSError as unreadable:  # ssl.SSLError is one
        raise SettingsInvalid(f"providers.{number}.ca_file", "no certificates can be read there") from unreadable


def _secret(number: int, file: Path | None) -> str:
    if file is None:
        return ""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise SettingsInvalid(f"providers.{number}.client_secret_file", "it cannot be read") from unreadable
    if not secret:
        raise SettingsInvalid(f"providers.{number}.client_secret_file", "it is empty")
    return secret
