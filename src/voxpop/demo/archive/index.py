"""The archive's index: what C-FIND and QIDO-RS ask, answered from headers in memory (PS3.4 C.2.2)."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from re import IGNORECASE, Pattern
from re import compile as pattern

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from voxpop.demo.archive import headers
from voxpop.demo.archive.model import Instance

LEVELS = ("STUDY", "SERIES", "IMAGE")
MATCHED = {
    "STUDY": {*headers.PATIENT, *headers.STUDY},
    "SERIES": {*headers.PATIENT, *headers.STUDY, *headers.SERIES},
    "IMAGE": {*headers.PATIENT, *headers.STUDY, *headers.SERIES, *headers.INSTANCE},
}
Row = tuple[Dataset, tuple[Instance, ...]]


@dataclass(slots=True)
class Index:
    """Instances by study and series; safe to ask and to add to from several threads.

    Parameters
    ----------
    count_extra : int
        Added to every number of instances: the fault of an archive that counts more than it sends.
    """

    count_extra: int = 0
    _studies: dict[str, dict[str, dict[str, Instance]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, instance: Instance) -> bool:
        """Take in an instance; returns whether it was new."""
        with self._lock:
            series = self._studies.setdefault(instance.study, {}).setdefault(instance.series, {})
            return series.setdefault(instance.uid, instance) is instance

    def instances(self, study: str = "", series: str = "", uid: str = "") -> list[Instance]:
        """Return the instances below a study, a series or all, in the order of their instance numbers."""
        with self._lock:
            found = [
                instance
                for s, by_series in self._studies.items() if not study or s == study
                for e, by_uid in by_series.items() if not series or e == series
                for u, instance in by_uid.items() if not uid or u == uid
            ]  # fmt: skip
        return sorted(found, key=lambda i: (i.study, i.series, i.header.get("InstanceNumber") or 0, i.uid))

    def find(self, level: str, keys: Mapping[str, str]) -> list[Dataset]:
        """Answer a query.

        Parameters
        ----------
        level : str
            One of ``LEVELS``.
        keys : mapping of str to str
            Keyword to what it must match; empty matches everything; keys that a level cannot match are ignored.

        Returns
        -------
        list of Dataset
            Everything that the index knows of each match, with its counts.
        """
        wanted = {k: v for k, v in keys.items() if v and (k in MATCHED[level] or k == "ModalitiesInStudy")}
        rows = _ROWS[level](self, keys)
        return [self._answer(level, row) for row in rows if _fits(row, wanted)]

    def _answer(self, level: str, row: Row) -> Dataset:
        header, instances = row
        answer = Dataset()
        allowed = MATCHED[level]
        for element in header:
            if element.keyword in allowed or element.keyword == "SpecificCharacterSet":
                answer[element.tag] = element
        answer.InstanceAvailability = "ONLINE"
        if level == "STUDY":
            study = instances
            answer.ModalitiesInStudy = sorted({str(i.header.get("Modality", "")) for i in study} - {""})
            answer.SOPClassesInStudy = sorted({i.sop_class for i in study})
            answer.NumberOfStudyRelatedSeries = len({i.series for i in study})
            answer.NumberOfStudyRelatedInstances = len(study) + self.count_extra
        elif level == "SERIES":
            answer.NumberOfSeriesRelatedInstances = len(instances) + self.count_extra
        else:
            answer.AvailableTransferSyntaxUID = instances[0].transfer_syntax
        return answer

    def _groups(self, keys: Mapping[str, str], part: Callable[[Instance], str]) -> list[Row]:
        groups: dict[str, list[Instance]] = {}
        studies, series = _listed(keys.get("StudyInstanceUID", "")), _listed(keys.get("SeriesInstanceUID", ""))
        for instance in self.instances():
            if (not studies or instance.study in studies) and (not series or instance.series in series):
                groups.setdefault(part(instance), []).append(instance)
        return [(members[0].header, tuple(members)) for members in groups.values()]


_ROWS: Mapping[str, Callable[[Index, Mapping[str, str]], list[Row]]] = {
    "STUDY": lambda index, keys: index._groups({**keys, "SeriesInstanceUID": ""}, lambda i: i.study),  # noqa: SLF001 -- the class's own table
    "SERIES": lambda index, keys: index._groups(keys, lambda i: i.series),  # noqa: SLF001 -- the same
    "IMAGE": lambda index, keys: index._groups(keys, lambda i: i.uid),  # noqa: SLF001 -- the same
}


def words(level: str) -> Iterable[str]:
    """Return the keywords that a level answers."""
    return MATCHED[level]


def _fits(row: Row, wanted: Mapping[str, str]) -> bool:
    header, instances = row
    for keyword, asked in wanted.items():
        if keyword == "ModalitiesInStudy":
            held = {str(i.header.get("Modality", "")) for i in instances}
            if not held & _listed(asked):
                return False
        elif not matches(keyword, asked, header.get(keyword)):
            return False
    return True


def matches(keyword: str, asked: str, held: object) -> bool:
    """Say whether a value fulfils a key: list of UIDs, range, wildcard or single value (PS3.4 C.2.2.2)."""
    vr = dictionary_VR(keyword)
    values = [str(v) for v in held] if isinstance(held, MultiValue) else [str(held)] if held not in (None, "") else []
    if vr == "UI":
        return bool(_listed(asked) & set(values))
    if vr in {"DA", "TM"}:
        return any(_in_range(asked, value) for value in values)
    if vr in {"IS", "US", "DS"}:
        return any(float(value) == float(asked) for value in values) if _number(asked) else False
    return (
        any(_wildcard(asked, vr == "PN" or keyword == "PatientID").fullmatch(value) for value in values) or asked == "*"
    )


def _listed(text: str) -> set[str]:
    return {part for part in text.replace(",", "\\").split("\\") if part}


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _in_range(asked: str, value: str) -> bool:
    first, dash, last = asked.partition("-")
    if not dash:
        return value == asked
    return (not first or value >= first) and (not last or value[: len(last)] <= last)


@lru_cache(256)
def _wildcard(asked: str, caseless: bool) -> Pattern[str]:  # noqa: FBT001 -- a key of the cache
    literal = asked.replace("[", "[[]")
    return pattern(translate(literal), IGNORECASE if caseless else 0)
