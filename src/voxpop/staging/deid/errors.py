"""What de-identification says no to."""

from enum import StrEnum
from pathlib import Path

from voxpop.kernel.errors import Absent, Invalid, Refused


class ProfileInvalid(Invalid):
    """A profile cannot be used as it is written."""

    code = "profile-invalid"

    def __init__(self, name: str, line: int, column: int, clause: str) -> None:
        super().__init__(f"{name}, line {line}, column {column}: {clause}")
        self.line = line
        self.column = column


class ProfileAbsent(Absent):
    """There is no profile of this name."""

    code = "profile-absent"


class KeyUnusable(Absent):
    """The key of the pseudonyms is missing, too short, or open to others."""

    code = "pseudonym-key"

    def __init__(self, path: Path, clause: str) -> None:
        super().__init__(f"the key of the pseudonyms, {path.name}, {clause}")


class UnknownTag(Invalid):
    """What was given names no data element."""

    code = "unknown-tag"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is neither a tag such as 0010,0010 nor a keyword such as PatientName")


class FolderUnusable(Invalid):
    """A folder to read from or write to cannot be used."""

    code = "folder-unusable"


class RefusalReason(StrEnum):
    """Why an object is not de-identified; each value is the clause that a person reads."""

    NOT_DICOM = "not a DICOM file"
    DIRECTORY = "a DICOM directory or a file without an image"
    TRUNCATED = "the file is cut off"
    UNREADABLE = "the file's structure cannot be read"
    KIND = "a kind of object that this profile does not stage"
    SECONDARY_CAPTURE = "a Secondary Capture: it may carry text burned into the pixels"
    DOCUMENT = "an encapsulated document"
    REPORT = "a structured report or key object selection"
    ULTRASOUND = "an ultrasound image: it may carry text burned into the pixels"
    PRESENTATION = "a presentation state"
    WAVEFORM = "a waveform"
    RADIOTHERAPY = "a radiotherapy object"
    SEGMENTATION = "a segmentation, registration or measurement object"
    BURNED_IN = "the object says that it carries burned-in annotation"
    MAY_BE_BURNED_IN = "this kind of image may carry burned-in text, and does not say that it has none"
    SCREEN = "a screen or a page of text saved as an image"
    COLOUR = "a colour image of a modality without colour: it may carry burned-in text"
    OVERLAY = "overlay graphics in the unused bits of the pixels"
    TRANSFER_SYNTAX = "an unknown transfer syntax"
    OTHER_PATIENT = "the object belongs to another patient than its series"
    NO_IDENTIFIER = "the object has no SOP Instance, study or series UID"
    NO_PIXELS = "an image object without pixels"
    DEEP = "sequences nested too deep"
    REPEATED = "the SOP Instance UID of another object of the series"


class ObjectRefused(Refused):
    """One object is not de-identified; the reason holds nothing of its content."""

    code = "object-refused"

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
