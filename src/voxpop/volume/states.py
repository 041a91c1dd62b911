"""The life cycle of a volume."""

from enum import StrEnum

from voxpop.kernel.transitions import TransitionTable


class VolumeState(StrEnum):
    """Where a volume stands."""

    BUILDING = "building"
    SEALED = "sealed"
    REMOVED = "removed"


LIFE_CYCLE = TransitionTable(
    {
        VolumeState.BUILDING: frozenset({VolumeState.SEALED, VolumeState.REMOVED}),
        VolumeState.SEALED: frozenset({VolumeState.REMOVED}),
    }
)
