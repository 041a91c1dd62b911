"""The pieces of durable work: each goes from one stage to the next, and may be done twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from voxpop.appliance.model import Appliance, Deployment
from voxpop.appliance.service import ApplianceService
from voxpop.application.service import ApplicationService
from voxpop.application.states import ApplicationState
from voxpop.cohort.model import Cohort, Selection
from voxpop.cohort.service import CohortService
from voxpop.flow.criteria import criteria_of
from voxpop.flow.environment import environment_of
from voxpop.flow.orders import left_out, orders_of
from voxpop.kernel.clock import Clock
from voxpop.kernel.ids import ApplianceId, ApplicationId, CohortId, RunId, VolumeId
from voxpop.staging.model import StudyOrder
from voxpop.staging.service import StagingService
from voxpop.volume.model import Volume
from voxpop.volume.service import VolumeService
from voxpop.volume.states import VolumeState

VOXPOP = "voxpop"
"""The actor of what follows by rule."""


@dataclass(frozen=True, slots=True)
class StagingPlan:
    """What staging an application comes to, in opaque numbers.

    Parameters
    ----------
    studies : tuple of (ordinal, number of series)
    """

    volume: VolumeId
    studies: tuple[tuple[int, int], ...]
