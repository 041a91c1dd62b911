"""The settings of a Docker site."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.backends.site import check_settings, number_setting

HOST = "unix:///var/run/docker.sock"
MIRROR = "http://deb.debian.org/debian"
_TLS = ("tls_ca_file", "tls_cert_file", "tls_key_file")
_KNOWN = ("host", *_TLS, "cores", "memory_gb", "workers", "gpus", "mirror", "registry", "registry_login_file")
_REGISTRY = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-][a-z0-9]+)*)*")


@dataclass(frozen=True, slots=True)
class Tls:
    """What is shown to an engine, and what it must show."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Setup:
    """How an engine is reached, and how much of it an appliance may have.

    Parameters
    ----------
    host : str
        ``unix:///PATH`` or ``tcp://HOST:PORT``.
    cores, memory_gb : int or None
        At most; None for what the engine has.
    workers : int or None
        At most, of an appliance with a queue, however many cores there are; None for as many as there are cores for.
    gpus : int
        How many the engine has for containers: it does not tell.
    mirror : str
        Where Debian's packages are fetched for images.
    registry : str
        Where images are sent once they are built, and fetched from where they are not here: ``HOST[:PORT][/PATH]``.
    login : Path, optional
        A JSON file with the registry's ``username`` and ``password``.
    """

    host: str = HOST
    tls: Tls | None = None
    cores: int | None = None
    memory_gb: int | None = None
    workers: int | None = None
    gpus: int = 0
    mirror: str = MIRROR
    registry: str = ""
    login: Path | None = None

    def words(self) -> list[str]:
        """Return the beginning of a docker(1) command line to this engine."""
        words = ["docker", "--host", self.host]
        if self.tls:
            words += ["--tlsverify", "--tlscacert", str(self.tls.ca)]
            words += ["--tlscert", str(self.tls.certificate), "--tlskey", str(self.tls.key)]
        return words


def read_setup(site: str, settings: Mapping[str, str]) -> Setup:
    """Read a site's settings.

    Raises
    ------
    SiteSettingInvalid
        If one is unknown or wrong; an engine by TCP must be asked by TLS, since who reaches it is root there.
    """
    check_settings(site, settings, _KNOWN)
    host = settings.get("host", HOST)
    parts = urlsplit(host)
    local = parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc
    if not local and not (parts.scheme == "tcp" and parts.hostname):
        raise SiteSettingInvalid(site, "host", "must be unix:///PATH or tcp://HOST:PORT")
    files = [settings[name] for name in _TLS if name in settings]
    if files and len(files) < len(_TLS):
        raise SiteSettingInvalid(site, "tls_ca_file", f"goes together with the others: give all of {', '.join(_TLS)}")
    if parts.scheme == "tcp" and not files:
        raise SiteSettingInvalid(site, "host", f"is asked by TCP, which needs TLS: give {', '.join(_TLS)} too")
    mirror = settings.get("mirror", MIRROR)
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise SiteSettingInvalid(site, "mirror", "must be an address of a Debian mirror, http or https")
    registry = settings.get("registry", "")
    if registry and not _REGISTRY.fullmatch(registry):
        raise SiteSettingInvalid(site, "registry", "must be HOST[:PORT][/PATH], without https://")
    login = settings.get("registry_login_file")
    if login and not registry:
        raise SiteSettingInvalid(site, "registry_login_file", "goes together with 'registry': give that too")
    return Setup(
        host=host,
        tls=Tls(*map(Path, files)) if files else None,
        cores=number_setting(site, settings, "cores", None),
        memory_gb=number_setting(site, settings, "memory_gb", None),
        workers=number_setting(site, settings, "workers", None),
        gpus=number_setting(site, settings, "gpus", 0),
        mirror=mirror,
        registry=registry,
        login=Path(login) if login else None,
    )
