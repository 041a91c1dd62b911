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
from voxpop.backends.site.im.errors import InfrastructureGone, InfrastructureStays
from voxpop.backends.site.im.service import Service
from voxpop.backends.site.im.setup import Setup
from voxpop.backends.site.im.users import Users
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.ids import ApplianceId

_PRIVATE = ".infrastructures"
_STANDS = ("running", "configured")
_ENDED = ("failed", "off", "stopped", "unconfigured", "deleting")
_ALL_AND_AGAIN = 2
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

    def front_end(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of the front end; nothing where that is gone."""
        return next((told for _, told in self._machines() if radl.kind(told) == types.FRONT_END_NAME), ())

    def stands(self) -> bool:
        """Whether the front end is there and runs."""
        return radl.system_of(self.front_end()).get("state") in _STANDS

    def workers(self) -> list[Seen]:
        """Return its workers, by name; one that is not there yet is up, and one that has ended is not."""
        seen = []
        for number, told in self._machines():
            system = radl.system_of(told)
            name = radl.kind(told)
            if _WORKER.fullmatch(name):
                seen.append(Seen(number, Machine(name, system.get("state") not in _ENDED, radl.since(system))))
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
        appliance = ApplianceId("check")
        user = self._user(appliance)
        try:
            # made at each question: another check may end at any moment, and take the user away
            with self._service(appliance, user, made=True) as service:
                service.infrastructures()
                return service.version()
        finally:
            self._forget(user)

    @contextmanager
    def of(self, appliance: ApplianceId) -> Iterator[Infrastructure]:
        """Give the infrastructure of an appliance.

        Raises
        ------
        InfrastructureGone
            If there is none.
        """
        with self._service(appliance, self._user(appliance)) as service:
            found = next((known for known, name in self._all(appliance, service) if name), None)
            if found is None:
                raise InfrastructureGone(self._site, appliance)
            yield Infrastructure(service, found)

    @contextmanager
    def made(self, appliance: ApplianceId, document: str) -> Iterator[Infrastructure]:
        """Create the infrastructure of a document, or give the one that was; of another document, it is destroyed."""
        name = f"{self._name(appliance)} {sha256_bytes(document.encode())[:_SHORT]}"
        owner = self._made_user(self._user(appliance))
        with self._service(appliance, owner) as service:
            found = self._only(appliance, name, service)
            if not found and self._users is None:
                found = service.create(radl.at_site(document, name, self._setup.image))
            elif self._users is not None:
                found = self._shared(appliance, name, document, found)
            yield Infrastructure(service, found)

    def destroy(self, appliance: ApplianceId) -> None:
        """Destroy all of an appliance, and forget its users. Twice is silent.

        Raises
        ------
        InfrastructureStays
            If the service lists any of it after that; its users stay then.
        """
        for user in (self._maker(appliance), self._user(appliance)):
            if self._users is None or self._users.password(user) is not None:
                with self._service(appliance, user) as service:
                    self._clear(appliance, service)
                self._forget(user)
        folder = self._private / appliance
        if folder.is_dir():
            shutil.rmtree(folder)
            if not any(self._private.iterdir()):
                self._private.rmdir()

    def _clear(self, appliance: ApplianceId, service: Service) -> None:
        for _ in range(_ALL_AND_AGAIN):
            there = [known for known, _ in self._all(appliance, service)]
            if not there:
                return
            for known in there:
                service.destroy(known)
        if any(self._all(appliance, service)):
            raise InfrastructureStays(self._site, appliance)

    def _only(self, appliance: ApplianceId, name: str, service: Service) -> str:
        """Return the infrastructure of that name, and destroy others of the appliance; empty where there is none."""
        found = ""
        for known, called in list(self._all(appliance, service)):
            if called == name and not found:
                found = known
            else:
                service.destroy(known)
        return found

    def _shared(self, appliance: ApplianceId, name: str, document: str, found: str) -> str:
        """Create it by a user who then goes: the front end's inventory holds its first owner's name and password."""
        assert self._users is not None
        maker, owner = self._maker(appliance), self._user(appliance)
        if not found:
            with self._service(appliance, self._made_user(maker)) as first:
                text = radl.at_site(document, name, self._setup.image)
                found = self._only(appliance, name, first) or first.create(text)
                first.share(found, owner, self._users.make(owner))
        self._forget(maker)  # one may be left of a deployment that was cut short after it had shared
        return found

    def private(self, appliance: ApplianceId) -> Path:
        """Return where an appliance's folder is that is our own alone: it holds the key of its front end."""
        return self._private / appliance

    def make_private(self, appliance: ApplianceId) -> None:
        """Make that folder."""
        self.private(appliance).mkdir(parents=True, exist_ok=True)
        self._private.chmod(0o700)

    def _all(self, appliance: ApplianceId, service: Service) -> Iterator[tuple[str, str]]:
        """Give number and name of what a user has of an appliance; an empty name is none of ours.

        Notes
        -----
        Users of the bank's own making have one appliance each, so all that they have is that one's, whatever it says of
        itself. Of one user for all, only what carries the appliance's name is: what can't be read is somebody else's.
        """
        for known in service.infrastructures():
            name = radl.name_in(service.document(known))
            ours = name.rpartition(" ")[0] == self._name(appliance)
            if ours or self._users is not None:
                yield known, name if ours else ""

    def _name(self, appliance: ApplianceId) -> str:
        return f"voxpop {self._bank} {appliance}"

    def _user(self, appliance: ApplianceId) -> str:
        return f"voxpop-{self._bank}-{appliance}"

    def _maker(self, appliance: ApplianceId) -> str:
        return f"{self._user(appliance)}-maker"

    def _made_user(self, user: str) -> str:
        if self._users is not None:
            self._users.make(user)
        return user

    def _forget(self, user: str) -> None:
        if self._users is not None:
            self._users.forget(user)

    @contextmanager
    def _service(self, appliance: ApplianceId, user: str, *, made: bool = False) -> Iterator[Service]:
        service = Service(self._site, self._setup, lambda: self._authorization(appliance, user, made=made))
        try:
            yield service
        finally:
            service.close()

    def _authorization(self, appliance: ApplianceId, user: str, *, made: bool) -> str:
        cloud = lines_of(self._site, "cloud_auth_file", self._setup.cloud_auth_file)
        if self._users is not None:
            password = self._users.make(user) if made else self._users.password(user)
            if password is None:
                raise InfrastructureGone(self._site, appliance)
            return header([user_line(user, password), *cloud])
        assert self._setup.im_auth_file is not None
        return header([*lines_of(self._site, "im_auth_file", self._setup.im_auth_file), *cloud])
