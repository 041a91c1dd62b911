"""What staging wants to know of a series, without identity: read from the original before its values go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from voxpop.dicom import tags
from voxpop.staging.deid.kinds import image_type

_DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """Facts of a series' first object.

    Parameters
    ----------
    is_localizer : bool
        (0008,0008) says LOCALIZER, SCOUT or TOPOGRAM.
    orientation : str
        ``ax``, ``sag``, ``cor``, or empty where the object does not say.
    age_years : int or None
        The true age at the study, in whole years; from (0010,1010), else from the birth date.
    study_date : date or None
        As the scrubbed objects have it: moved.
    """

    sop_class: str
    modality: str
    manufacturer: str
    body_part: str
    image_type: tuple[str, ...]
    transfer_syntax: str
    rows: int
    columns: int
    frames: int
    is_localizer: bool
    orientation: str
    age_years: int | None
    sex: str
    weight_kg: float | None
    height_m: float | None
    study_date: date | None


def series_facts(seen: Mapping[int, bytes], transfer_syntax: str, days: int) -> SeriesFacts:
    """Read the facts from the values that the walk noted.

    Parameters
    ----------
    days : int
        By how much the person's dates are moved.
    """
    words = image_type(seen)
    studied = _day(_text(seen, tags.STUDY_DATE))
    sex = _text(seen, tags.PATIENT_SEX).upper()
    return SeriesFacts(
        sop_class=_text(seen, tags.SOP_CLASS_UID),
        modality=_text(seen, tags.MODALITY),
        manufacturer=_text(seen, tags.MANUFACTURER),
        body_part=_text(seen, tags.BODY_PART_EXAMINED),
        image_type=words,
        transfer_syntax=transfer_syntax,
        rows=_number(seen, tags.ROWS),
        columns=_number(seen, tags.COLUMNS),
        frames=int(_decimal(seen, tags.NUMBER_OF_FRAMES) or 1),
        is_localizer="LOCALIZER" in words or "SCOUT" in words or "TOPOGRAM" in words,
        orientation=_orientation(seen),
        age_years=_age(seen, studied),
        sex=sex if sex in {"F", "M", "O"} else "",
        weight_kg=_decimal(seen, tags.PATIENT_WEIGHT),
        height_m=_decimal(seen, tags.PATIENT_SIZE),
        study_date=None if studied is None else studied + timedelta(days),
    )


def _text(seen: Mapping[int, bytes], tag: int) -> str:
    return seen.get(tag, b"").strip(b" \0").decode("latin-1")


def _number(seen: Mapping[int, bytes], tag: int) -> int:
    return int.from_bytes(seen.get(tag, b"")[:2], "little")


def _decimal(seen: Mapping[int, bytes], tag: int) -> float | None:
    """Return the first value of a decimal string if it is above zero; zero is what devices write for unknown."""
    try:
        value = float(_text(seen, tag).partition("\\")[0])
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _day(written: str) -> date | None:
    digits = written.replace(".", "")[:8]
    if len(digits) != len("YYYYMMDD") or not digits.isdecimal():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _age(seen: Mapping[int, bytes], studied: date | None) -> int | None:
    written = _text(seen, tags.PATIENT_AGE)
    days = {"D": 1.0, "W": 7.0, "M": _DAYS_A_YEAR / 12, "Y": _DAYS_A_YEAR}.get(written[3:])
    if days is not None and written[:3].isdecimal():
        return int(written[:3]) if written.endswith("Y") else int(int(written[:3]) * days / _DAYS_A_YEAR)
    born = _day(_text(seen, tags.PATIENT_BIRTH_DATE))
    if born is None or studied is None or born > studied:
        return None
    return studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))


def _orientation(seen: Mapping[int, bytes]) -> str:
    """Name the plane whose normal is nearest to that of (0020,0037)."""
    try:
        cosines = [float(part) for part in _text(seen, tags.IMAGE_ORIENTATION).split("\\")]
    except ValueError:
        return ""
    if len(cosines) != 6:
        return ""
    (a, b, c), (d, e, f) = cosines[:3], cosines[3:]
    normal = {"sag": abs(b * f - c * e), "cor": abs(c * d - a * f), "ax": abs(a * e - b * d)}
    return max(normal, key=lambda plane: normal[plane])
