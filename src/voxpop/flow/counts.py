"""What a reviewer may know of the data before deciding: the cohort's counts, asked by an application."""

from collections.abc import Sequence

from voxpop.application.model import DataRequest
from voxpop.application.ports import GroupCount
from voxpop.cohort.service import CohortService
from voxpop.flow.criteria import criteria_of


class RequestCounts:
    """Answers ``application.ports.Counts`` from the cohort's index."""

    def __init__(self, cohorts: CohortService) -> None:
        self._cohorts = cohorts

    def groups(self, request: DataRequest) -> Sequence[GroupCount]:
        """Count each group of the request, small counts suppressed."""
        counted = self._cohorts.count(criteria_of(request)).groups
        return [GroupCount(group.name, counted.get(group.name), group.number) for group in request.groups]

    def exact_shortfall(self, request: DataRequest) -> Sequence[str]:
        """Return the names of groups that ask for more participants than there are."""
        return self._cohorts.shortfall(criteria_of(request))
