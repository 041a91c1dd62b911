"""Criteria as canonical JSON: the query that a frozen cohort keeps."""

import json
from datetime import date
from typing import Any

from voxpop.cohort.errors import CriteriaInvalid
from voxpop.cohort.model import Criteria, GroupCriteria
from voxpop.kernel.digests import Json, canonical_json


def criteria_json(criteria: Criteria) -> str:
    """Write criteria in their one form."""
    groups: list[Json] = [
        {
            "name": group.name,
            "icd10_any": list(group.icd10_any),
            "icd10_none": list(group.icd10_none),
            "number": group.number,
            "unlisted": group.unlisted,
        }
        for group in criteria.groups
    ]
    return canonical_json(
        {
            "modality": criteria.modality,
            "groups": groups,
            "body_parts": list(criteria.body_parts),
            "study_from": criteria.study_from.isoformat() if criteria.study_from else None,
            "study_until": criteria.study_until.isoformat() if criteria.study_until else None,
            "age_min": criteria.age_min,
            "age_max": criteria.age_max,
            "sex": list(criteria.sex),
        }
    ).decode()


def criteria_from_json(text: str) -> Criteria:
    """Read criteria that ``criteria_json`` wrote.

    Raises
    ------
    CriteriaInvalid
        If they cannot be read.
    """
    try:
        read = json.loads(text)
        groups = tuple(_group(group) for group in read["groups"])
        return Criteria(
            modality=str(read["modality"]),
            groups=groups,
            body_parts=tuple(read["body_parts"]),
            study_from=_day(read["study_from"]),
            study_until=_day(read["study_until"]),
            age_min=read["age_min"],
            age_max=read["age_max"],
            sex=tuple(read["sex"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CriteriaInvalid("the criteria of the cohort cannot be read: freeze it anew") from error


def check_criteria(criteria: Criteria) -> None:
    """Refuse criteria that nothing can fulfil, or whose groups cannot be told apart.

    Raises
    ------
    CriteriaInvalid
        Naming what contradicts itself.
    """
    if not criteria.groups:
        raise CriteriaInvalid("the criteria name no group: name at least one")
    names = [group.name for group in criteria.groups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CriteriaInvalid(f"two groups have one name: {', '.join(twice)}")
    if criteria.study_from and criteria.study_until and criteria.study_from > criteria.study_until:
        raise CriteriaInvalid(f"the first study day {criteria.study_from} is after the last, {criteria.study_until}")
    if criteria.age_min is not None and criteria.age_max is not None and criteria.age_min > criteria.age_max:
        raise CriteriaInvalid(f"the least age {criteria.age_min} is above the highest, {criteria.age_max}")
    for group in criteria.groups:
        if group.number is not None and group.number < 1:
            raise CriteriaInvalid(f"group {group.name} asks for {group.number} participants: ask for at least one")


def _group(read: dict[str, Any]) -> GroupCriteria:
    return GroupCriteria(
        name=str(read["name"]),
        icd10_any=tuple(read["icd10_any"]),
        icd10_none=tuple(read["icd10_none"]),
        number=read["number"],
        unlisted=bool(read["unlisted"]),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
