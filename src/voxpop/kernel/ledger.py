"""What happened, who did it and why: the port through which every state changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from voxpop.kernel.digests import Json


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit log.

    Parameters
    ----------
    action : str
        What happened, as ``<kind>.<past participle>``: ``application.approved``, ``identity.opened``.
    subject : str
        What it happened to, as ``<kind>:<id>``: ``application:bone-density``.
    actor : str
        The person (or ``voxpop``) that did it.
    reason : str
        In that person's words; required for decisions.
    facts : mapping
        Counts, digests and ids; never a value of identity.
    """

    action: str
    subject: str
    actor: str
    reason: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)


class Ledger(Protocol):
    """The audit log and the one way to change a state.

    ``move`` is one transaction: the change of state where it still is ``source``, the audit event, and an outbox
    row named after the event's action. The caller has already asked the transition table.
    """

    def record(self, event: Event) -> None:
        """Append an event to the audit log."""
        ...

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        """Change a subject's state and append the event, or raise ``IllegalMove`` if it was not ``source``."""
        ...
