"""A study and its series as an archive lists them, and the person behind them as the clinic knows them.

Everything here is identity: it lives in memory and in the protected folder only.
"""

from dataclasses import dataclass
from datetime import date

from voxpop.kernel.ids import SeriesUID, StudyUID

SOURCE = "sourcedata"
"""The folder of a volume in which DICOM objects lie; BIDS leaves it alone."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series as the archive's index lists it.

    Parameters
    ----------
    instances : int or None
        The number that the archive counted; None where it did not say.
    """

    uid: SeriesUID
    modality: str
    number: int | None = None
    description: str = ""
    body_part: str = ""
    manufacturer: str = ""
    instances: int | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """A study as the archive's index lists it.

    Parameters
    ----------
    archive : str
        Name of the archive, as configured, that holds it.
    patient_id, issuer : str
        (0010,0020) and (0010,0021); together they name a person.
    """

    archive: str
    uid: StudyUID
    patient_id: str
    issuer: str = ""
    day: date | None = None
    description: str = ""
    accession: str = ""
    patient_sex: str = ""
    patient_birth: date | None = None
    series: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class ClinicalFacts:
    """What the clinical source says of a person at the time of a study.

    Parameters
    ----------
    age_years : int or None
        Whole years at the study; the true age, which staging writes as 89 from 89 on.
    sex : str
        ``F``, ``M``, ``O`` or empty where unknown.
    weight_kg, height_cm : float or None
    icd10 : tuple of str
        Codes with the dot (``M80.08``), the most relevant first.
    """

    age_years: int | None = None
    sex: str = ""
    weight_kg: float | None = None
    height_cm: float | None = None
    icd10: tuple[str, ...] = ()
