"""What the volume stage says no to."""

from collections.abc import Sequence

from voxpop.kernel.errors import Absent, Invalid, Refused
from voxpop.kernel.ids import VolumeId

_NAMED = 100


class UnsealableFile(Refused):
    """Something in the tree cannot be sealed: a link, a device, or a name with a line break."""

    code = "unsealable-file"

    def __init__(self, kind: str, number: int) -> None:
        super().__init__(
            f"the volume holds {number} thing(s) that cannot be sealed ({kind}): only plain files may stay"
        )
        self.kind = kind


class VolumeFilesAbsent(Absent):
    """The volume's folder is not where it should be."""

    code = "volume-files-absent"

    def __init__(self, volume: str) -> None:
        super().__init__(f"the files of volume '{volume}' are not there: restore them, or stage the cohort again")


class VolumeNotSealed(Refused):
    """A volume that is still built, or was removed, has no content to vouch for."""

    code = "volume-not-sealed"

    def __init__(self, volume: VolumeId, state: str) -> None:
        super().__init__(f"volume '{volume}' is {state}: only a sealed volume can be checked, compared or granted")


class VolumeOver(Refused):
    """A volume whose last day has passed."""

    code = "volume-over"

    def __init__(self, volume: VolumeId, ends_on: str) -> None:
        super().__init__(
            f"volume '{volume}' was for use until {ends_on}, and nothing is deployed over it any more: ask for more "
            "time by a new application"
        )
        self.volume = volume


class GrantTooLong(Invalid):
    """A right that would outlive the volume."""

    code = "grant-too-long"

    def __init__(self, volume: VolumeId, ends_on: str) -> None:
        super().__init__(f"volume '{volume}' ends on {ends_on}: give a last day no later than that")


class ReasonMissing(Invalid):
    """A decision without a reason."""

    code = "reason-missing"

    def __init__(self, decision: str) -> None:
        super().__init__(f"{decision} needs a reason: give one in a few words")


class VolumeChanged(Refused):
    """A volume is not as it was sealed."""

    code = "volume-changed"

    def __init__(self, volume: str, parts: Sequence[str]) -> None:
        more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
        super().__init__(f"volume '{volume}' is not as it was sealed: {'; '.join(parts[:_NAMED])}{more}")


class VolumeNotGranted(Refused):
    """A person opens a volume without a grant that holds today."""

    code = "volume-not-granted"

    def __init__(self, volume: str) -> None:
        super().__init__(f"you have no grant that opens volume '{volume}' today: ask the data manager for one")
