"""What site local says no to."""

from voxpop.kernel.errors import Invalid, Unavailable


class ApplianceNameInvalid(Invalid):
    """An id that can't name a folder."""

    code = "appliance-name-invalid"

    def __init__(self) -> None:
        super().__init__("an appliance's id is lower-case words joined by hyphens: give one of `voxpop appliance list`")


class WorkingAreaUnwritable(Unavailable):
    """The working area can't be made or removed."""

    code = "working-area-unwritable"

    def __init__(self, appliance: str, site: str, fault: str) -> None:
        super().__init__(f"site '{site}' could not write the working area of appliance '{appliance}': {fault}")
        self.appliance = appliance
