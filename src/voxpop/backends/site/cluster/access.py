"""The way to where jobs are handed in: ssh, or a command of this machine."""

import os
from collections.abc import Sequence

from voxpop.appliance.ports import Said
from voxpop.backends import process
from voxpop.backends.process import ToolMissing, ToolTimedOut
from voxpop.backends.site.cluster.errors import ClusterUnfit, ClusterUnreachable
from voxpop.backends.site.cluster.setup import Setup
from voxpop.backends.ssh import SshFailed

_COMMAND_S = 120.0


class Access:
    """Does commands where jobs are handed in, as who hands them in."""

    def __init__(self, site: str, setup: Setup) -> None:
        self._site = site
        self._setup = setup

    def do(self, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command, and return how it ended.

        Raises
        ------
        ClusterUnreachable
            If it can't be done there.
        """
        try:
            if self._setup.host is not None:
                return self._setup.host.do(command, stdin)
            words = ["runuser", "-u", self._setup.account, "--"] if self._setup.account else []
            done = process.run([*words, *command], stdin=stdin, timeout_s=_COMMAND_S)
            return Said(done.exit_code, done.stdout, done.stderr)
        except SshFailed as failed:
            raise ClusterUnreachable(self._site, failed.fault) from failed
        except (ToolMissing, ToolTimedOut) as broken:
            raise ClusterUnreachable(self._site, broken.sentence) from broken

    def account(self) -> int:
        """Return the number of the account whose jobs they are.

        Raises
        ------
        ClusterUnreachable
            If nobody tells it.
        ClusterUnfit
            If it is root's, or one whose files we can't make.
        """
        said = self.do(["id", "-u"])
        told = said.stdout.strip()
        if said.exit_code != 0 or not told.isdigit():
            raise ClusterUnreachable(self._site, "`id -u` does not tell the account's number there")
        account, own = int(told), os.geteuid()
        if account == 0:
            raise ClusterUnfit(self._site, "jobs would be root's: name another account in 'host' or 'account'")
        if own not in (0, account):
            raise ClusterUnfit(
                self._site,
                f"its jobs are those of account {account}, and voxpop is account {own}: let both be of one number, or "
                "voxpop root",
            )
        return account
