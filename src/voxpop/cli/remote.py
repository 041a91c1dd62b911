"""``voxpop --server URL``: the same commands, with the same options and answers, on a bank that is somewhere else.

Every command's function is wrapped once, when the commands are put together. Without ``--server`` the wrapper calls it;
with it, the wrapper looks the command's name up: in ``remote_table.TABLE`` (done by the client), in ``HERE`` (needs no
bank, and is the same) or in ``LOCAL`` (cannot be done from afar, with the reason).
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import typer

from voxpop.cli.console import PersonOption
from voxpop.kernel.errors import Invalid, Refused

TOKEN = "VOXPOP_TOKEN"  # noqa: S105 -- a variable's name
LOCAL: Mapping[str, str] = {
    "demo": "it makes a bank of its own",
    "serve": "it serves a work folder of this machine",
    "worker": "it does the work of a work folder of this machine",
    "backup": "it copies a work folder of this machine",
    "restore": "it writes a work folder of this machine",
    "doctor": "it looks at a work folder of this machine",
    "deid": "it reads and writes folders of this machine",
    "profile": "a bank's profile is looked at where it is set",
    "recipe sbom": "it is read where the site is connected",
    "recipe build": "an image is built where the site is connected",
    "site add": "a site's settings name files of the machine that keeps the bank",
    "appliance shell": "a terminal from afar is opened in the portal",
}
"""Commands, or whole groups of them, that cannot be done from afar, and why."""
HERE = frozenset({"application new", "application check", "recipe check", "pipeline check"})
"""Commands that need no bank, and are the same with a server and without."""


class LocalOnly(Refused):
    """A command cannot be done from afar."""

    code = "local-only"

    def __init__(self, command: str, why: str) -> None:
        super().__init__(f"`voxpop {command}` cannot be done on a server from here: {why}; leave --server out")


class TokenMissing(Invalid):
    """A bank was named and no token."""

    code = "token-missing"

    def __init__(self) -> None:
        super().__init__(f"a server wants a token: name its file with --token-file, or set {TOKEN}")


class TokenUnreadable(Invalid):
    """A token's file cannot be read."""

    code = "token-unreadable"

    def __init__(self) -> None:
        super().__init__("the token's file cannot be read: name a file that holds the token and nothing else")


class ActorFixed(Invalid):
    """Somebody is to act for another."""

    code = "actor-fixed"

    def __init__(self) -> None:
        super().__init__("on a server the token says who acts: leave --as out")


@dataclass(frozen=True, slots=True)
class Server:
    """The bank that the commands work on."""

    url: str
    token_file: Path | None

    def token(self) -> str:
        """Return the token, from its file or the environment.

        Raises
        ------
        TokenMissing, TokenUnreadable
            If there is none.
        """
        if self.token_file is None:
            token = os.environ.get(TOKEN, "").strip()
        else:
            try:
                token = self.token_file.read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as unreadable:
                raise TokenUnreadable from unreadable
        if not token:
            raise TokenMissing
        return token


_SERVER: ContextVar[Server | None] = ContextVar("server", default=None)


def attach(app: typer.Typer, path: str = "") -> None:
    """Let every command of an application be done on a server too."""
    for command in app.registered_commands:
        assert command.callback is not None
        command.callback = _switching(_joined(path, command.name or command.callback.__name__), command.callback)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        attach(group.typer_instance, _joined(path, str(group.name)))


def why_local(command: str) -> str:
    """Return why a command cannot be done from afar; empty where it can."""
    return LOCAL.get(command) or LOCAL.get(command.partition(" ")[0], "")


def commands(app: typer.Typer, path: str = "") -> Iterator[str]:
    """Yield the names of all commands."""
    for command in app.registered_commands:
        assert command.callback is not None
        yield _joined(path, command.name or command.callback.__name__)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, _joined(path, str(group.name)))


def choose(server: Server | None) -> None:
    """Say which bank the command works on; None for a work folder of this machine."""
    _SERVER.set(server)


def _switching(command: str, here: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(here)
    def switch(**given: Any) -> Any:
        server = _SERVER.get()
        if server is None or command in HERE:
            return here(**given)
        return _there(server, command, given, _acting(here))

    return switch


def _there(server: Server, command: str, given: Mapping[str, Any], acting: frozenset[str]) -> None:
    why = why_local(command)
    if why:
        raise LocalOnly(command, why)
    if any(given[name] is not None for name in acting):
        raise ActorFixed
    # A second of imports that commands on this machine do without.
    from voxpop.cli.remote_table import TABLE
    from voxpop.client import Bank

    with Bank(server.url, server.token()) as bank:
        TABLE[command](bank, given)


def _acting(here: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a command's options that say who acts."""
    hints = get_type_hints(here, include_extras=True)
    return frozenset(name for name, hint in hints.items() if hint == PersonOption)


def _joined(path: str, name: str) -> str:
    return f"{path} {name.replace('_', '-')}".strip()
