"""Criteria as SQL: for each study of the index the first criterion that it fails, or the group that takes it."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import duckdb

from voxpop.backends.index.duckdb.bodyparts import fitting_codes, fitting_words
from voxpop.cohort.model import Criteria
from voxpop.dicom.listing import UID


class Step(IntEnum):
    """The criteria in the order in which they are looked at; ``FITS`` fails none."""

    UID = 0
    MODALITY = 1
    DAYS = 2
    BODY_PART = 3
    RECORD = 4
    GROUP = 5
    AGE_UNKNOWN = 6
    AGE = 7
    SEX = 8
    COPY = 9
    NUMBER = 10
    FITS = 11


FITTING = """
CREATE OR REPLACE TABLE fitting AS
SELECT archive, study, bool_or(part <> '') AS named, bool_or(part IN (SELECT unnest($codes))) AS part_fits,
       bool_or(part = '' AND $asks_part AND description <> '' AND regexp_matches(lower(description), $words))
       AS words_fit
FROM (SELECT archive, study, description,
             CASE WHEN $asks_part THEN regexp_replace(upper(body_part), '[^A-Z0-9]', '', 'g') ELSE '' END AS part
      FROM series WHERE modality = $modality)
GROUP BY ALL
"""

# What the study alone decides; the clinic is asked only about the studies that are left.
LOOKED = """
CREATE OR REPLACE TABLE looked AS
SELECT s.archive, s.uid, s.day, s.patient_id, s.issuer, s.birth, s.sex,
  CASE WHEN NOT regexp_full_match(s.uid, $uid) THEN 0
       WHEN f.study IS NULL THEN 1
       WHEN ($since IS NOT NULL OR $until IS NOT NULL)
            AND (s.day IS NULL OR s.day < coalesce($since, s.day) OR s.day > coalesce($until, s.day)) THEN 2
       WHEN $asks_part AND NOT (CASE WHEN f.named THEN f.part_fits
            ELSE f.words_fit OR regexp_matches(lower(s.description), $words) END) THEN 3
       END AS failed
FROM studies s LEFT JOIN fitting f ON f.archive = s.archive AND f.study = s.uid
"""

PERSONS = """
CREATE OR REPLACE TABLE persons AS
WITH asked AS (SELECT DISTINCT patient_id, issuer FROM looked
               WHERE failed IS NULL OR (failed = 3 AND $unlisted IS NOT NULL)),
     known AS (SELECT DISTINCT patient_id, issuer FROM clinical SEMI JOIN asked USING (patient_id)),
     alone AS (SELECT patient_id, any_value(issuer) AS issuer FROM known GROUP BY 1 HAVING count(*) = 1)
SELECT p.patient_id, p.issuer,
       CASE WHEN p.patient_id = '' THEN NULL
            WHEN same.patient_id IS NOT NULL THEN p.issuer
            WHEN bare.patient_id IS NOT NULL THEN ''
            WHEN p.issuer = '' THEN alone.issuer END AS clinic
FROM asked p
LEFT JOIN known same ON same.patient_id = p.patient_id AND same.issuer = p.issuer
LEFT JOIN known bare ON bare.patient_id = p.patient_id AND bare.issuer = ''
LEFT JOIN alone ON alone.patient_id = p.patient_id
"""
# A person is a number and its issuer; a side that names no issuer fits where nothing else could be meant.

RECORDS = """
CREATE OR REPLACE TABLE records AS
SELECT k.* FROM clinical k
SEMI JOIN (SELECT DISTINCT patient_id, clinic FROM persons WHERE clinic IS NOT NULL) p
  ON p.patient_id = k.patient_id AND p.clinic = k.issuer
"""

CODES = """
CREATE OR REPLACE TABLE codes AS
SELECT patient_id, issuer, code, replace(upper(code), '.', '') AS plain, line * 1000 + place AS place
FROM (SELECT patient_id, issuer, line, unnest(icd10) AS code, generate_subscripts(icd10, 1) AS place FROM records)
QUALIFY row_number() OVER (PARTITION BY patient_id, issuer, code ORDER BY line, place) = 1
"""

MEMBERS = """
CREATE OR REPLACE TABLE members AS
WITH hits AS (
  SELECT c.patient_id, c.issuer, g.position, bool_or(g.wanted) AS wanted, bool_or(NOT g.wanted) AS unwanted
  FROM codes c JOIN group_codes g ON starts_with(c.plain, g.prefix) GROUP BY ALL)
SELECT k.patient_id, k.issuer, min(g.position) AS position
FROM (SELECT DISTINCT patient_id, issuer FROM records) k
CROSS JOIN groups g
LEFT JOIN hits h ON h.patient_id = k.patient_id AND h.issuer = k.issuer AND h.position = g.position
WHERE NOT g.unlisted AND (NOT g.asks OR coalesce(h.wanted, false)) AND NOT coalesce(h.unwanted, false)
GROUP BY ALL
"""

BIRTHS = """
CREATE OR REPLACE TABLE births AS
SELECT patient_id, issuer, min(birth) AS birth, arg_max(sex, line) FILTER (sex <> '') AS sex
FROM records GROUP BY ALL
"""

VERDICTS = """
CREATE OR REPLACE TABLE verdicts AS
WITH facts AS (
  SELECT l.archive, l.uid, l.day, l.patient_id, l.issuer, l.failed, p.clinic,
         coalesce(m.position, CASE WHEN p.clinic IS NULL THEN $unlisted END) AS position,
         p.clinic IS NULL AND $unlisted IS NOT NULL AS any_part,
         CASE WHEN coalesce(b.birth, l.birth) <= l.day THEN
           (strftime(l.day, '%Y%m%d')::INTEGER - strftime(coalesce(b.birth, l.birth), '%Y%m%d')::INTEGER) // 10000
         END AS age,
         coalesce(nullif(b.sex, ''), nullif(l.sex, '')) AS sex
  FROM looked l
  LEFT JOIN persons p ON p.patient_id = l.patient_id AND p.issuer = l.issuer
  LEFT JOIN members m ON m.patient_id = l.patient_id AND m.issuer = p.clinic
  LEFT JOIN births b ON b.patient_id = l.patient_id AND b.issuer = p.clinic
  WHERE l.failed IS NULL OR (l.failed = 3 AND $unlisted IS NOT NULL))
SELECT archive, uid, day, patient_id, issuer, clinic, position, age, sex,
  CASE WHEN failed = 3 AND NOT any_part THEN 3
       WHEN position IS NULL AND clinic IS NULL THEN 4
       WHEN position IS NULL THEN 5
       WHEN $asks_age AND age IS NULL AND NOT any_part THEN 6
       WHEN $asks_age AND (age < coalesce($age_min, age) OR age > coalesce($age_max, age)) THEN 7
       WHEN $asks_sex AND coalesce(NOT list_contains($sexes, sex), NOT any_part) THEN 8
       ELSE 11 END AS step
FROM facts
"""

CUT = """
CREATE OR REPLACE TABLE cut AS
WITH fits AS (
  SELECT *, row_number() OVER (PARTITION BY uid ORDER BY archive) AS copy FROM verdicts WHERE step = 11),
firsts AS (
  SELECT position, patient_id, issuer, min((day IS NULL, coalesce(day, DATE '0001-01-01'), uid)) AS first
  FROM fits WHERE copy = 1 GROUP BY position, patient_id, issuer),
people AS (
  SELECT position, patient_id, issuer, row_number() OVER (PARTITION BY position ORDER BY first) AS place FROM firsts)
SELECT f.* EXCLUDE (step, copy),
       CASE WHEN f.copy > 1 THEN 9 WHEN people.place > coalesce(g.number, people.place) THEN 10 ELSE 11 END AS step
FROM fits f
LEFT JOIN groups g ON g.position = f.position
LEFT JOIN people ON people.position = f.position
  AND people.patient_id = f.patient_id AND people.issuer = f.issuer
UNION ALL SELECT * FROM verdicts WHERE step <> 11
"""

# Every study of the index once more, with those that the clinic was not asked about.
ALL = """
CREATE OR REPLACE VIEW judged AS
SELECT archive, uid, day, patient_id, issuer, clinic, position, age, sex, step FROM cut
UNION ALL
SELECT archive, uid, day, patient_id, issuer, NULL, NULL, NULL, NULL, failed FROM looked
WHERE failed IS NOT NULL AND NOT (failed = 3 AND $unlisted_too)
"""


def judge(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> None:
    """Make the tables of the answer: ``cut`` for studies that the clinic was asked about, ``judged`` for all."""
    _groups(connection, criteria)
    asked = _parameters(criteria)
    for statement in (FITTING, LOOKED, PERSONS, RECORDS, CODES, MEMBERS, BIRTHS, VERDICTS, CUT):
        connection.execute(statement, {name: asked[name] for name in asked if f"${name}" in statement})
    unlisted_too = "false" if asked["unlisted"] is None else "true"
    connection.execute(ALL.replace("$unlisted_too", unlisted_too))  # a view takes no parameters


def _parameters(criteria: Criteria) -> Mapping[str, Any]:
    unlisted = [number for number, group in enumerate(criteria.groups, start=1) if group.unlisted]
    return {
        "uid": UID.pattern,
        "modality": criteria.modality.upper(),
        "codes": fitting_codes(criteria.body_parts) if criteria.body_parts else [""],
        "words": fitting_words(criteria.body_parts) if criteria.body_parts else "^$",
        "asks_part": bool(criteria.body_parts),
        "since": criteria.study_from,
        "until": criteria.study_until,
        "asks_age": criteria.age_min is not None or criteria.age_max is not None,
        "age_min": criteria.age_min,
        "age_max": criteria.age_max,
        "asks_sex": bool(criteria.sex),
        "sexes": [sex.upper() for sex in criteria.sex] or [""],
        "unlisted": unlisted[0] if unlisted else None,
    }


def _groups(connection: duckdb.DuckDBPyConnection, criteria: Criteria) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE groups (position INTEGER, number BIGINT, unlisted BOOLEAN, asks BOOLEAN)"
    )
    connection.execute("CREATE OR REPLACE TABLE group_codes (position INTEGER, prefix VARCHAR, wanted BOOLEAN)")
    for position, group in enumerate(criteria.groups, start=1):
        row = [position, group.number, group.unlisted, bool(group.icd10_any)]
        connection.execute("INSERT INTO groups VALUES (?, ?, ?, ?)", row)
        for wanted, prefixes in ((True, group.icd10_any), (False, group.icd10_none)):
            for prefix in prefixes:
                code = prefix.upper().replace(".", "")
                connection.execute("INSERT INTO group_codes VALUES (?, ?, ?)", [position, code, wanted])
