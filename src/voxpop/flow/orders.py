"""From a frozen cohort to the studies that staging is told to stage."""

from voxpop.application.model import DICOM, DataRequest
from voxpop.cohort.model import Selection
from voxpop.staging.model import Fate, StudyOrder, StudyOutcome


def orders_of(selection: Selection, request: DataRequest) -> tuple[StudyOrder, ...]:
    """Return one order a selected study, by ordinal."""
    dicom = DICOM in request.formats
    return tuple(
        StudyOrder(chosen.ordinal, chosen.group, chosen.study, chosen.facts, request.modality, dicom)
        for chosen in selection.selected
    )


def left_out(selection: Selection) -> tuple[StudyOutcome, ...]:
    """Return an outcome for each study that the cohort leaves out, so that the report lists every study."""
    return tuple(StudyOutcome(study.ordinal, Fate.NOT_SELECTED, study.reason) for study in selection.not_selected)
