"""The files at the root of a volume and of its sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from voxpop import __version__
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ParticipantLabel
from voxpop.kernel.imaging import ClinicalFacts
from voxpop.staging.layout.files import write_json, write_table, write_text

BIDS_VERSION: Final = "1.10.0"

_OLDEST_WRITTEN_YEARS: Final = 89
_CODES: Final = 3
_COLUMNS: Final = ("participant_id", "group", "age", "sex", "weight", "height", "icd10_1", "icd10_2", "icd10_3")


@dataclass(frozen=True, slots=True)
class Participant:
    """A row of ``participants.tsv``."""

    label: ParticipantLabel
    group: str
    facts: ClinicalFacts


@dataclass(frozen=True, slots=True)
class Scan:
    """A row of a session's ``scans.tsv``.

    Parameters
    ----------
    path : PurePosixPath
        Relative to the volume's root, or to the session.
    acquired : datetime or None
        The shifted moment of acquisition, of the scanner's own clock; None where it is not known.
    """

    path: PurePosixPath
    acquired: datetime | None = None


def write_participants(folder: Path, participants: Sequence[Participant]) -> None:
    """Write ``participants.tsv`` and ``participants.json``; a person with several studies has one row."""
    rows = {participant.label: _row(participant) for participant in participants}
    write_table(folder / "participants.tsv", _COLUMNS, (rows[label] for label in sorted(rows)))
    groups = sorted({participant.group for participant in participants if participant.group})
    write_json(folder / "participants.json", _described(groups))


def write_dataset_description(folder: Path, name: str, tools: Mapping[str, str]) -> None:
    """Write ``dataset_description.json``; it names tools, no people.

    Parameters
    ----------
    name : str
        The volume's id.
    tools : mapping of name to version
        What beside voxpop made the files: ``{"dcm2niix": "v1.0.20260724"}``.
    """
    made_by: list[Json] = [{"Name": "voxpop", "Version": __version__}]
    made_by += [{"Name": tool, "Version": tools[tool]} for tool in sorted(tools)]
    write_json(
        folder / "dataset_description.json",
        {"Name": name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw", "GeneratedBy": made_by},
    )


def write_readme(folder: Path, name: str, title: str) -> None:
    """Write ``README``: what this is, how it came to be, how to check it."""
    write_text(folder / "README", _README.format(name=name, title=" ".join(title.split())))


def write_bidsignore(folder: Path) -> None:
    """Write ``.bidsignore``: what MIDS and voxpop add to BIDS."""
    # `ct/` with a slash does not match in the validator.
    write_text(folder / ".bidsignore", "**/ct\n**/mim-rx\n**/*_scans.tsv\nstaging-report.*\nmanifest-sha256.txt\n")


def write_scans(folder: Path, participant: ParticipantLabel, session: str, scans: Sequence[Scan]) -> PurePosixPath:
    """Write a session's ``scans.tsv`` and return its path, relative to the volume's root."""
    home = PurePosixPath(f"sub-{participant}", f"ses-{session}")
    path = home / f"sub-{participant}_ses-{session}_scans.tsv"
    rows = sorted((_within(scan.path, home), _moment(scan.acquired)) for scan in scans)
    write_table(folder / path, ("filename", "acq_time"), rows)
    return path


def _row(participant: Participant) -> tuple[str, ...]:
    facts = participant.facts
    codes = [*facts.icd10[:_CODES], *[""] * _CODES][:_CODES]
    return (
        f"sub-{participant.label}",
        participant.group,
        _age(facts.age_years),
        facts.sex,
        _quantity(facts.weight_kg),
        _quantity(facts.height_cm),
        *codes,
    )


def _age(years: int | None) -> str:
    if years is None:
        return ""
    # The few who are older could be known by their age.
    return f"{_OLDEST_WRITTEN_YEARS}+" if years >= _OLDEST_WRITTEN_YEARS else str(years)


def _quantity(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _moment(acquired: datetime | None) -> str:
    return acquired.replace(tzinfo=None).isoformat(timespec="seconds") if acquired else ""


def _within(path: PurePosixPath, home: PurePosixPath) -> str:
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


def _described(groups: Sequence[str]) -> dict[str, Json]:
    levels: dict[str, Json] = {group: f"Group '{group}' of the application" for group in groups}
    code: Json = {
        "Description": "Diagnosis, the most relevant first",
        "TermURL": "https://icd.who.int/browse10/2019/en",
    }
    return {
        "participant_id": {"Description": "Pseudonym of the participant"},
        "group": {"Description": "Group of the application that the participant was selected for", "Levels": levels},
        "age": {"Description": "Age at the study; 89+ for 89 years and more", "Units": "year"},
        "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male", "O": "other"}},
        "weight": {"Description": "Body weight at the study", "Units": "kg"},
        "height": {"Description": "Body height at the study", "Units": "cm"},
        **{f"icd10_{number}": code for number in range(1, _CODES + 1)},
    }


_README: Final = """{name}
{title}

De-identified images of a cohort, staged and sealed by voxpop.

Images are NIfTI under sub-<participant>/ses-<session>/, laid out by BIDS, and by its extension MIDS where BIDS has no
name: a CT of the head in ct/, another part of the body in mim-rx/ct/ with bp-<body part> and vp-<ax|sag|cor>.

participants.tsv       one row a participant; participants.json explains the columns
staging-report.tsv     what became of every study of the cohort, and why
manifest-sha256.txt    the seal: check it with `sha256sum --quiet -c manifest-sha256.txt`

Dates are shifted by a secret number of days for each participant: intervals are true, days are not.
Names of participants and sessions are pseudonyms. Do not try to find out who they are.
"""
