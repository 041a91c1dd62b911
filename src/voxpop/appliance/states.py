"""The life cycle of an appliance."""

from enum import StrEnum

from voxpop.kernel.transitions import TransitionTable


class ApplianceState(StrEnum):
    """Where an appliance stands; what a site can't tell is LOST."""

    PLANNED = "planned"
    DEPLOYED = "deployed"
    FAILED = "failed"
    LOST = "lost"
    REMOVED = "removed"


_S = ApplianceState

STANDS = frozenset({_S.DEPLOYED, _S.LOST})
"""What its site can't account for may still be there, and counts."""

LIFE_CYCLE = TransitionTable(
    {
        _S.PLANNED: frozenset({_S.DEPLOYED, _S.FAILED, _S.REMOVED}),
        _S.DEPLOYED: frozenset({_S.LOST, _S.REMOVED}),
        _S.FAILED: frozenset({_S.PLANNED, _S.REMOVED}),
        _S.LOST: frozenset({_S.DEPLOYED, _S.REMOVED}),
    }
)
