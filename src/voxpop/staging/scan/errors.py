"""What the residual scan says no to."""

from voxpop.kernel.errors import Refused


class UnreadableFile(Refused):
    """A compressed file that cannot be opened, so that its content cannot be vouched for."""

    code = "unreadable-file"

    def __init__(self, kind: str) -> None:
        super().__init__(f"a {kind} file cannot be opened, so it cannot be searched for what identifies the patient")
        self.kind = kind
