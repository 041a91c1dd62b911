"""A frozen list as JSON lines in one form: the same selection is the same bytes, and so the same digest."""

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from voxpop.cohort.errors import ListBroken
from voxpop.cohort.model import NotSelected, Selected, Selection
from voxpop.kernel.digests import Json, canonical_json, sha256_file
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import ClinicalFacts, Series, Study

FORMAT = "voxpop-cohort-list/1"


def list_digest(selection: Selection) -> str:
    """Return the digest that the list's file will have."""
    total = hashlib.sha256()
    for line in _lines(selection):
        total.update(line)
    return total.hexdigest()


def write_list(selection: Selection, path: Path) -> str:
    """Write a frozen list, readable by its owner only, whole or not at all; returns the file's digest."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    total = hashlib.sha256()
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            for line in _lines(selection):
                sink.write(line)
                total.update(line)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return total.hexdigest()


def read_list(path: Path, digest: str | None = None) -> Selection:
    """Read a frozen list.

    Parameters
    ----------
    digest : str, optional
        What the file's SHA-256 must be.

    Raises
    ------
    ListBroken
        If the file is missing, is not a list, or has another digest.
    """
    try:
        if digest is not None and sha256_file(path) != digest:
            raise ListBroken
        with path.open(encoding="utf-8") as stream:
            head = json.loads(stream.readline())
            if head["format"] != FORMAT:
                raise ListBroken
            rows = [json.loads(line) for line in stream]
        selected = tuple(_selected(row) for row in rows if "group" in row)
        left_out = tuple(_not_selected(row) for row in rows if "group" not in row)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ListBroken from error
    return Selection(selected, left_out, dict(head["counts"]))


def _lines(selection: Selection) -> Iterator[bytes]:
    yield canonical_json({"format": FORMAT, "counts": dict(selection.counts)}) + b"\n"
    for one in sorted(selection.selected, key=lambda entry: entry.ordinal):
        row: dict[str, Json] = {"ordinal": one.ordinal, "group": one.group}
        yield canonical_json({**row, "study": _study_json(one.study), "facts": _facts_json(one.facts)}) + b"\n"
    for other in sorted(selection.not_selected, key=lambda entry: entry.ordinal):
        row = {"ordinal": other.ordinal, "reason": other.reason}
        yield canonical_json({**row, "study": _study_json(other.study)}) + b"\n"


def _study_json(study: Study) -> dict[str, Json]:
    series: list[Json] = [
        {
            "uid": one.uid,
            "modality": one.modality,
            "number": one.number,
            "description": one.description,
            "body_part": one.body_part,
            "manufacturer": one.manufacturer,
            "instances": one.instances,
        }
        for one in study.series
    ]
    return {
        "archive": study.archive,
        "uid": study.uid,
        "patient_id": study.patient_id,
        "issuer": study.issuer,
        "day": study.day.isoformat() if study.day else None,
        "description": study.description,
        "accession": study.accession,
        "patient_sex": study.patient_sex,
        "patient_birth": study.patient_birth.isoformat() if study.patient_birth else None,
        "series": series,
    }


def _facts_json(facts: ClinicalFacts) -> dict[str, Json]:
    return {
        "age_years": facts.age_years,
        "sex": facts.sex,
        "weight_kg": facts.weight_kg,
        "height_cm": facts.height_cm,
        "icd10": list(facts.icd10),
    }


def _selected(row: dict[str, Any]) -> Selected:
    facts = ClinicalFacts(**{**row["facts"], "icd10": tuple(row["facts"]["icd10"])})
    return Selected(row["ordinal"], row["group"], _study(row["study"]), facts)


def _not_selected(row: dict[str, Any]) -> NotSelected:
    return NotSelected(row["ordinal"], _study(row["study"]), row["reason"])


def _study(row: dict[str, Any]) -> Study:
    series = tuple(Series(**{**one, "uid": SeriesUID(one["uid"])}) for one in row["series"])
    days = {key: date.fromisoformat(row[key]) if row[key] else None for key in ("day", "patient_birth")}
    return Study(**{**row, **days, "uid": StudyUID(row["uid"]), "series": series})
