"""A bank that is somewhere else, as an object."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import httpx

from voxpop.client.errors import OperationFailed, TooSlow
from voxpop.client.people import Groups, Tokens, Users, Webhooks
from voxpop.client.projects import Applications, Archives, Cohorts, Volumes
from voxpop.client.results import Releases, Results
from voxpop.client.wire import Wire, segment
from voxpop.client.work import Appliances, Catalogue, Runs
from voxpop.flow.operations import OperationState
from voxpop.web.api.models.audit import AuditEvent, AuditVerified, OperationFacts
from voxpop.web.api.models.people import Me

_FIRST_LOOK_S = 0.2
_LOOK_EVERY_S = 2.0
_A_WEEK_S = 7 * 24 * 3600.0


class Bank:
    """A bank's API, with a method a use case.

    Parameters
    ----------
    url : str
        The bank's address, such as ``https://bank.example.org``.
    token : str
        A token of the account that acts; its rights and scopes decide what may be done.
    transport : httpx.BaseTransport or None
        What carries requests; None for the network.
    sleep : callable
        Waits a number of seconds.

    Raises
    ------
    AddressUnsafe
        If the address is neither ``https`` nor this machine's own.

    Notes
    -----
    Every method raises the error that the bank said no with, by its kind (``Invalid``, ``Refused``, ``Absent``,
    ``Unavailable``), code and sentence. Lists are read part by part, as they are wanted.
    """

    def __init__(
        self,
        url: str,
        token: str,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wire = Wire(url, token, transport, sleep)
        self.applications = Applications(self._wire)
        self.cohorts = Cohorts(self._wire)
        self.volumes = Volumes(self._wire)
        self.appliances = Appliances(self._wire)
        self.runs = Runs(self._wire)
        self.results = Results(self._wire)
        self.releases = Releases(self._wire)
        self.catalogue = Catalogue(self._wire)
        self.archives = Archives(self._wire)
        self.users = Users(self._wire)
        self.groups = Groups(self._wire)
        self.tokens = Tokens(self._wire)
        self.webhooks = Webhooks(self._wire)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._wire.close()

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def me(self) -> Me:
        """Say who the token acts for, and what it may do."""
        return self._wire.get("/me", Me)

    def events(self, subject: str = "", actor: str = "", action: str = "") -> Iterator[AuditEvent]:
        """Yield the events of the audit log that begin so, the newest first."""
        return self._wire.every("/audit", AuditEvent, {"subject": subject, "actor": actor, "action": action})

    def verify_audit(self) -> AuditVerified:
        """Check every event of the audit log and its signed head."""
        return self._wire.get("/audit/verification", AuditVerified)

    def operations(self, subject: str = "") -> Iterator[OperationFacts]:
        """Yield the durable work on what may be read, the newest first."""
        return self._wire.every("/operations", OperationFacts, {"subject": subject})

    def operation(self, name: str) -> OperationFacts:
        """Return a piece of durable work and how it came out."""
        return self._wire.get(f"/operations/{segment(name)}", OperationFacts)

    def wait(self, operation: OperationFacts, at_most_s: float = _A_WEEK_S) -> OperationFacts:
        """Wait until a piece of durable work has come to its end.

        Raises
        ------
        OperationFailed
            With the sentence that was written down.
        TooSlow
            If it has not ended in time; it goes on.
        """
        pause, waited = _FIRST_LOOK_S, 0.0
        while operation.open:
            if waited >= at_most_s:
                raise TooSlow(operation.operation)
            self._wire.sleep(pause)
            waited += pause
            pause = min(_LOOK_EVERY_S, pause * 1.5)
            operation = self.operation(operation.operation)
        if operation.state is OperationState.FAILED:
            raise OperationFailed(operation.sentence)
        return operation
