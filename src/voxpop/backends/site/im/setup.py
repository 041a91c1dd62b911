"""The settings of a site that an Infrastructure Manager drives."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.backends.site import check_settings, number_setting

_NEEDED = ("url", "image", "cloud_auth_file")
_KNOWN = (*_NEEDED, "im_auth_file", "user_db", "ca_file", "roles_url", "patience_s", "answer_s")
_PATIENCE_S = 1800
_ANSWER_S = 120  # the service asks its cloud before it answers
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Setup:
    """How an Infrastructure Manager is reached, and what it is told.

    Parameters
    ----------
    url : str
        Of its REST interface.
    image : str
        What every machine is started from, as the service calls it: ``ost://cloud.example.org/debian-13``.
    cloud_auth_file : Path
        The lines of the authorization that name the cloud; their owner's alone.
    im_auth_file : Path or None
        The line that names the user of the service; None where each infrastructure has a user of its own.
    user_db : Path or None
        The service's file of users, where it is under our hand.
    ca_file : Path or None
        Certificates that are trusted; the usual ones by default.
    roles_url : str
        Where machines fetch the recipes' roles; empty where the image has them.
    patience_s : int
        How long machines may take to be configured.
    answer_s : int
        How long the service may take to answer.
    """

    url: str
    image: str
    cloud_auth_file: Path
    im_auth_file: Path | None
    user_db: Path | None
    ca_file: Path | None
    roles_url: str
    patience_s: int
    answer_s: int


def read_setup(site: str, settings: Mapping[str, str]) -> Setup:
    """Read a site's settings.

    Raises
    ------
    SiteSettingInvalid
        If one is missing, unknown or wrong; a service that is not on this machine must be asked by TLS.
    """
    check_settings(site, settings, _KNOWN)
    for name in _NEEDED:
        if not settings.get(name):
            raise SiteSettingInvalid(site, name, "is missing: give it")
    if ("im_auth_file" in settings) == ("user_db" in settings):
        raise SiteSettingInvalid(site, "user_db", "or 'im_auth_file' says who we are: give one of them")
    return Setup(
        url=_service(site, settings["url"]),
        image=settings["image"],
        cloud_auth_file=Path(settings["cloud_auth_file"]),
        im_auth_file=_file(settings, "im_auth_file"),
        user_db=_file(settings, "user_db"),
        ca_file=_file(settings, "ca_file"),
        roles_url=_roles(site, settings.get("roles_url", "")),
        patience_s=number_setting(site, settings, "patience_s", _PATIENCE_S),
        answer_s=number_setting(site, settings, "answer_s", _ANSWER_S),
    )


def _service(site: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise SiteSettingInvalid(site, "url", "must be an address as https://HOST:PORT")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SiteSettingInvalid(site, "url", "must begin with https: what is sent there opens the cloud")
    return url.rstrip("/")


def _roles(site: str, url: str) -> str:
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise SiteSettingInvalid(site, "roles_url", "must be an address as https://BANK/roles")
    return url.rstrip("/")


def _file(settings: Mapping[str, str], name: str) -> Path | None:
    return Path(settings[name]) if name in settings else None
