"""What staging says no to."""

from collections.abc import Sequence

from voxpop.kernel.errors import Refused


class IdentityLeft(Refused):
    """The residual scan found identity in what was written; the study is refused as a whole."""

    code = "identity-left"


class ObjectsRefused(Refused):
    """Some or all objects of a series were refused, so the series is: never half there."""

    code = "objects-refused"

    def __init__(self, refused: dict[str, int], written: int) -> None:
        reasons = "; ".join(
            reason
            if number == 1 and not written
            else f"{reason} ({number} of {written + sum(refused.values())} objects)"
            for reason, number in sorted(refused.items())
        )
        super().__init__(reasons)


class Localizer(Refused):
    """The series is a localizer, which nobody analyses."""

    code = "localizer"

    def __init__(self) -> None:
        super().__init__("a localizer, not a stack of images")


class NothingStaged(Refused):
    """Not one study of the cohort could be staged, so there is nothing to seal."""

    code = "nothing-staged"

    def __init__(self, volume: str, reasons: Sequence[str]) -> None:
        super().__init__(f"no study of volume '{volume}' could be staged: {'; '.join(reasons)}; nothing was sealed")
