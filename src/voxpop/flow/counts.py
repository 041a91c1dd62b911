"""What a reviewer may know of the data before deciding: the cohort's counts, asked by an application."""

from collections.abc import Sequence
from typing import Protocol

from voxpop.application.model import DataRequest
from voxpop.application.ports import GroupCount
from voxpop.cohort.model import Criteria
from voxpop.flow.criteria import criteria_of


class CohortCounts(Protocol):
    """The part of the cohort's use cases that is needed here."""

    def count(self, criteria: Criteria) -> "CountsByGroup":
        """Count each group, small counts suppressed."""
        ...

    def shortfall(self, criteria: Criteria) -> Sequence[str]:
        """Return the groups that ask for more than there is."""
        ...


class CountsByGroup(Protocol):
    """Counts that may be shown."""

    @property
    def groups(self) -> "dict[str, int | None]":
        """Participants by group; None where the number is small."""
        ...


class RequestCounts:
    """Answers ``application.ports.Counts`` from the cohort's index."""

    def __init__(self, cohorts: CohortCounts) -> None:
        self._cohorts = cohorts

    def groups(self, request: DataRequest) -> Sequence[GroupCount]:
        """Count each group of the request, small counts suppressed."""
        counted = self._cohorts.count(criteria_of(request)).groups
        return [GroupCount(group.name, counted.get(group.name), group.number) for group in request.groups]

    def exact_shortfall(self, request: DataRequest) -> Sequence[str]:
        """Return the names of groups that ask for more participants than there are."""
        return self._cohorts.shortfall(criteria_of(request))
