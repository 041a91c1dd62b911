"""An archive's answers, by C-FIND, QIDO-RS or from files, checked and read as studies and series."""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import TEXT_VR_DELIMS

from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import Series, Study

STUDY_KEYS = {
    "StudyInstanceUID": "0020000D",
    "PatientID": "00100020",
    "IssuerOfPatientID": "00100021",
    "PatientBirthDate": "00100030",
    "PatientSex": "00100040",
    "StudyDate": "00080020",
    "StudyDescription": "00081030",
    "AccessionNumber": "00080050",
    "NumberOfStudyRelatedSeries": "00201206",
}
"""What is asked of a study: keyword to tag."""

SERIES_KEYS = {
    "SeriesInstanceUID": "0020000E",
    "Modality": "00080060",
    "SeriesNumber": "00200011",
    "SeriesDescription": "0008103E",
    "BodyPartExamined": "00180015",
    "Manufacturer": "00080070",
    "NumberOfSeriesRelatedInstances": "00201209",
}
"""What is asked of a series: keyword to tag."""

Answer = Mapping[str, str]
"""Values by keyword; several values are joined by a backslash, as DICOM writes them."""

UID = re.compile("[0-9][0-9.]{0,63}")
"""PS3.5 9.1, but that components with leading zeros, which exist in the field, are let through."""


class Listing:
    """Read answers as studies and series, and count those that do not fit what was asked.

    Parameters
    ----------
    archive : str
        The archive's configured name.
    """

    def __init__(self, archive: str) -> None:
        self.archive = archive
        self.odd: Counter[str] = Counter()

    def within(self, answer: Answer, since: date | None, until: date | None) -> bool:
        """Say whether a study answers a question about days; a study without a day fits only the unlimited one."""
        if since is None and until is None:
            return True
        day = self.day(answer.get("StudyDate", ""))
        fits = day is not None and (since is None or day >= since) and (until is None or day <= until)
        if not fits:
            self.odd["study outside the days asked for"] += 1
        return fits

    def study_uid(self, answer: Answer) -> StudyUID | None:
        """Return the answer's study UID; where there is none, count it and return None.

        What stands there and can be no UID is counted too: the study is listed, and cannot be asked for.
        """
        uid = plain(answer.get("StudyInstanceUID", ""))
        if not uid:
            self.odd["study without a UID"] += 1
            return None
        if not is_uid(uid):
            self.odd["study whose UID is none"] += 1
        return StudyUID(uid)

    def study(self, uid: StudyUID, answer: Answer, series: Callable[[], Iterable[Answer]]) -> Study:
        """Read a study and its series; a series without UID, of another study or listed twice is counted.

        Parameters
        ----------
        series : callable
            Asks the archive for the series; not called where the study's UID is none.
        """
        rows: dict[SeriesUID, Series] = {}
        for row in series() if is_uid(uid) else ():
            read = self._series(uid, row)
            if read is None:
                continue
            if read.uid in rows:
                self.odd["series listed twice"] += 1
                continue
            rows[read.uid] = read
        if not plain(answer.get("PatientID", "")):
            self.odd["study without a patient number"] += 1
        return Study(
            archive=self.archive,
            uid=uid,
            patient_id=plain(answer.get("PatientID", "")),
            issuer=plain(answer.get("IssuerOfPatientID", "")),
            day=self.day(answer.get("StudyDate", "")),
            description=plain(answer.get("StudyDescription", "")),
            accession=plain(answer.get("AccessionNumber", "")),
            patient_sex=plain(answer.get("PatientSex", "")).upper()[:1],
            patient_birth=self.day(answer.get("PatientBirthDate", "")),
            series=tuple(sorted(rows.values(), key=lambda one: (one.number is None, one.number or 0, one.uid))),
        )

    def _series(self, study: StudyUID, answer: Answer) -> Series | None:
        uid = plain(answer.get("SeriesInstanceUID", ""))
        if not is_uid(uid):
            self.odd["series without a UID"] += 1
            return None
        if plain(answer.get("StudyInstanceUID", study)) != study:
            self.odd["series of another study"] += 1
            return None
        counted = self.whole(answer.get("NumberOfSeriesRelatedInstances", ""))
        if counted is None or counted < 0:
            self.odd["series without a count of instances"] += 1
            counted = None
        return Series(
            uid=SeriesUID(uid),
            modality=plain(answer.get("Modality", "")).upper(),
            number=self.whole(answer.get("SeriesNumber", "")),
            description=plain(answer.get("SeriesDescription", "")),
            body_part=plain(answer.get("BodyPartExamined", "")).upper(),
            manufacturer=plain(answer.get("Manufacturer", "")),
            instances=counted,
        )

    def day(self, text: str) -> date | None:
        """Read a DICOM date (``20240131``, ACR-NEMA's ``2024.01.31`` too); what cannot be read is counted."""
        digits = plain(text).replace(".", "")
        if not digits:
            return None
        try:
            if len(digits) != len("20240131") or not digits.isdecimal():
                raise ValueError
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            self.odd["date that is none"] += 1
            return None

    def whole(self, text: str) -> int | None:
        """Read an integer string; what cannot be read is counted."""
        stripped = plain(text)
        if not stripped:
            return None
        try:
            return int(stripped)
        except ValueError:
            self.odd["number that is none"] += 1
            return None


def plain(text: str) -> str:
    """Return a value without the padding that DICOM allows, in one line."""
    return " ".join(text.replace("\0", " ").split())


def is_uid(text: str) -> bool:
    """Say whether a text can be a UID."""
    return UID.fullmatch(text) is not None


def day_range(since: date | None, until: date | None) -> str:
    """Write days as DICOM range matching does (PS3.4 C.2.2.2.5); empty where nothing is asked."""
    if since is None and until is None:
        return ""
    return "-".join(f"{day:%Y%m%d}" if day else "" for day in (since, until))


def answer_of(data_set: Dataset, keys: Mapping[str, str]) -> dict[str, str]:
    """Return a data set's values by keyword, from the bytes that came: a broken value harms no other.

    Parameters
    ----------
    keys : mapping of keyword to tag
        Such as ``STUDY_KEYS``.
    """
    encodings = _encodings(data_set)
    answer = {}
    for keyword, tag in keys.items():
        element = data_set.get_item(tag)
        value: Any = getattr(element, "value", None)
        if value is None:
            continue
        if isinstance(value, bytes):
            answer[keyword] = plain(_decoded(value, encodings))
        else:
            several = isinstance(value, MultiValue | list | tuple)
            answer[keyword] = plain("\\".join(map(str, value)) if several else str(value))
    return answer


def _encodings(data_set: Dataset) -> list[str]:
    named = data_set.get_item("00080005")
    value: Any = getattr(named, "value", None)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    names = [plain(str(name)) for name in (value.split("\\") if isinstance(value, str) else value or [""])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown name is read as ISO 8859-1, which shows
        try:
            return convert_encodings(names)
        except LookupError:
            return ["iso8859"]


def _decoded(value: bytes, encodings: list[str]) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_bytes(value, encodings, TEXT_VR_DELIMS)
    except (LookupError, UnicodeError):
        return value.decode("latin-1")
