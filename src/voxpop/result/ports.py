"""What the result stage needs from outside."""

from pathlib import Path
from typing import Protocol

from voxpop.result.model import Report


class Typesetter(Protocol):
    """Turns a report into a PDF, the same bytes for the same report."""

    def set(self, report: Report, target: Path) -> None:
        """Write the PDF at ``target``, whole or not at all."""
        ...
