"""The judged studies as a selection or as counts."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

from voxpop.backends.index.duckdb.verdict import Step
from voxpop.cohort.model import AGES, SEXES, Criteria, NotSelected, Selected, Selection, Spread, Tally
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import ClinicalFacts, Series, Study

ICD10_CODES = 3
FETCH = 20_000  # rows

# CID 29 and what scanners send besides; any other word from an archive stays there.
MODALITIES = frozenset((
    "AR", "AU", "BI", "BMD", "CR", "CT", "DG", "DOC", "DX", "ECG", "EPS", "ES", "FID", "GM", "HD", "IO",
    "IVOCT", "IVUS", "KER", "KO", "LEN", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT", "OPV", "OT",
    "PLAN", "PR", "PT", "PX", "REG", "RESP", "RF", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT",
    "SC", "SEG", "SM", "SMR", "SR", "SRF", "STAIN", "TG", "US", "VA", "XA", "XC",
))  # fmt: skip

STUDIES = """
SELECT c.step, c.position, c.age, c.sex, coalesce(m.modalities, []) AS modalities,
       s.archive, s.uid, s.patient_id, s.issuer, s.day, s.description, s.accession, s.sex, s.birth,
       w.weight, h.height, coalesce(k.codes, []) AS codes
FROM judged c
JOIN studies s ON s.archive = c.archive AND s.uid = c.uid
LEFT JOIN (SELECT archive, study, list_sort(list(DISTINCT modality)) AS modalities FROM series GROUP BY ALL) m
  ON m.archive = c.archive AND m.study = c.uid
LEFT JOIN nearest_weight w ON w.archive = c.archive AND w.uid = c.uid
LEFT JOIN nearest_height h ON h.archive = c.archive AND h.uid = c.uid
LEFT JOIN top_codes k ON k.patient_id = c.patient_id AND k.issuer = c.clinic AND k.position = c.position AND c.step = 11
ORDER BY c.step <> 11, s.day NULLS LAST, s.uid, s.archive
"""

SERIES = """
SELECT r.archive, r.study, r.uid, r.modality, r.number, r.description, r.body_part, r.manufacturer, r.instances
FROM series r
JOIN judged c ON c.archive = r.archive AND c.uid = r.study
ORDER BY c.step <> 11, c.day NULLS LAST, c.uid, c.archive, r.position
"""

NEAREST = """
CREATE OR REPLACE TABLE nearest_{name} AS
SELECT c.archive, c.uid, arg_min(k.{column}, (k.day IS NULL, abs(date_diff('day', k.day, c.day)), k.line)) AS {name}
FROM cut c JOIN records k ON k.patient_id = c.patient_id AND k.issuer = c.clinic
WHERE c.step = 11 AND k.{column} IS NOT NULL GROUP BY ALL
"""

# Codes that match the group first, then the others; each kind in the order of the source.
TOP_CODES = f"""
CREATE OR REPLACE TABLE top_codes AS
WITH asked AS (SELECT DISTINCT patient_id, clinic AS issuer, position FROM cut WHERE step = 11 AND clinic IS NOT NULL),
     ranked AS (
  SELECT a.patient_id, a.issuer, a.position, c.code, c.place,
         NOT EXISTS (SELECT 1 FROM group_codes g WHERE g.position = a.position AND g.wanted
                     AND starts_with(c.plain, g.prefix)) AS other
  FROM asked a JOIN codes c ON c.patient_id = a.patient_id AND c.issuer = a.issuer)
SELECT patient_id, issuer, position, list(code ORDER BY other, place, code)[1:{ICD10_CODES}] AS codes
FROM ranked GROUP BY ALL
"""  # noqa: S608 -- a number of ours


# Each participant once, by the first study; before the groups' numbers cut.
PEOPLE = """
SELECT position, sex, least(age // 10, 9) AS band, count(*)
FROM (SELECT position, patient_id, issuer, min(age) AS age, min(sex) AS sex FROM cut WHERE step >= 10 GROUP BY ALL)
GROUP BY ALL
"""


def selection(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> Selection:
    """Return every study of the index on one side or the other."""
    for name, column in (("weight", "weight_kg"), ("height", "height_cm")):
        connection.execute(NEAREST.format(name=name, column=column))
    connection.execute(TOP_CODES)
    series = _series(connection.cursor().execute(SERIES))
    current = next(series, None)
    selected: list[Selected] = []
    left_out: list[NotSelected] = []
    for ordinal, row in enumerate(_rows(connection.cursor().execute(STUDIES)), start=1):
        of_study: tuple[Series, ...] = ()
        if current is not None and current[0] == (row[5], row[6]):
            of_study = current[1]
            current = next(series, None)
        study = _study(row, of_study)
        if row[0] == Step.FITS:
            facts = ClinicalFacts(row[2], row[3] or "", row[14], row[15], tuple(row[16]))
            selected.append(Selected(ordinal, criteria.groups[row[1] - 1].name, study, facts))
        else:
            left_out.append(NotSelected(ordinal, study, reason(Step(row[0]), criteria, row[4])))
    return Selection(tuple(selected), tuple(left_out), _participants(connection, criteria))


def tally(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> Tally:
    """Return how many studies are left after each criterion, and participants by group."""
    failed = dict(connection.execute("SELECT step, count(*) FROM judged GROUP BY step").fetchall())
    left = total = sum(failed.values())
    steps = []
    for name, members in (
        ("modality", (Step.UID, Step.MODALITY)),
        ("days", (Step.DAYS,)),
        ("body part", (Step.BODY_PART,)),
        ("clinical record", (Step.RECORD,)),
        ("groups", (Step.GROUP,)),
        ("age", (Step.AGE_UNKNOWN, Step.AGE)),
        ("sex", (Step.SEX,)),
    ):
        left -= sum(failed.get(step, 0) for step in members)
        steps.append((name, left))
    return Tally(total, tuple(steps), _participants(connection, criteria), _spread(connection, criteria))


def reason(step: Step, criteria: Criteria, modalities: Sequence[str]) -> str:
    """Say why a study is left out, in words of the criteria only: the archive's own words may name a person."""
    if step is Step.MODALITY:
        named = ", ".join(word for word in modalities if word in MODALITIES) or "another or none"
        return f"modality {named}, asked: {criteria.modality}"
    return {
        Step.UID: "its Study Instance UID is no UID, so the archive cannot be asked for it",
        Step.DAYS: f"study day is not {_range('', criteria.study_from, criteria.study_until)}",
        Step.BODY_PART: f"body part differs, asked: {', '.join(criteria.body_parts)}",
        Step.RECORD: "no clinical record",
        Step.GROUP: "fits no group's codes",
        Step.AGE_UNKNOWN: "age at the study unknown",
        Step.AGE: f"age at the study is not {_range('', criteria.age_min, criteria.age_max)}",
        Step.SEX: f"sex is unknown or differs, asked: {', '.join(criteria.sex)}",
        Step.COPY: "the same study is listed by another archive",
        Step.NUMBER: "the group has its number of participants",
    }[step]


def _range(unit: str, least: date | int | None, most: date | int | None) -> str:
    if least is None:
        return f"{most}{unit} or before" if isinstance(most, date) else f"at most {most}{unit}"
    if most is None:
        return f"{least}{unit} or after" if isinstance(least, date) else f"at least {least}{unit}"
    return f"{least} to {most}{unit}"


def _participants(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> dict[str, int]:
    """Count participants by group before ``number`` cuts."""
    found = connection.execute(
        "SELECT position, count(DISTINCT (patient_id, issuer)) FROM cut WHERE step >= 10 GROUP BY position"
    ).fetchall()
    counts = dict(found)
    return {group.name: counts.get(position, 0) for position, group in enumerate(criteria.groups, start=1)}


def _spread(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> Spread:
    """Count the same participants by sex and by age."""
    found = connection.execute(PEOPLE).fetchall()
    spread = {
        (dimension, group.name): dict.fromkeys(categories, 0)
        for group in criteria.groups
        for dimension, categories in (("sex", SEXES), ("age", AGES))
    }
    for position, sex, band, number in found:
        group = criteria.groups[position - 1].name
        spread["sex", group][sex if sex in SEXES else "unknown"] += number
        spread["age", group][AGES[-1] if band is None else AGES[band]] += number
    return spread


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(FETCH):
        yield from rows


def _series(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[tuple[str, str], tuple[Series, ...]]]:
    for key, rows in groupby(_rows(cursor), key=lambda row: (row[0], row[1])):
        yield key, tuple(Series(SeriesUID(row[2]), *row[3:]) for row in rows)


def _study(row: tuple[Any, ...], series: tuple[Series, ...]) -> Study:
    return Study(
        archive=row[5],
        uid=StudyUID(row[6]),
        patient_id=row[7],
        issuer=row[8],
        day=row[9],
        description=row[10],
        accession=row[11],
        patient_sex=row[12],
        patient_birth=row[13],
        series=series,
    )
