"""The settings of a cluster that others keep."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.backends import ssh
from voxpop.backends.site import check_settings, number_setting

_QUEUES = ("slurm", "htcondor")
_NEEDED = ("queue", "folder", "workers", "cores", "memory_gb")
_BY_SSH = ("key_file", "known_hosts_file")
_KNOWN = (*_NEEDED, "host", *_BY_SSH, "account", "gpus", "path", "apptainer_image", "patience_s")
_HOST = re.compile(r"([a-z_][a-z0-9_-]*)@([A-Za-z0-9][A-Za-z0-9.-]*)(?::([0-9]{1,5}))?")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_PATIENCE_S = 900


@dataclass(frozen=True, slots=True)
class Setup:
    """How a cluster is reached, and what of it may be used.

    Parameters
    ----------
    queue : str
        ``slurm`` or ``htcondor``.
    folder : Path
        Runs work below it; the cluster's machines see it under the same name.
    workers, cores, memory_gb, gpus : int
        How many machines an appliance may use at a time, and what of each.
    host : ssh.Host, optional
        Where jobs are handed in; None where that is this machine.
    account : str
        Whose jobs they are, where that is this machine and we are root.
    path : str
        Where jobs look for programs.
    apptainer_image : Path, optional
        What jobs run in, by Apptainer; the cluster's machines see it under the same name.
    patience_s : int
        How long the job that tries the cluster out may wait.
    """

    queue: str
    folder: Path
    workers: int
    cores: int
    memory_gb: int
    gpus: int
    host: ssh.Host | None
    account: str
    path: str
    apptainer_image: Path | None
    patience_s: int


def read_setup(site: str, settings: Mapping[str, str]) -> Setup:
    """Read a site's settings.

    Raises
    ------
    SiteSettingInvalid
        If one is missing, unknown or wrong.
    """
    check_settings(site, settings, _KNOWN)
    for name in _NEEDED:
        if not settings.get(name):
            raise SiteSettingInvalid(site, name, "is missing: give it")
    if settings["queue"] not in _QUEUES:
        raise SiteSettingInvalid(site, "queue", f"must be one of {', '.join(_QUEUES)}")
    account = settings.get("account", "")
    if account and not _ACCOUNT.fullmatch(account):
        raise SiteSettingInvalid(site, "account", "must be the name of an account of this machine")
    if account and "host" in settings:
        raise SiteSettingInvalid(site, "account", "is for jobs that are handed in here: with 'host', that names it")
    image = settings.get("apptainer_image")
    return Setup(
        queue=settings["queue"],
        folder=_absolute(site, "folder", settings["folder"]),
        workers=number_setting(site, settings, "workers", 1),
        cores=number_setting(site, settings, "cores", 1),
        memory_gb=number_setting(site, settings, "memory_gb", 1),
        gpus=number_setting(site, settings, "gpus", 0),
        host=_host(site, settings),
        account=account,
        path=settings.get("path", _PATH),
        apptainer_image=_absolute(site, "apptainer_image", image) if image else None,
        patience_s=number_setting(site, settings, "patience_s", _PATIENCE_S),
    )


def _host(site: str, settings: Mapping[str, str]) -> ssh.Host | None:
    if "host" not in settings:
        if any(name in settings for name in _BY_SSH):
            raise SiteSettingInvalid(site, "host", "is missing: give it as ACCOUNT@HOST, or leave the keys away")
        return None
    found = _HOST.fullmatch(settings["host"])
    if found is None:
        raise SiteSettingInvalid(site, "host", "must be ACCOUNT@HOST or ACCOUNT@HOST:PORT")
    for name in _BY_SSH:
        if not settings.get(name):
            raise SiteSettingInvalid(site, name, "is missing: give it")
    user, address, port = found.groups()
    key, known = (_absolute(site, name, settings[name]) for name in _BY_SSH)
    return ssh.Host(address, int(port or ssh.PORT), user, key, known)


def _absolute(site: str, name: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise SiteSettingInvalid(site, name, "must be an absolute path")
    return path
