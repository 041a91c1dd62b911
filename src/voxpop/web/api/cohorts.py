"""Cohorts: how many studies each criterion leaves, and the frozen lists."""

from functools import partial

from voxpop.access.permissions import Action
from voxpop.cohort.model import Cohort
from voxpop.flow.criteria import criteria_of
from voxpop.kernel.ids import ApplicationId
from voxpop.web.api import paging
from voxpop.web.api.guard import Call
from voxpop.web.api.models import applications as m
from voxpop.web.api.models.base import Page
from voxpop.web.api.routes import ApiArea, Called, Form

area = ApiArea("cohorts")


@area.read("/applications/{application}/waterfall", Action.COHORT_COUNT, "application")
def get_waterfall(call: Called, application: str) -> m.Waterfall:
    """Count how many studies each criterion of an application leaves; fewer than 10 are not told."""
    request = call.system.applications.get(ApplicationId(application)).request
    found = call.system.cohorts.count(criteria_of(request))
    return m.Waterfall(
        studies=found.studies,
        left=[m.StepLeft(criterion=name, studies=number) for name, number in found.left],
        groups=dict(found.groups),
    )


@area.read("/applications/{application}/cohorts", Action.STAGING_READ, "application")
def list_cohorts(call: Called, application: str, part: paging.Asked) -> Page[m.CohortFacts]:
    """List the frozen lists of an application, the oldest first."""
    rows = call.system.cohort_records.of_application(ApplicationId(application))
    return paging.page(call, part, rows, lambda one: (one.frozen_at.isoformat(), one.id), partial(_shown, call))


@area.act("/applications/{application}/cohorts", Action.COHORT_FREEZE, "application", form=Form(status=201))
def freeze_cohort(call: Called, application: str) -> m.CohortFacts:
    """Freeze the list of studies of an application; the same index gives the same cohort."""
    name = ApplicationId(application)
    request = call.system.applications.get(name).request
    return _shown(call, call.system.cohorts.freeze(name, criteria_of(request), call.person))


def _shown(call: Call, one: Cohort) -> m.CohortFacts:
    exact = call.may(Action.STAGING_EXACT, one.application)
    return m.CohortFacts(
        cohort=one.id,
        selected=one.selected if exact else None,
        not_selected=one.not_selected if exact else None,
        list_sha256=one.list_digest,
        index_sha256=one.index_digest,
    )
