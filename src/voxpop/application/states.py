"""The life cycle of an application."""

from enum import StrEnum

from voxpop.kernel.transitions import TransitionTable


class ApplicationState(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in review"
    RETURNED = "returned"
    REFUSED = "refused"
    APPROVED = "approved"
    ACTIVE = "active"
    CLOSED = "closed"
    ARCHIVED = "archived"


_S = ApplicationState

LIFE_CYCLE = TransitionTable(
    {
        _S.DRAFT: frozenset({_S.SUBMITTED}),
        _S.SUBMITTED: frozenset({_S.IN_REVIEW}),
        _S.IN_REVIEW: frozenset({_S.APPROVED, _S.RETURNED, _S.REFUSED}),
        _S.RETURNED: frozenset({_S.SUBMITTED, _S.CLOSED}),
        _S.REFUSED: frozenset({_S.ARCHIVED}),
        _S.APPROVED: frozenset({_S.ACTIVE, _S.CLOSED}),
        _S.ACTIVE: frozenset({_S.CLOSED}),
        _S.CLOSED: frozenset({_S.ARCHIVED}),
    }
)
