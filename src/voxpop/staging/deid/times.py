"""Objects that go into a volume themselves have no times of the day.

Moved dates keep the time of the day, which the converter needs to put slices and volumes in their order, and which
no image of a volume tells any more. To the second it is nearly a name for a study, so the objects lose it.
"""

from pathlib import Path

from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR

_DAY = 8
_UNSAID = (None, "UN")


def without_times(source: Path, target: Path) -> None:
    """Write an object anew: each time of the day as 00:00:00, of each date and time the day alone.

    Every other element is written with the bytes that it had.

    Notes
    -----
    DICOM PS3.15 Annex E, action D. An empty value stays empty.
    """
    read = dcmread(source)
    _take_times(read)
    read.save_as(target)


def _take_times(dataset: Dataset) -> None:
    for tag in list(dataset.keys()):
        said = dataset.get_item(tag).VR
        vr = dictionary_VR(tag) if said in _UNSAID and dictionary_has_tag(tag) else said
        if vr == "SQ":
            for item in dataset[tag].value:
                _take_times(item)
        elif vr in ("TM", "DT") and not dataset[tag].is_empty:
            dataset[tag] = DataElement(tag, vr, _taken(vr, dataset[tag]))


def _taken(vr: str, element: DataElement) -> list[str]:
    values = element.value if element.VM > 1 else [element.value]
    return ["000000" if vr == "TM" else str(value)[:_DAY] for value in values]
