"""What dcm2niix says no to."""

from voxpop.kernel.errors import Refused


class ConversionRefused(Refused):
    """The tool converted nothing, or not everything, of a series."""

    code = "conversion-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the series could not be converted to NIfTI: {reason}")
        self.reason = reason
