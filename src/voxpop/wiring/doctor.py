"""What is looked at to say whether a bank is well: a line each, with what to do. Nothing is changed by looking."""

import logging
import os
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx

from voxpop.access.model import Account, Role
from voxpop.backends.sandbox.bubblewrap import available as bubblewrap_works
from voxpop.flow.operations import OperationState
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import RunId
from voxpop.result.model import Report
from voxpop.store.engine import HEAD, revision_of
from voxpop.wiring.backup import PASSING
from voxpop.wiring.kept import read_database_url
from voxpop.wiring.passing import left_behind
from voxpop.wiring.restoring import restoring_prefix
from voxpop.wiring.settings import Settings, read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import WorkFolder, open_work

_GB = 10**9
_LITTLE_GB, _TOO_LITTLE_GB = 20, 1
_LONG = timedelta(hours=24)
_SHORT = timedelta(minutes=5)
_PYTHONS = ((3, 11), (3, 14))
_BEFORE_US = 2026
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_log = logging.getLogger("voxpop.doctor")


class Verdict(StrEnum):
    """How a thing is."""

    OK = "ok"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Parameters
    ----------
    said : str
        How it is, and what to do about it.
    """

    check: str
    verdict: Verdict
    said: str


def examine(root: Path, passing_archives: Collection[str] = ()) -> list[Finding]:
    """Look at a work folder and the machine that it lies on.

    Parameters
    ----------
    passing_archives : collection of str
        Archives that are there only while somebody serves the bank.
    """
    root = root.expanduser().absolute()
    work = WorkFolder(root)
    found = [*_tried("python", _python), *_tried("work folder", lambda: _rights(work))]
    found += _tried("left behind", lambda: _left_behind(work))
    if not (root / "work.json").is_file():
        return found
    try:
        settings = read_settings(root)
    except VoxpopError as wrong:
        return [*found, Finding("settings", Verdict.BAD, wrong.sentence)]
    found += _tried("settings", lambda: _settings(work, settings))
    found += _tried("disk", lambda: _disk(root))
    found += _tried("sandbox", _sandbox)
    found += _tried("web address", lambda: _address(settings))
    database = [*_tried("database", lambda: _database(work, settings))]
    found += database
    if database[-1].verdict is not Verdict.OK or any(one.verdict is Verdict.BAD for one in found):
        return [*found, Finding("the rest", Verdict.LOOK, "not looked at: mend what is said above, and ask again")]
    system = System(open_work(root, create=False), settings, SystemClock())
    for name, look in _LOOKS.items():
        found += _tried(name, lambda look=look: look(system))  # type: ignore[misc]
    found += _tried("archives", lambda: _archives(system, passing_archives))
    return found


def _tried(name: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except VoxpopError as refusal:
        return [Finding(name, Verdict.BAD, refusal.sentence)]
    except Exception as failure:  # whatever breaks is what was looked for; its words may quote a value
        _log.error("the look at %s stopped: %s", name, type(failure).__name__)
        said = f"it cannot be looked at ({type(failure).__name__}): mend its files or their rights"
        return [Finding(name, Verdict.BAD, said)]


def _python() -> Iterator[Finding]:
    here, (least, beyond) = sys.version_info[:2], _PYTHONS
    said = f"{here[0]}.{here[1]}"
    if least <= here < beyond:
        yield Finding("python", Verdict.OK, said)
    else:
        yield Finding("python", Verdict.LOOK, f"{said} is not tested: use {least[0]}.{least[1]} to 3.{beyond[1] - 1}")


def _rights(work: WorkFolder) -> Iterator[Finding]:
    if not (work.root / "work.json").is_file():
        yield Finding("work folder", Verdict.BAD, "there is none: name one with --work, or let `voxpop serve` make it")
        return
    if not os.access(work.root, os.W_OK):
        yield Finding("work folder", Verdict.BAD, "this user cannot write it: run as its owner, or mend its rights")
        return
    open_to = [
        path.relative_to(work.root).as_posix()
        for path in (work.protected, *work.protected.glob("*.key"), *work.protected.glob("audit-head.json"))
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_to:
        said = f"others may read {', '.join(open_to)}: `chmod -R go= protected` in the work folder takes that away"
        yield Finding("work folder", Verdict.BAD, said)
    else:
        yield Finding("work folder", Verdict.OK, "what is protected can be read by its owner alone")


def _left_behind(work: WorkFolder) -> Iterator[Finding]:
    for folder in left_behind(work.protected, PASSING):
        said = f"a backup that was killed left {folder.name} in the protected folder: the next backup takes it away"
        yield Finding("left behind", Verdict.LOOK, said)
    for folder in left_behind(work.root.parent, restoring_prefix(work.root)):
        said = (
            f"a restore that was killed left {folder.name} beside the work folder, and it may hold identity: "
            "restore again, or remove it"
        )
        yield Finding("left behind", Verdict.LOOK, said)


def _settings(work: WorkFolder, settings: Settings) -> Iterator[Finding]:
    file = work.root / "voxpop.toml"
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o022:
        yield Finding("settings", Verdict.BAD, "others may write voxpop.toml: `chmod go-w voxpop.toml`")
        return
    secrets = {f"providers.{one.name}.client_secret_file": one.client_secret_file for one in settings.providers}
    secrets["database_url_file"] = settings.database_url_file
    faults = [
        fault for name, secret in secrets.items() if secret is not None and (fault := _secret_fault(name, secret))
    ]
    yield from (Finding("settings", Verdict.BAD, fault) for fault in faults)
    if not faults:
        yield Finding("settings", Verdict.OK, "they can be read, and written by their owner alone")


def _secret_fault(name: str, secret: Path) -> str:
    if not os.access(secret, os.R_OK):
        return f"the file that '{name}' names cannot be read: make it, or mend its rights"
    if stat.S_IMODE(secret.stat().st_mode) & 0o077:
        return f"others may read the secret that '{name}' names: `chmod 600` it"
    return ""


def _disk(root: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(root).free / _GB
    said = f"{free:.0f} GB are free"
    if free < _TOO_LITTLE_GB:
        yield Finding("disk", Verdict.BAD, f"{said}: make room, staging and runs stop where it is full")
    elif free < _LITTLE_GB:
        yield Finding("disk", Verdict.LOOK, f"{said}: make room before more is staged")
    else:
        yield Finding("disk", Verdict.OK, said)


def _sandbox() -> Iterator[Finding]:
    if bubblewrap_works():
        yield Finding("sandbox", Verdict.OK, "bubblewrap keeps runs in their place, without a network")
    else:
        said = "bubblewrap does not work here, so runs are kept by file modes alone and can use the network: "
        yield Finding("sandbox", Verdict.LOOK, f"{said}install it, and let it make name spaces")


def _database(work: WorkFolder, settings: Settings) -> Iterator[Finding]:
    if settings.database_url_file is None and not (work.root / "voxpop.db").is_file():
        yield Finding("database", Verdict.LOOK, "there is none yet: the first command that needs it makes it")
        return
    revision = revision_of(read_database_url(work, settings))
    if revision == HEAD:
        yield Finding("database", Verdict.OK, f"it answers, at schema {HEAD}")
    elif revision is None:
        yield Finding("database", Verdict.LOOK, "it is empty: the first command that needs it makes the tables")
    elif revision < HEAD:
        said = f"it is at schema {revision}, and becomes {HEAD} when voxpop opens it next: make a copy of it before"
        yield Finding("database", Verdict.LOOK, said)
    else:
        yield Finding("database", Verdict.BAD, f"it is at schema {revision}, of a newer voxpop: use that version")


def _audit(system: System) -> Iterator[Finding]:
    if not (system.work.protected / "audit.key").is_file():
        yield Finding("audit log", Verdict.BAD, "its key is gone: put audit.key back into the protected folder")
        return
    faults = system.ledger.verify()
    if faults:
        yield Finding("audit log", Verdict.BAD, f"it is not whole: {'; '.join(faults[:3])}; find out who changed it")
    else:
        yield Finding("audit log", Verdict.OK, "it is whole, and its head is signed")


def _clock(system: System) -> Iterator[Finding]:
    now = datetime.now(UTC)
    last = next(iter(system.ledger.search({}, None, 1)), None)
    if now.year < _BEFORE_US:
        yield Finding("clock", Verdict.BAD, f"it says {now:%Y}: set this machine's clock, or let it be kept by NTP")
    elif last is not None and datetime.fromisoformat(last.at) > now + _SHORT:
        said = "the newest event of the audit log lies in the future: set this machine's clock, or let NTP keep it"
        yield Finding("clock", Verdict.BAD, said)
    else:
        yield Finding("clock", Verdict.OK, f"it says {now:%Y-%m-%d %H:%M} UTC")


def _work(system: System) -> Iterator[Finding]:
    now, attended = datetime.now(UTC), system.attended()
    still = system.operations.open()
    waiting = [one for one in still if one.state is OperationState.WAITING]
    rows = len(list(system.ledger.waiting()))
    long = [one for one in still if one.begun_at and one.state is OperationState.WORKING and now - one.begun_at > _LONG]
    if (waiting or rows) and not attended:
        said = f"{len(waiting) + rows} requests wait and nobody takes them: start `voxpop serve`, or a worker"
        yield Finding("work", Verdict.LOOK, said)
    elif any(now - one.asked_at > _LONG for one in waiting):
        yield Finding("work", Verdict.LOOK, "work has waited for a day: start more workers, or raise 'workers'")
    elif long:
        said = f"{long[0].work} of {long[0].subject} has been worked on for more than a day: look at logs/voxpop.log"
        yield Finding("work", Verdict.LOOK, said)
    else:
        said = "a worker is there" if attended else "no worker is there, and none is needed now"
        yield Finding("work", Verdict.OK, f"{len(still)} pieces are open; {said}")


def _tools(system: System) -> Iterator[Finding]:
    from voxpop.backends.converter.dcm2niix import open_converter
    from voxpop.backends.report.typst import open_typesetter

    del system
    yield Finding("dcm2niix", Verdict.OK, open_converter().version())
    with TemporaryDirectory() as folder:
        open_typesetter().set(Report("A page", "", (), (), {}, RunId("none")), Path(folder) / "page.pdf")
    yield Finding("reports", Verdict.OK, "Typst sets a page with its own fonts")


def _clinical(system: System) -> Iterator[Finding]:
    if (system.work.protected / "index" / "clinical.parquet").is_file():
        yield Finding("clinical table", Verdict.OK, "it is loaded")
    else:
        said = "none is loaded, so nobody is found by diagnosis: `voxpop archive harvest NAME --clinical FILE`"
        yield Finding("clinical table", Verdict.LOOK, said)


def _archives(system: System, passing: Collection[str]) -> Iterator[Finding]:
    names = list(system.archives)
    if not names:
        yield Finding("archives", Verdict.LOOK, "none is connected: `voxpop archive add` connects one")
    for name in names:
        try:
            system.archives.named(name).echo()
        except VoxpopError as silent:
            verdict = Verdict.LOOK if name in passing and not system.attended() else Verdict.BAD
            yield Finding(f"archive {name}", verdict, silent.sentence)
        else:
            yield Finding(f"archive {name}", Verdict.OK, "it answers")


def _accounts(system: System) -> Iterator[Finding]:
    accounts = [one for one in system.access.every() if one.enabled]
    if not accounts:
        yield Finding("accounts", Verdict.LOOK, "nobody can sign in yet: `voxpop user add` makes an account")
        return
    managers = [one for one in accounts if Role.TECHNICAL_MANAGER in one.roles and system.can_sign_in(one)]
    if managers:
        yield Finding("accounts", Verdict.OK, f"{len(accounts)} can sign in, {len(managers)} as technical manager")
    else:
        said = "no technical manager can sign in: `voxpop user add` makes one, `voxpop user password` lets one in again"
        yield Finding("accounts", Verdict.BAD, said)
    alone = [one.name for one in accounts if _has_power(one) and not one.second_factor and one.local]
    if alone:
        said = f"{', '.join(alone)} decide or see identity without one: they turn it on in the portal, under Account"
        yield Finding("second factors", Verdict.LOOK, said)


def _has_power(account: Account) -> bool:
    return bool(account.roles & {Role.COMMITTEE, Role.DATA_MANAGER, Role.TECHNICAL_MANAGER})


def _address(settings: Settings) -> Iterator[Finding]:
    web, outside = settings.web, settings.web.host not in _LOOPBACK
    base = urlsplit(web.base_url)
    if not web.base_url and outside:
        said = "set web.base_url to the https address that people use, behind a proxy with TLS"
        yield Finding("web address", Verdict.LOOK, said)
    elif base.scheme == "http" and base.hostname not in _LOOPBACK:
        said = "web.base_url is http, so passwords pass in the clear: put a proxy with TLS before it"
        yield Finding("web address", Verdict.BAD, said)
    elif base.scheme == "https" and not web.proxies:
        said = "web.proxies names no proxy, so all seem to come from one address: name the one with TLS"
        yield Finding("web address", Verdict.LOOK, said)
    else:
        yield Finding("web address", Verdict.OK, web.base_url or "this machine alone")
    yield _port("127.0.0.1" if web.host in ("0.0.0.0", "::") else web.host, web.port)  # noqa: S104 -- what is compared


def _port(host: str, port: int) -> Finding:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return Finding("port", Verdict.OK, f"{port} is free: nothing is served now")
    except OSError:
        name = f"[{host}]" if ":" in host else host
    try:
        answer = httpx.get(f"http://{name}:{port}/healthz", timeout=5, trust_env=False)
    except httpx.HTTPError:
        return Finding("port", Verdict.BAD, f"{port} is taken by what does not answer: set web.port to another")
    if answer.status_code == httpx.codes.OK and answer.text == "ok\n":
        return Finding("port", Verdict.OK, f"voxpop answers on {port}")
    return Finding("port", Verdict.BAD, f"{port} is taken by another program: set web.port to another")


_LOOKS: dict[str, Callable[[System], Iterator[Finding]]] = {
    "audit log": _audit,
    "clock": _clock,
    "work": _work,
    "tools": _tools,
    "clinical table": _clinical,
    "accounts": _accounts,
}
