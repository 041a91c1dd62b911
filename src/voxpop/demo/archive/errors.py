"""What can go wrong with the test archive itself."""

from voxpop.kernel.errors import Absent, Unavailable


class ArchiveDidNotStart(Unavailable):
    """The serving process ended, or said nothing in time."""

    code = "test-archive-did-not-start"

    def __init__(self) -> None:
        super().__init__("the test archive did not start: see that this machine lets programs listen on 127.0.0.1")


class FolderAbsent(Absent):
    """A folder that was to be served is not there."""

    code = "archive-folder-absent"

    def __init__(self, number: int) -> None:
        super().__init__(f"archive folder {number} is not a folder that can be read: check the path that you gave")
        self.number = number
