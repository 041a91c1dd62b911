"""Objects that go into a volume themselves have no times of the day.

Moved dates keep the time of the day, which the converter needs to put slices and volumes in their order, and which
no image of a volume tells any more. To the second it is nearly a name for a study, so the objects lose it.
"""

from pathlib import Path

from pydicom import DataElement, Dataset, dcmread

_DAY = 8
_TIMES = ("TM", "DT")


def without_times(source: Path, target: Path) -> None:
    """Write an object anew: each time of the day as 00:00:00, of each date and time the day alone.

    Notes
    -----
    DICOM PS3.15 Annex E, action D. An empty value stays empty.
    """
    read = dcmread(source)
    read.walk(_take)
    read.save_as(target)


def _take(within: Dataset, element: DataElement) -> None:
    del within
    if element.VR not in _TIMES or element.is_empty:
        return
    values = element.value if element.VM > 1 else [element.value]
    taken = ["000000" if element.VR == "TM" else str(value)[:_DAY] for value in values]
    element.value = taken if element.VM > 1 else taken[0]
