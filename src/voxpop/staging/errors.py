"""What staging says no to."""

from voxpop.kernel.errors import Absent, Unavailable


class ArchiveNotConnected(Absent):
    """A study lies in an archive that is no longer connected."""

    code = "archive-not-connected"

    def __init__(self, name: str) -> None:
        super().__init__(f"the archive '{name}' of this cohort is not connected: connect it with `voxpop archive add`")


class StudyIncomplete(Unavailable):
    """An archive gave fewer instances of a series than it counted."""

    code = "study-incomplete"
