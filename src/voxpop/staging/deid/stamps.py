"""What a de-identified object says of its de-identification (PS3.15, E.1.1; PS3.16, CID 7050)."""

from functools import cache

from voxpop.dicom import tags
from voxpop.dicom.confidentiality import BASIC_PROFILE_CODE, EDITION, METHOD_CODES, Option
from voxpop.dicom.elements import element, sequence
from voxpop.staging.deid.profile import Profile

_METHOD = f"voxpop: PS3.15 {EDITION}"


@cache
def stamps(profile: Profile) -> tuple[tuple[int, bytes], ...]:
    """Return the elements that a profile's objects carry, in the order of tags."""
    on = sorted((METHOD_CODES[option] for option in profile.options), key=lambda code: code[0])
    codes = [_code(*code) for code in (BASIC_PROFILE_CODE, *on)]
    dates = "REMOVED"
    if Option.RETAIN_MODIFIED_DATES in profile.options:
        dates = "MODIFIED"
    elif Option.RETAIN_FULL_DATES in profile.options:
        dates = "UNMODIFIED"
    method = f"{_METHOD}\\Default deny beyond Table E.1-1".encode("ascii")
    return (
        (tags.PATIENT_IDENTITY_REMOVED, element(tags.PATIENT_IDENTITY_REMOVED, "CS", b"YES")),
        (tags.DEIDENTIFICATION_METHOD, element(tags.DEIDENTIFICATION_METHOD, "LO", method)),
        (tags.DEIDENTIFICATION_METHOD_CODES, sequence(tags.DEIDENTIFICATION_METHOD_CODES, codes)),
        (
            tags.TEMPORAL_INFORMATION_MODIFIED,
            element(tags.TEMPORAL_INFORMATION_MODIFIED, "CS", dates.encode("ascii")),
        ),
    )


def _code(value: str, meaning: str) -> bytes:
    """Encode a code of the scheme DCM (PS3.3, 8.8)."""
    return (
        element(0x00080100, "SH", value.encode("ascii"))
        + element(0x00080102, "SH", b"DCM")
        + element(0x00080104, "LO", meaning.encode("ascii"))
    )
