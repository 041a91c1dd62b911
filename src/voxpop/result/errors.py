"""What the result stage says no to."""

from voxpop.kernel.errors import Absent, Invalid


class ReportInvalid(Invalid):
    """What a pipeline wrote cannot be read as a report."""

    code = "report-invalid"

    def __init__(self, where: str, fault: str) -> None:
        super().__init__(f"the pipeline's report.json is not right at {where}: {fault}; mend the pipeline")


class ReportAbsent(Absent):
    """The pipeline left no report."""

    code = "report-absent"

    def __init__(self) -> None:
        super().__init__("the pipeline left no report.json: its last step must write one, beside its figures")


class GlyphMissing(Invalid):
    """A report holds a character that no built-in font can show."""

    code = "glyph-missing"

    def __init__(self, text: str) -> None:
        told = ", ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(text))
        super().__init__(
            f"the report cannot be set: no built-in font shows {told}; write that text with other characters"
        )


class ReportNotSet(Invalid):
    """The typesetter refused a report."""

    code = "report-not-set"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the report cannot be set: {reason}")


class FileAbsent(Absent):
    """The file to trace is not there."""

    code = "file-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no file '{name}': name a report or another file that a run left")


class OriginUnknown(Absent):
    """No run left a file of this content."""

    code = "origin-unknown"

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"no run here left a file with SHA-256 {sha256}: "
            "it comes from elsewhere, or was changed since; trace the file as voxpop wrote it"
        )


class DigestInvalid(Invalid):
    """What was given is neither a file nor a digest."""

    code = "digest-invalid"

    def __init__(self, given: str) -> None:
        super().__init__(f"'{given}' is neither a file nor a SHA-256 of 64 hexadecimal digits")
