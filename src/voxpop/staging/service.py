"""The use cases of staging. Each may be called twice, and goes on where it was killed."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from voxpop.dicom.archives import TransferIncomplete, TransferStopped
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused
from voxpop.kernel.imaging import SOURCE, ClinicalFacts
from voxpop.staging.course import TRANSFER_ATTEMPTS, Bench, Course, Tools
from voxpop.staging.errors import IdentityLeft, Localizer, NothingStaged
from voxpop.staging.layout import (
    Participant,
    Scan,
    write_bidsignore,
    write_dataset_description,
    write_participants,
    write_readme,
    write_scans,
    write_staging_report,
)
from voxpop.staging.model import Fate, Placed, SeriesOutcome, StudyOrder, StudyOutcome
from voxpop.staging.ports import StagingRecords

_METHODS = (
    "De-identified by DICOM PS3.15 Annex E, profile '{profile}', and default deny beyond its table: a text element "
    + "that is not in the object's own IOD, a person name that no rule keeps, and every private element is removed. "
    + "Dates are moved by a number of days of each person's own; UIDs are replaced consistently; pseudonyms are keyed "
    + "(HMAC-SHA-256).",
    "Every byte that was written was searched for every value of identity that was read, in each character set, "
    + "case, name order and date format; a study with any finding is refused as a whole.",
    "Converted by {tool} {version}; laid out by BIDS, and MIDS where BIDS has no name.",
)
_OBJECTS = (
    "The de-identified DICOM objects lie in sourcedata/, with every time of the day as 00:00:00 and of every date and "
    + "time the day alone; they were searched again as they lie there."
)


class StagingService:
    """From the series of an archive to the images of a volume.

    Parameters
    ----------
    tools : Tools
    records : StagingRecords
    protected : Path
        What is retrieved and not yet proven clean lies here, and nowhere else.
    """

    def __init__(self, tools: Tools, records: StagingRecords, protected: Path) -> None:
        self._tools = tools
        self._records = records
        self._protected = protected

    def stage_series(self, bench: Bench, order: StudyOrder, position: int) -> SeriesOutcome:
        """Stage one series; what was done already is returned.

        Parameters
        ----------
        position : int
            Of the series in the study, from 1.

        Raises
        ------
        Unavailable
            If the archive does not answer; the same call again goes on.
        """
        done = self._records.series_done(bench.volume, order.ordinal, position)
        if done is not None:
            return done
        if order.study.series[position - 1].modality == order.modality:
            outcome = self._staged(bench, order, position)
        else:
            outcome = SeriesOutcome(position, Fate.NOT_SELECTED, f"its modality is not {order.modality}")
        self._records.series_finished(bench.volume, order.ordinal, outcome)
        return outcome

    def finish_study(self, bench: Bench, order: StudyOrder) -> StudyOutcome:
        """Say what became of a study; one in which the residual scan found anything loses all its files."""
        positions = range(1, len(order.study.series) + 1)
        done = [self._records.series_done(bench.volume, order.ordinal, position) for position in positions]
        series = tuple(outcome for outcome in done if outcome is not None)
        left = next((one for one in series if "identity_left" in one.facts), None)
        patient = self._tools.deidentification.patient(bench, order)
        session = patient.session(order.study.uid)
        staged = [one for one in series if one.fate is Fate.STAGED]
        if left is not None:
            for home in (bench.building, bench.building / SOURCE):
                shutil.rmtree(home / f"sub-{patient.label}" / f"ses-{session}", ignore_errors=True)
            outcome = StudyOutcome(order.ordinal, Fate.REFUSED, left.reason, group=order.group)
        elif staged:
            write_scans(bench.building, patient.label, session, [_scan(one) for one in staged])
            outcome = StudyOutcome(order.ordinal, Fate.STAGED, "", patient.label, session, order.group)
        else:
            outcome = StudyOutcome(order.ordinal, Fate.REFUSED, _why_none(series), group=order.group)
        self._records.study_finished(bench.volume, outcome)
        shutil.rmtree(self._protected / bench.volume / str(order.ordinal), ignore_errors=True)
        return outcome

    def lay_out(self, bench: Bench, title: str, orders: Sequence[StudyOrder], left_out: Sequence[StudyOutcome]) -> None:
        """Write the files that describe the whole volume: participants, description, staging report.

        Parameters
        ----------
        title : str
            The application's title, for the README.
        left_out : sequence of StudyOutcome
            The studies of the index that the cohort does not have, so that the report lists every study.

        Raises
        ------
        NothingStaged
            If every study was refused.
        """
        outcomes = self._records.outcomes(bench.volume)
        clinical = {order.ordinal: order.facts for order in orders}
        staged = [one for one in outcomes if one.fate is Fate.STAGED]
        if not staged:
            raise NothingStaged(bench.volume, list(dict.fromkeys(one.reason for one in outcomes)))
        tool, _, version = self._tools.converter.version().partition(" ")
        # A person with several studies keeps the row of the first: the last written wins.
        write_participants(bench.building, [_participant(one, clinical[one.ordinal]) for one in reversed(staged)])
        write_dataset_description(bench.building, bench.volume, {tool: version})
        write_readme(bench.building, bench.volume, title)
        write_bidsignore(bench.building)
        write_staging_report(
            bench.building, [*map(_without_files, outcomes), *left_out], self._about(tool, version, orders)
        )
        shutil.rmtree(self._protected / bench.volume, ignore_errors=True)

    def _staged(self, bench: Bench, order: StudyOrder, position: int) -> SeriesOutcome:
        folder = self._protected / bench.volume / str(order.ordinal) / str(position)
        course = Course(bench, order, position, folder, self._tools)
        try:
            placed = course.run()
        except Localizer as localizer:
            return _outcome(course, Fate.NOT_SELECTED, localizer.sentence)
        except IdentityLeft as left:
            course.facts["identity_left"] = True
            return _outcome(course, Fate.REFUSED, left.sentence)
        except Refused as refusal:
            return _outcome(course, Fate.REFUSED, refusal.sentence)
        except TransferStopped:
            raise  # the wire's fault: the series is left to do, and no study is refused for it
        except TransferIncomplete as incomplete:
            return _outcome(course, Fate.REFUSED, f"{incomplete.sentence} (tried {TRANSFER_ATTEMPTS} times)")
        course.clean_up()
        return _outcome(course, Fate.STAGED, "; ".join(_texts(course.facts.get("warnings"))), placed)

    def _about(self, tool: str, version: str, orders: Sequence[StudyOrder]) -> dict[str, Json]:
        profile = self._tools.deidentification.profile
        methods = (*_METHODS, _OBJECTS) if any(order.dicom for order in orders) else _METHODS
        return {
            "profile": profile.name,
            "profile_sha256": self._tools.deidentification.profile_digest,
            "methods": [line.format(profile=profile.name, tool=tool, version=version) for line in methods],
        }


def _outcome(course: Course, fate: Fate, reason: str, placed: tuple[Placed, ...] = ()) -> SeriesOutcome:
    return SeriesOutcome(
        series=course.position,
        fate=fate,
        reason=reason,
        modality=course.order.modality,
        instances=course.instances,
        placed=placed,
        facts=course.facts,
        seconds=course.seconds,
    )


def _why_none(series: Sequence[SeriesOutcome]) -> str:
    """Say why no series of a study was staged; what was not selected says it only where nothing was refused."""
    refused = [one.reason for one in series if one.fate is Fate.REFUSED]
    reasons = refused or [one.reason for one in series]
    return "; ".join(dict.fromkeys(reasons)) or "the study has no series"


def _without_files(outcome: StudyOutcome) -> StudyOutcome:
    """Leave out the files of a study that was refused: they were taken back."""
    if outcome.fate is Fate.STAGED:
        return outcome
    series = tuple(
        SeriesOutcome(one.series, Fate.REFUSED, one.reason or "refused with its study", one.modality, one.instances)
        if one.fate is Fate.STAGED
        else one
        for one in outcome.series
    )
    return StudyOutcome(outcome.ordinal, outcome.fate, outcome.reason, group=outcome.group, series=series)


def _scan(outcome: SeriesOutcome) -> Scan:
    acquired = outcome.facts.get("acquired_on")
    image = next(file.path for file in outcome.placed if file.path.name.endswith(".nii.gz"))
    return Scan(image, datetime.fromisoformat(acquired) if isinstance(acquired, str) else None)


def _participant(outcome: StudyOutcome, clinical: ClinicalFacts) -> Participant:
    """Return a row of the participants: what the clinic says, else what the images say."""
    said: dict[str, Any] = {}
    for one in outcome.series:
        person = one.facts.get("person")
        if one.fate is Fate.STAGED and isinstance(person, dict):
            said = person
            break
    if outcome.participant is None:
        raise ValueError(outcome.ordinal)
    facts = ClinicalFacts(
        age_years=said.get("age") if clinical.age_years is None else clinical.age_years,
        sex=clinical.sex or said.get("sex", ""),
        weight_kg=clinical.weight_kg or said.get("weight_kg"),
        height_cm=clinical.height_cm or said.get("height_cm"),
        icd10=clinical.icd10,
    )
    return Participant(outcome.participant, outcome.group, facts)


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
