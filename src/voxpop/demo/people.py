"""One sign-in per role, so that a newcomer can walk the whole way in a browser."""

import json
import secrets
from collections.abc import Mapping

from voxpop.access.model import Account, Role
from voxpop.kernel.privatefiles import write_private
from voxpop.wiring.system import System

DATA_MANAGER = "Dolores Mena (data manager)"
COMMITTEE = "Carmen Iglesias (committee)"
RESEARCHER = "Ada Ferrer"
_DEMO = "voxpop demo"
_FILE = "demo-sign-in.json"
ACCOUNTS = (
    Account("ada", RESEARCHER, "ada.ferrer@example.org", frozenset({Role.RESEARCHER})),
    Account("carmen", COMMITTEE, "carmen.iglesias@example.org", frozenset({Role.COMMITTEE})),
    Account("dolores", DATA_MANAGER, "dolores.mena@example.org", frozenset({Role.DATA_MANAGER})),
    Account("teo", "Teo Vidal (technical manager)", "teo.vidal@example.org", frozenset({Role.TECHNICAL_MANAGER})),
    Account("aurora", "Aurora Pons (auditor)", "aurora.pons@example.org", frozenset({Role.AUDITOR})),
)


def make_accounts(system: System) -> Mapping[str, str]:
    """Make the demo's accounts, or keep those that are there; returns their passwords by name.

    The passwords are random, and lie in the protected folder alone.
    """
    path = system.work.protected / _FILE
    if path.is_file():
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    passwords = {account.name: secrets.token_urlsafe(9) for account in ACCOUNTS}
    known = {account.name for account in system.access.every()}
    for account in ACCOUNTS:
        if account.name in known:
            system.access.set_password(account.name, passwords[account.name], _DEMO)
        else:
            system.access.add(account, passwords[account.name], _DEMO)
    write_private(path, json.dumps(passwords).encode())
    return passwords


def kept_passwords(system: System) -> Mapping[str, str]:
    """Return the passwords of the demo's accounts; nothing where the work folder is no demo's."""
    return make_accounts(system) if (system.work.protected / _FILE).is_file() else {}


def account_of(system: System, person: str) -> Account:
    """Return the account of one of the demo's people."""
    name = next(account.name for account in ACCOUNTS if account.person == person)
    return system.access.get(name)
