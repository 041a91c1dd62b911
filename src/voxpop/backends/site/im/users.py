"""Users of the service, one an infrastructure, in the file that it reads at each request."""

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.kernel.privatefiles import write_private

_BYTES = 24
_NOBODY_ELSE = 0o770


class Users:
    """The service's ``USER_DB``.

    Parameters
    ----------
    site : str
        The site's name, for what is said where the file can't be used.
    """

    def __init__(self, site: str, path: Path) -> None:
        self._site = site
        self._path = path

    def make(self, name: str) -> str:
        """Make a user, or take the one that is there; returns the password.

        Raises
        ------
        SiteSettingInvalid
            If the file can't be read or written.
        """
        with self._turn():
            users = self._read()
            known = _password(users, name)
            if known is not None:
                return known
            password = secrets.token_urlsafe(_BYTES)
            self._write([*users, {"username": name, "password": password}])
            return password

    def password(self, name: str) -> str | None:
        """Return the password of a user; None where there is no such user."""
        with self._turn():
            return _password(self._read(), name)

    def forget(self, name: str) -> None:
        """Remove a user. Twice is silent."""
        with self._turn():
            users = self._read()
            left = [one for one in users if one.get("username") != name]
            if left != users:
                self._write(left)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        try:
            with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as broken:
            raise self._unfit("can't be read and written") from broken

    def _read(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        try:
            users = json.loads(self._path.read_text(encoding="utf-8"))["users"]
        except (ValueError, KeyError, TypeError) as broken:
            raise self._unfit("is no JSON with a list 'users'") from broken
        if not isinstance(users, list) or not all(isinstance(one, dict) for one in users):
            raise self._unfit("is no JSON with a list 'users'")
        return users

    def _write(self, users: list[dict[str, Any]]) -> None:
        """Write the file whole or not at all; it stays its owner's, which may be the service's own account."""
        draft = self._path.with_name(f".{self._path.name}.new")
        write_private(draft, json.dumps({"users": users}, indent=2).encode())
        if self._path.exists():
            was = self._path.stat()
            os.chown(draft, was.st_uid, was.st_gid)
            draft.chmod(stat.S_IMODE(was.st_mode) & _NOBODY_ELSE)
        draft.replace(self._path)

    def _unfit(self, fault: str) -> SiteSettingInvalid:
        return SiteSettingInvalid(self._site, "user_db", f"names {self._path}, which {fault}: mend that")


def _password(users: Sequence[Mapping[str, Any]], name: str) -> str | None:
    return next((str(one["password"]) for one in users if one.get("username") == name), None)
