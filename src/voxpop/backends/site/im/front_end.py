"""The way to an appliance's front end: ssh with a key of the appliance's own, to a machine whose key is known."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from voxpop.appliance.ports import Said
from voxpop.backends.site.im.errors import FrontEndUnreachable
from voxpop.backends.site.im.radl import system_of
from voxpop.backends.ssh import PORT, Host, SshFailed
from voxpop.kernel.privatefiles import write_private

_KEY, _HOSTS, _PLACE = "front-key", "front-hosts", "front.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where ssh finds the front end, and who it is there."""

    address: str
    port: int
    user: str


def place_of(machine: Sequence[Mapping[str, Any]]) -> Place | None:
    """Read where the service says that a machine is reached; None where it has no public address yet."""
    system = system_of(machine)
    networks = {part["id"]: part for part in machine if part.get("class") == "network"}
    number = 0
    while f"net_interface.{number}.connection" in system:
        network = networks.get(system[f"net_interface.{number}.connection"], {})
        address = system.get(f"net_interface.{number}.ip")
        if network.get("outbound") == "yes" and address:
            return Place(str(address), _port(network.get("outports", "")), "root")
        number += 1
    return None


def _port(outports: object) -> int:
    """Return the port that leads to sshd's, in a list as ``32770-22`` or ``32770/tcp-22/tcp``."""
    for one in str(outports).split(","):
        outside, _, inside = one.replace("/tcp", "").partition("-")
        if inside == str(PORT) and outside.isdigit():
            return int(outside)
    return PORT


class FrontEnd:
    """One appliance's front end.

    Parameters
    ----------
    folder : Path
        The appliance's private folder.
    """

    def __init__(self, appliance: str, folder: Path) -> None:
        self._appliance = appliance
        self._folder = folder

    def our_key(self) -> str:
        """Return our public key for it, in one line; the pair is made where there is none."""
        path = self._folder / _KEY
        if path.exists():
            key = load_ssh_private_key(path.read_bytes(), password=None)
        else:
            key = Ed25519PrivateKey.generate()
            write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return f"{public.decode('ascii')} voxpop"

    def learn(self, place: Place, keys: Sequence[str]) -> None:
        """Keep where it is, and which public keys it has."""
        hosts = "".join(f"{self._alias} {key}\n" for key in keys)
        (self._folder / _HOSTS).write_text(hosts, encoding="ascii")
        (self._folder / _PLACE).write_text(json.dumps(asdict(place)), encoding="utf-8")

    def do(self, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command as root.

        Raises
        ------
        FrontEndUnreachable
            If it is not there, is another machine than it was, or does not let us in.
        """
        place = self._place()
        key, known = self._folder / _KEY, self._folder / _HOSTS
        try:
            return Host(place.address, place.port, place.user, key, known, self._alias).do(command, stdin)
        except SshFailed as failed:
            raise FrontEndUnreachable(self._appliance, failed.fault) from failed

    def _place(self) -> Place:
        try:
            return Place(**json.loads((self._folder / _PLACE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as missing:
            raise FrontEndUnreachable(self._appliance, "nobody told where it is") from missing

    @property
    def _alias(self) -> str:
        return f"voxpop-{self._appliance}"
