"""When this is done, ask for that.

The outbox tells what was done; a rule names the next piece of durable work. Doing a rule twice is harmless: the work is
enqueued under an id made from the outbox row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Work(StrEnum):
    """The pieces of durable work that voxpop knows."""

    STAGE = "stage"
    DEPLOY = "deploy"
    SET_UP = "set-up"
    ACTIVATE = "activate"
    REPORT = "report"
    EXECUTE = "execute"
    REPEAT = "repeat"
    VERIFY = "verify"
    HARVEST = "harvest"
    END = "end"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work, for one subject (``<kind>:<id>``)."""

    work: Work
    subject: str


RULES: Mapping[str, tuple[Work, ...]] = {
    "application.approved": (Work.STAGE,),
    "application.closed": (Work.END,),
    "application.archived": (Work.END,),
    "application.refused": (Work.END,),
    "volume.sealed": (Work.DEPLOY,),
    "appliance.deployed": (Work.ACTIVATE,),
    "run.done": (Work.REPORT,),
    "run.cancelled": (Work.DISCARD,),
}
"""Audit action to the work that follows it."""


def requests(action: str, subject: str) -> tuple[Request, ...]:
    """Return what an event asks for; most ask for nothing."""
    return tuple(Request(work, subject) for work in RULES.get(action, ()))
