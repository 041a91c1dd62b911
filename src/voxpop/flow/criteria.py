"""From an application's request to a cohort's criteria."""

from voxpop.application.model import DataRequest
from voxpop.cohort.model import Criteria, GroupCriteria


def criteria_of(request: DataRequest) -> Criteria:
    """Return the criteria that a request stands for."""
    groups = tuple(
        GroupCriteria(
            name=group.name,
            icd10_any=group.icd10_any,
            icd10_none=group.icd10_none,
            number=group.number,
            unlisted=group.without_clinical_record,
        )
        for group in request.groups
    )
    return Criteria(
        modality=request.modality,
        groups=groups,
        body_parts=request.body_parts,
        study_from=request.study_from,
        study_until=request.study_until,
        age_min=request.age_min,
        age_max=request.age_max,
        sex=request.sex,
    )
