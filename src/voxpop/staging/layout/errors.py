"""What the layout says no to."""

from voxpop.kernel.errors import Invalid, Refused


class NameNotAllowed(Invalid):
    """A label that BIDS does not allow in a file name."""

    code = "name-not-allowed"

    def __init__(self, entity: str) -> None:
        super().__init__(f"the {entity} of an image may hold letters and digits only: give it another label")
        self.entity = entity


class SidecarUnreadable(Refused):
    """A sidecar that is no JSON object."""

    code = "sidecar-unreadable"

    def __init__(self) -> None:
        super().__init__("the converter wrote a sidecar that is no JSON object: the series is refused")
