"""Commands on other machines by ssh(1): a key of one's own, to a machine whose key is known."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voxpop.appliance.ports import Said
from voxpop.backends import process
from voxpop.kernel.errors import Unavailable

PORT = 22
_FAILED = 255  # ssh(1), EXIT STATUS
_CONNECT_S = 15
_COMMAND_S = 120.0
_WORDS = 200


class SshFailed(Unavailable):
    """A machine that does not let us in, is another than it was, or is not there."""

    code = "ssh-failed"

    def __init__(self, fault: str) -> None:
        super().__init__(f"ssh gives up: {fault}; try again later")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Host:
    """A machine, and who we are there.

    Parameters
    ----------
    key : Path
        The private key.
    known_hosts : Path
        The public keys of the machine, as ssh(1) keeps them.
    alias : str
        What it is called there; empty for its address.
    """

    address: str
    port: int
    user: str
    key: Path
    known_hosts: Path
    alias: str = ""

    def do(self, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command there, and return how it ended.

        Raises
        ------
        SshFailed
            If ssh does not come there.
        """
        words = ["ssh", "-F", "/dev/null", "-i", str(self.key), "-p", str(self.port), "-l", self.user]
        options = [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={self.known_hosts}",
            "GlobalKnownHostsFile=/dev/null",
            f"ConnectTimeout={_CONNECT_S}",
            "LogLevel=ERROR",
            *([f"HostKeyAlias={self.alias}"] if self.alias else []),
        ]
        for option in options:
            words += ["-o", option]
        done = process.run([*words, self.address, "--", shlex.join(command)], stdin=stdin, timeout_s=_COMMAND_S)
        if done.exit_code == _FAILED:
            raise SshFailed(" ".join(done.stderr.split())[-_WORDS:] or "it does not say why")
        return Said(done.exit_code, done.stdout, done.stderr)
