"""A Docker engine, asked by its API."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.tls import TLSConfig
from docker.types import Mount
from requests.exceptions import RequestException

from voxpop.appliance.errors import SiteUnreachable
from voxpop.backends.site.docker.setup import Setup
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.errors import VoxpopError

APPLIANCE = "voxpop.appliance"
"""The label of everything that belongs to an appliance; its value is the appliance's id."""

BANK = "voxpop.bank"
"""The label that tells what one bank has on an engine from what another has, by the folder of its appliances."""

LEASE = "voxpop.lease"
"""The label that names the lock which ties a container to its starter."""

BAKING = "an-image-in-the-making"
"""How the label begins of a container that is made into an image; no appliance is named like it."""

INPUTS = "voxpop.inputs"
"""The label that holds the digest of all that went into an image."""

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
"""What a queue's daemons need of root: to begin and to end jobs as the one whose they are. All else is taken away."""

NODE = "/usr/local/sbin/voxpop-node"
"""The program that makes a machine a part of a cluster."""

OF_A_BUILDING = ("http_proxy", "https_proxy", "no_proxy", "PIP_CERT")
"""Variables that a building has and an image has not."""

_PATIENCE_S = 30
_BUILD_PATIENCE_S = 3600
_BYTES_PER_GB = 10**9
_LAST_LINES = 200


@dataclass(frozen=True, slots=True)
class Engine:
    """What an engine says of itself."""

    version: str
    cores: int
    memory_gb: int
    gpus: bool


class DockerEngine:
    """One engine; connected when it is first asked.

    Parameters
    ----------
    site : str
        Its name here, for what is said where it does not answer.
    bank : Path
        Tells what one bank makes here from what another does.
    """

    def __init__(self, site: str, setup: Setup, bank: Path) -> None:
        self._site = site
        self._setup = setup
        self.bank = sha256_bytes(os.fsencode(bank.absolute()))[:12]
        self._baking = f"{BAKING}-{self.bank}"

    def itself(self) -> Engine:
        """Ask what the engine has.

        Raises
        ------
        SiteUnreachable
        """
        with self._asking():
            told = self._client.info()
        return Engine(
            version=str(told["ServerVersion"]),
            cores=int(told["NCPU"]),
            memory_gb=max(int(told["MemTotal"]) // _BYTES_PER_GB, 1),
            gpus="nvidia" in told.get("Runtimes", {}),
        )

    def image(self, name: str) -> str:
        """Return the id of an image, ``sha256:...``; empty where there is none of that name."""
        with self._asking():
            try:
                return str(self._client.images.get(name).id)
            except ImageNotFound:
                return ""

    def take_in(self, archive: Path, name: str) -> None:
        """Make an image of a root file system in a tar archive."""
        repository, _, tag = name.partition(":")
        with self._asking():
            self._patient.api.import_image_from_file(str(archive), repository=repository, tag=tag)

    def bake(
        self,
        base: str,
        command: list[str],
        shown: Mapping[Path, str],
        environment: Mapping[str, str],
        failed: Callable[[str], VoxpopError],
    ) -> str:
        """Do a command in a container of an image, with folders of ours read-only in it; returns the container's id.

        Parameters
        ----------
        failed : callable
            Makes the error of what a command that ended badly wrote; the container is then removed.
        """
        mounts = [Mount(target, str(source), type="bind", read_only=True) for source, target in shown.items()]
        given = {"mounts": mounts, "environment": dict(environment)}
        with self._asking(), self._made(base, command, given) as container:
            container.start()
            ended = container.wait()["StatusCode"]
            said = container.logs(tail=_LAST_LINES).decode(errors="replace")
            if ended:
                raise failed(said)
        return str(container.id)

    @contextmanager
    def _made(self, image: str, command: list[str], given: Mapping[str, Any]) -> Iterator[Any]:
        """Make a container, and remove it where the block ends badly.

        The engine may have made it though who waits for its answer was ended meanwhile: the answer is waited for.
        """
        with ThreadPoolExecutor(1) as pool:
            labels = {APPLIANCE: self._baking}
            making = pool.submit(self._patient.containers.create, image, command, labels=labels, **given)
            try:
                yield making.result()
            except BaseException:
                with suppress(DockerException, RequestException):
                    making.result().remove(force=True)
                raise

    def told(self, image: str, command: list[str]) -> str:
        """Return what a command writes in a container without network; empty where it ended badly."""
        with self._asking(), self._made(image, command, {"network_mode": "none"}) as container:
            container.start()
            ended = container.wait()["StatusCode"]
            said = container.logs(stdout=True, stderr=False)
            container.remove(force=True)
        return "" if ended else str(said.decode(errors="replace"))

    def keep(
        self, container: str, name: str, labels: Mapping[str, str], runs: Sequence[str] = ("CMD []", "ENTRYPOINT []")
    ) -> str:
        """Make an image of a container, and remove the container; returns the image's id.

        Parameters
        ----------
        runs : sequence of str
            What a container of it does, as instructions of a Dockerfile.
        """
        repository, _, tag = name.partition(":")
        changes = [f"LABEL {key}={value}" for key, value in labels.items()]
        # the engine keeps a container's variables, and a proxy's address may hold a password
        changes += [f'LABEL {APPLIANCE}=""', *(f'ENV {name}=""' for name in OF_A_BUILDING), *runs]
        with self._asking():
            kept = self._patient.containers.get(container)
            try:
                image = kept.commit(repository, tag, changes=changes)
            finally:
                kept.remove(force=True)
        return str(image.id)

    def discard(self, container: str) -> None:
        """Remove a container."""
        with self._asking():
            self._client.containers.get(container).remove(force=True)

    def name(self, image: str, name: str) -> str:
        """Give an image one more name; returns its id."""
        repository, _, tag = name.rpartition(":")
        with self._asking():
            found = self._client.images.get(image)
            found.tag(repository, tag)
            return str(found.id)

    def pull(self, name: str, login: Mapping[str, str] | None) -> bool:
        """Fetch an image from the registry in its name; says whether that has it.

        Raises
        ------
        SiteUnreachable
            If the registry does not answer, or lets nobody in.
        """
        repository, _, tag = name.rpartition(":")
        with self._asking():
            try:
                self._patient.images.pull(repository, tag, auth_config=dict(login) if login else None)
            except NotFound:
                return False
        return True

    def push(self, name: str, login: Mapping[str, str] | None) -> str:
        """Send an image to the registry in its name; returns what went wrong, or nothing."""
        repository, _, tag = name.rpartition(":")
        shown = dict(login) if login else None
        with self._asking():
            told = self._patient.images.push(repository, tag, stream=True, decode=True, auth_config=shown)
            return next((str(line["error"]) for line in told if "error" in line), "")

    def inputs(self, image: str) -> str:
        """Return what an image says that it was made of; empty where it does not say."""
        with self._asking():
            return str(self._client.images.get(image).labels.get(INPUTS, ""))

    def try_out(self, appliance: str, image: str, person: int, volume: Path, line: str) -> bool:
        """Do a line of sh(1) in a container that sees a folder read-only as ``/data``; says whether it ended well."""
        mount = Mount("/data", str(volume.resolve()), type="bind", read_only=True)
        with self._asking():
            container = self._client.containers.create(
                image,
                ["sh", "-c", line],
                mounts=[mount],
                network_mode="none",
                user=str(person),
                labels={APPLIANCE: appliance},
            )
            try:
                container.start()
                return bool(container.wait()["StatusCode"] == 0)
            except APIError:
                return False
            finally:
                container.remove(force=True)

    def drop(self, image: str) -> None:
        """Remove an image; silent where there is none."""
        with self._asking():
            try:
                self._client.images.remove(image, force=True)
            except ImageNotFound:
                return

    def clear(self, appliance: str) -> None:
        """Remove every container of an appliance, whatever runs in it. Twice is silent."""
        self._clear(f"{APPLIANCE}={appliance}")

    def clear_lease(self, lease: str) -> None:
        """Remove the container of a lease. Twice is silent."""
        self._clear(f"{LEASE}={lease}")

    def _clear(self, label: str) -> None:
        with self._asking():
            for container in self._client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
                if container.labels.get(BANK, self.bank) != self.bank:
                    continue
                try:
                    container.remove(force=True, v=True)
                except NotFound:
                    continue
                except APIError as busy:
                    if busy.status_code != 409:  # it is being removed already
                        raise

    def clear_baking(self) -> None:
        """Remove what a killed making of this bank's left; nothing of it may be made now."""
        self.clear(self._baking)

    @cached_property
    def _client(self) -> docker.DockerClient:
        return self._connected(_PATIENCE_S)

    @cached_property
    def _patient(self) -> docker.DockerClient:
        return self._connected(_BUILD_PATIENCE_S)

    def _connected(self, timeout_s: int) -> docker.DockerClient:
        tls = self._setup.tls
        shown = (
            TLSConfig(client_cert=(str(tls.certificate), str(tls.key)), ca_cert=str(tls.ca), verify=True)
            if tls
            else False
        )
        return docker.DockerClient(base_url=self._setup.host, tls=shown, timeout=timeout_s, version="auto")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except APIError as refused:
            raise SiteUnreachable(self._site, f"it says: {refused.explanation or refused.status_code}") from refused
        except (DockerException, RequestException, OSError) as broken:
            raise SiteUnreachable(self._site, "no engine is there that lets us in") from broken
