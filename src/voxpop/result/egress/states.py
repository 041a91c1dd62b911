"""The life cycle of a release."""

from enum import StrEnum

from voxpop.kernel.transitions import TransitionTable


class ReleaseState(StrEnum):
    """Where a request to let files out stands."""

    REQUESTED = "requested"
    RELEASED = "released"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_S = ReleaseState

LIFE_CYCLE = TransitionTable({_S.REQUESTED: frozenset({_S.RELEASED, _S.REFUSED, _S.WITHDRAWN})})
