"""The stage's ports in memory, for tests and for trying things out."""

from collections.abc import Mapping, Sequence

from voxpop.kernel.errors import Absent
from voxpop.kernel.ids import RunId
from voxpop.result.model import Kind, Link, ResultFile


class MemoryResults:
    """Files of results, in memory."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], ResultFile] = {}

    def keep(self, files: Sequence[ResultFile]) -> None:
        """Keep files; a path of a run that is kept already gets the new digest."""
        for file in files:
            self._files[(file.run, file.path)] = file

    def of_run(self, run: RunId) -> Sequence[ResultFile]:
        """Return a run's files, by kind and path."""
        return [file for file in self.every() if file.run == run]

    def every(self) -> Sequence[ResultFile]:
        """Return all files, by run, kind and path."""
        return sorted(self._files.values(), key=lambda file: (file.run, file.kind, file.path))


class MemoryChain:
    """A chain of these links and files."""

    def __init__(self, files: Sequence[ResultFile], links: Mapping[tuple[Kind, str], Link]) -> None:
        self._files = files
        self._links = links

    def run_of_output(self, sha256: str) -> ResultFile | None:
        """Return the file of this content; None if there is none."""
        return next((file for file in self._files if file.sha256 == sha256), None)

    def link(self, kind: Kind, name: str) -> Link:
        """Return a link, or raise ``Absent``."""
        if (kind, name) not in self._links:
            raise Absent(f"there is no {kind.value} '{name}' here")
        return self._links[(kind, name)]
