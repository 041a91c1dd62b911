"""The connected archives, opened when they are first asked for."""

import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Protocol

from voxpop.cohort.ports import Catalogue
from voxpop.staging.ports import Archive
from voxpop.store.archives import ConnectedArchive, SqlArchives
from voxpop.wiring.errors import ArchiveKindUnknown, ArchiveUnknown


class OpenArchive(Catalogue, Archive, Protocol):
    """An archive that can be asked what it holds, and gives it."""


class Archives(Mapping[str, OpenArchive]):
    """Archives by name.

    Parameters
    ----------
    records : SqlArchives
        How each was connected.
    """

    def __init__(self, records: SqlArchives) -> None:
        self._records = records
        self._opened: dict[str, OpenArchive] = {}
        self._turn = threading.Lock()

    def __getitem__(self, name: str) -> OpenArchive:
        with self._turn:  # one for all threads: an archive that stores to us by C-MOVE finds one port
            if name not in self._opened:
                found = next((one for one in self._records.every() if one.name == name), None)
                if found is None:
                    raise KeyError(name)
                self._opened[name] = _opened(found)
            return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter([one.name for one in self._records.every()])

    def __len__(self) -> int:
        return len(self._records.every())

    def named(self, name: str) -> OpenArchive:
        """Return an archive.

        Raises
        ------
        ArchiveUnknown
            If none of that name is connected.
        """
        try:
            return self[name]
        except KeyError as unknown:
            raise ArchiveUnknown(name) from unknown

    def connect(self, name: str, kind: str, settings: Mapping[str, str], actor: str) -> None:
        """Connect an archive, or change its connection; its settings are tried before they are kept.

        Raises
        ------
        ArchiveKindUnknown
            If no back-end speaks that protocol.
        Invalid
            If a setting is missing, unknown or wrong.
        """
        archive = ConnectedArchive(name, kind, settings)
        self._opened[name] = _opened(archive)
        self._records.connect(archive, actor)


def _opened(archive: ConnectedArchive) -> OpenArchive:
    known = {point.name: point for point in entry_points(group="voxpop.archive")}
    if archive.kind not in known:
        raise ArchiveKindUnknown(archive.kind, ", ".join(sorted(known)))
    opened: OpenArchive = known[archive.kind].load()(archive.name, archive.settings)
    return opened
