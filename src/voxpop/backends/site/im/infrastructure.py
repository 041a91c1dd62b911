"""The infrastructures of this bank's appliances on one service: each carries the appliance's name and the bank's."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from voxpop.appliance.model import Machine
from voxpop.appliance.tosca import types
from voxpop.backends.site.im import radl
from voxpop.backends.site.im.credentials import header, lines_of, user_line
from voxpop.backends.site.im.errors import InfrastructureGone
from voxpop.backends.site.im.service import Service
from voxpop.backends.site.im.setup import Setup
from voxpop.backends.site.im.users import Users
from voxpop.kernel.digests import Json, sha256_bytes
from voxpop.kernel.ids import ApplianceId

_PRIVATE = ".infrastructures"
_UP = ("running", "configured")
_WORKER = re.compile(r"w[1-9][0-9]*")
_SHORT = 16


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker, and its number for the service."""

    number: str
    machine: Machine


class Infrastructure:
    """One infrastructure of the service."""

    def __init__(self, service: Service, id_: str) -> None:
        self._service = service
        self.id = id_

    def state(self) -> str:
        """Return the state of the whole; empty where it is gone."""
        return self._service.state(self.id)

    def log(self) -> str:
        """Return what the last configuration of its machines wrote."""
        return self._service.log(self.id)

    def outputs(self) -> Mapping[str, Json]:
        """Return the outputs of its document."""
        return self._service.outputs(self.id)

    def front_end(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of the front end; nothing where that is gone."""
        return next((told for _, told in self._machines() if radl.kind(told) == types.FRONT_END_NAME), ())

    def workers(self) -> list[Seen]:
        """Return its workers, by name."""
        seen = []
        for number, told in self._machines():
            system = radl.system_of(told)
            name = radl.kind(told)
            if _WORKER.fullmatch(name):
                seen.append(Seen(number, Machine(name, system.get("state") in _UP, radl.since(system))))
        return sorted(seen, key=lambda one: (len(one.machine.name), one.machine.name))

    def configure(self, plays: radl.Plays) -> None:
        """Say how machines are configured, and configure those that are there."""
        self._service.configure(self.id, radl.configuration(plays))

    def add(self, names: Sequence[str], plays: radl.Plays | None = None) -> None:
        """Add workers of these names; ``plays`` is how machines are configured, where that was not said yet."""
        if names:
            made = self._service.radl(self.id)
            self._service.add(self.id, radl.workers(made, names, datetime.now(UTC), plays))

    def remove(self, numbers: Sequence[str]) -> None:
        """Remove machines."""
        if numbers:
            self._service.remove_machines(self.id, numbers)

    def _machines(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
        for number in self._service.machines(self.id):
            told = self._service.machine(self.id, number)
            if told is not None:  # it went in between
                yield number, told


class Infrastructures:
    """Those of one site.

    Parameters
    ----------
    folder : Path
        The bank's folder of appliances.
    """

    def __init__(self, site: str, setup: Setup, folder: Path) -> None:
        self._site = site
        self._setup = setup
        self._private = folder / _PRIVATE
        self._bank = sha256_bytes(os.fsencode(folder.absolute()))[:_SHORT]
        self._users = Users(site, setup.user_db) if setup.user_db else None

    def check(self) -> str:
        """Return the service's version, once it knows us; a user that is there for this alone is gone after it."""
        name = f"{self._user(ApplianceId('check'))}"
        try:
            with self._service(name) as service:
                service.infrastructures()
                return service.version()
        finally:
            if self._users is not None:
                self._users.forget(name)

    @contextmanager
    def of(self, appliance: ApplianceId) -> Iterator[Infrastructure]:
        """Give the infrastructure of an appliance.

        Raises
        ------
        InfrastructureGone
            If there is none.
        """
        if not self._known(appliance):
            raise InfrastructureGone(self._site, appliance)
        with self._service(self._user(appliance)) as service:
            found = next(self._ours(appliance, service), None)
            if found is None:
                raise InfrastructureGone(self._site, appliance)
            yield Infrastructure(service, found[0])

    @contextmanager
    def made(self, appliance: ApplianceId, document: str) -> Iterator[Infrastructure]:
        """Create the infrastructure of a document, or give the one that was; of another document, it is destroyed."""
        name = f"{self._name(appliance)} {sha256_bytes(document.encode())[:_SHORT]}"
        with self._service(self._user(appliance)) as service:
            found = self._only(appliance, name, service)
            yield Infrastructure(service, found or self._created(appliance, name, document, service))

    def destroy(self, appliance: ApplianceId) -> None:
        """Destroy all of an appliance, and forget its users. Twice is silent."""
        for user in (self._maker(appliance), self._user(appliance)):
            if self._users is not None and not self._users.known(user):
                continue
            with self._service(user) as service:
                for known, _ in list(self._ours(appliance, service)):
                    service.destroy(known)
            if self._users is not None:
                self._users.forget(user)
        folder = self._private / appliance
        if folder.is_dir():
            shutil.rmtree(folder)
            if not any(self._private.iterdir()):
                self._private.rmdir()

    def _only(self, appliance: ApplianceId, name: str, service: Service) -> str:
        """Return the infrastructure of that name, and destroy others of the appliance; empty where there is none."""
        found = ""
        for known, called in list(self._ours(appliance, service)):
            if called == name and not found:
                found = known
            else:
                service.destroy(known)
        return found

    def _created(self, appliance: ApplianceId, name: str, document: str, service: Service) -> str:
        """Create it by a user who then goes: the front end's inventory holds its first owner's name and password."""
        text = radl.at_site(document, name, self._setup.image)
        if self._users is None:
            return service.create(text)
        maker, owner = self._maker(appliance), self._user(appliance)
        with self._service(maker) as first:
            made = self._only(appliance, name, first) or first.create(text)
            first.share(made, owner, self._users.password(owner))
        self._users.forget(maker)
        return made

    def private(self, appliance: ApplianceId) -> Path:
        """Return an appliance's folder that is our own alone: it holds the key of its front end."""
        folder = self._private / appliance
        folder.mkdir(parents=True, exist_ok=True)
        self._private.chmod(0o700)
        return folder

    def _ours(self, appliance: ApplianceId, service: Service) -> Iterator[tuple[str, str]]:
        for known in service.infrastructures():
            name = radl.name_in(service.document(known))
            if name.rpartition(" ")[0] == self._name(appliance):
                yield known, name

    def _name(self, appliance: ApplianceId) -> str:
        return f"voxpop {self._bank} {appliance}"

    def _user(self, appliance: ApplianceId) -> str:
        return f"voxpop-{self._bank}-{appliance}"

    def _maker(self, appliance: ApplianceId) -> str:
        return f"{self._user(appliance)}-maker"

    def _known(self, appliance: ApplianceId) -> bool:
        return self._users is None or self._users.known(self._user(appliance))

    @contextmanager
    def _service(self, user: str) -> Iterator[Service]:
        service = Service(self._site, self._setup, lambda: self._authorization(user))
        try:
            yield service
        finally:
            service.close()

    def _authorization(self, user: str) -> str:
        cloud = lines_of(self._site, "cloud_auth_file", self._setup.cloud_auth_file)
        if self._users is not None:
            return header([user_line(user, self._users.password(user)), *cloud])
        assert self._setup.im_auth_file is not None
        return header([*lines_of(self._site, "im_auth_file", self._setup.im_auth_file), *cloud])
