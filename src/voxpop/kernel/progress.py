"""How a long task tells a person where it is."""

from typing import Protocol


class Progress(Protocol):
    """A bar, a log line or nothing at all."""

    def start(self, stage: str, total: int) -> None:
        """Begin a stage of ``total`` units."""
        ...

    def advance(self, units: int = 1) -> None:
        """Say that ``units`` more are done."""
        ...

    def finish(self, sentence: str) -> None:
        """End the stage with its one-line result."""
        ...


class Silent:
    """Progress that nobody watches."""

    def start(self, stage: str, total: int) -> None:
        """Begin a stage; nothing is shown."""

    def advance(self, units: int = 1) -> None:
        """Count units; nothing is shown."""

    def finish(self, sentence: str) -> None:
        """End the stage; nothing is shown."""
