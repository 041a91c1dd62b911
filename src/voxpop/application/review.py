"""What the committee sees before it decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from voxpop.application.model import Application
from voxpop.application.ports import Cost, GroupCount
from voxpop.application.states import ApplicationState


@dataclass(frozen=True, slots=True)
class ReviewSheet:
    """An application with its counts and its cost.

    Parameters
    ----------
    groups : sequence of GroupCount
        Participants available for each group; None where there are fewer than 10.
    cost : Cost
        By the site's price list.
    findings : tuple of str
        What stands against an approval, a sentence each; empty where nothing does.
    """

    application: Application
    state: ApplicationState
    groups: Sequence[GroupCount]
    cost: Cost
    findings: tuple[str, ...] = ()
