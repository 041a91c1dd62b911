"""Containers that stay, as machines of a cluster, and the network that they have for themselves."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import DeviceRequest, EndpointConfig, LogConfig, Mount, Ulimit

from voxpop.appliance.model import Machine
from voxpop.backends.site.docker.engine import APPLIANCE, BANK, CAPABILITIES, DockerEngine
from voxpop.kernel.digests import sha256_json

PART = "voxpop.part"
"""The label that says ``front`` or ``worker``."""

MACHINE = "voxpop.machine"
"""The label that says what a machine is called in its cluster."""

MADE_OF = "voxpop.made-of"
"""The label that tells machines of one making from those of another."""

_PROCESSES = 4096
_TAKEN = 409
_NANO = 10**9
_MIB = 2**20
_LAST_LINES = 30
_ENDS_IN_S = 2
# the host has no address in the network, so nobody inside reaches what listens there
_NETWORK = {"com.docker.network.bridge.inhibit_ipv4": "true"}
# an internal network has nobody to ask for other names than its own, and some engines would ask outside
_RESOLVER = {"dns": ["127.0.0.1"], "dns_opt": ["timeout:1", "attempts:1"]}
_LOG = {"max-size": "1m", "max-file": "1"}


@dataclass(frozen=True, slots=True)
class MachinePlan:
    """A machine as it is to be made.

    Parameters
    ----------
    name : str
        In its cluster: ``front``, ``w1``.
    part : str
        ``front`` or ``worker``.
    shown : mapping of str to Path
        Files and folders of ours that it sees read-only, by their names inside.
    written : mapping of str to Path
        Those that it may write to.
    gpus : tuple of str
        The engine's numbers of those that it gets.
    made_of : str
        A digest over what its cluster is made of beside this plan.
    """

    name: str
    part: str
    image: str
    command: tuple[str, ...]
    shown: Mapping[str, Path]
    written: Mapping[str, Path]
    cores: int
    memory_mb: int
    gpus: tuple[str, ...] = ()
    made_of: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over all of it: a machine with another one is another machine."""
        plan = {name: str(value) for name, value in asdict(self).items()}
        return sha256_json({**plan})


class MachineEngine(DockerEngine):
    """An engine that has machines of clusters."""

    def connect(self, appliance: str) -> None:
        """Make the network of a cluster, where it is not there; nothing leads out of it."""
        name = self.named(appliance, "network")
        with self._asking():
            if self._networks(appliance):
                return
            try:
                labels = {APPLIANCE: appliance, BANK: self.bank}
                self._client.networks.create(
                    name, driver="bridge", internal=True, options=_NETWORK, labels=labels, check_duplicate=True
                )
            except APIError as refused:
                if refused.status_code != _TAKEN:
                    raise

    def disconnect(self, appliance: str) -> None:
        """Remove the network of a cluster; nothing may be in it. Twice is silent."""
        with self._asking():
            for network in self._networks(appliance):
                try:
                    network.reload()
                    for container in network.attrs.get("Containers") or {}:  # those that are just being removed
                        with suppress(NotFound):
                            network.disconnect(container, force=True)
                    network.remove()
                except NotFound:
                    continue

    def begin(self, appliance: str, plan: MachinePlan) -> None:
        """Make a machine and start it; one of the same plan that runs stays, and one that has ended is begun again.

        Notes
        -----
        A front end that is begun again has its queue as it was. A worker has nothing to keep: it is made anew.
        """
        with self._asking():
            there = self._there(appliance, plan.name)
            if there is not None and there.labels.get(MADE_OF) == plan.digest:
                if there.status == "running":
                    return
                if plan.part == "front":
                    there.start()
                    return
            if there is not None:
                self._take_away(there)
            try:
                self._client.containers.create(**self._options(appliance, plan)).start()
            except APIError as refused:
                made = self._there(appliance, plan.name) if refused.status_code == _TAKEN else None
                if made is None or made.labels.get(MADE_OF) != plan.digest:  # else another has just made it
                    raise

    def take_away(self, appliance: str, name: str) -> None:
        """Tell a machine to end, and remove it; twice is silent."""
        with self._asking():
            there = self._there(appliance, name)
            if there is not None:
                try:
                    there.stop(timeout=_ENDS_IN_S)
                except NotFound:
                    return
                self._take_away(there)

    def sweep(self, appliance: str, plans: Sequence[MachinePlan]) -> None:
        """Remove the machines of a cluster that are none of these: they were made of something else."""
        digests = {plan.digest for plan in plans}
        with self._asking():
            for machine in self._machines(appliance):
                if machine.labels.get(MADE_OF) not in digests:
                    self._take_away(machine)

    def workers(self, appliance: str) -> Sequence[Machine]:
        """Return the workers of a cluster."""
        with self._asking():
            found = [
                Machine(one.labels[MACHINE], one.status == "running", _moment(one.attrs["Created"]))
                for one in self._machines(appliance)
                if one.labels.get(PART) == "worker"
            ]
        return sorted(found, key=lambda machine: (len(machine.name), machine.name))

    def runs(self, appliance: str, name: str) -> bool:
        """Say whether a machine runs."""
        with self._asking():
            there = self._there(appliance, name)
            return there is not None and there.status == "running"

    def last_words(self, appliance: str, name: str) -> str:
        """Return the last lines that a machine wrote; empty where it is gone."""
        with self._asking():
            there = self._there(appliance, name)
            return there.logs(tail=_LAST_LINES).decode(errors="replace") if there else ""

    def named(self, appliance: str, name: str) -> str:
        """Return how a machine, or the network, of a cluster is called on the engine, which other banks may use too."""
        return f"voxpop-{self.bank[:6]}-{appliance}-{name}"

    def _networks(self, appliance: str) -> list[Any]:
        return list(self._client.networks.list(filters={"label": self._ours(appliance)}))

    def _machines(self, appliance: str) -> list[Any]:
        filters = {"label": [*self._ours(appliance), MACHINE]}
        return list(self._client.containers.list(all=True, filters=filters, ignore_removed=True))

    def _there(self, appliance: str, name: str) -> Any | None:
        try:
            return self._client.containers.get(self.named(appliance, name))
        except NotFound:
            return None

    def _ours(self, appliance: str) -> list[str]:
        return [f"{APPLIANCE}={appliance}", f"{BANK}={self.bank}"]

    def _take_away(self, container: Any) -> None:
        try:
            container.remove(force=True, v=True)
        except NotFound:
            return
        except APIError as busy:
            if busy.status_code != _TAKEN:  # it is being removed already
                raise

    def _options(self, appliance: str, plan: MachinePlan) -> dict[str, Any]:
        network = self.named(appliance, "network")
        labels = {APPLIANCE: appliance, BANK: self.bank, PART: plan.part, MACHINE: plan.name, MADE_OF: plan.digest}
        memory = plan.memory_mb * _MIB
        return {
            "image": plan.image,
            "command": list(plan.command),
            "name": self.named(appliance, plan.name),
            "hostname": plan.name,
            "labels": labels,
            "init": True,
            "network": network,
            "networking_config": {network: EndpointConfig(version="1.41", aliases=[plan.name])},
            "mounts": [
                *(Mount(name, str(path.resolve()), type="bind", read_only=True) for name, path in plan.shown.items()),
                *(Mount(name, str(path.resolve()), type="bind") for name, path in plan.written.items()),
            ],
            "cap_drop": ["ALL"],
            "cap_add": list(CAPABILITIES),
            "security_opt": ["no-new-privileges"],
            "pids_limit": _PROCESSES,
            "mem_limit": memory,
            "memswap_limit": memory,
            "nano_cpus": plan.cores * _NANO,
            "ulimits": [Ulimit(name="core", soft=0, hard=0)],
            "log_config": LogConfig(type="json-file", config=_LOG),
            "device_requests": [DeviceRequest(device_ids=list(plan.gpus), capabilities=[["gpu"]])] if plan.gpus else [],
            **_RESOLVER,
        }


def _moment(text: str) -> datetime:
    """Read a time as an engine writes it: RFC 3339 in UTC, with nine digits of a second."""
    return datetime.fromisoformat(f"{text[:19]}+00:00")
