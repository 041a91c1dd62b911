"""The folder's two faces: the catalogue that is harvested, and the source that staging copies from."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path

from voxpop.backends.archive.folder.headers import Header, Kind, read_header
from voxpop.dicom.archives import ArchiveUnreachable, TransferIncomplete, check_settings, silence_the_wire
from voxpop.dicom.landing import Landing
from voxpop.dicom.listing import Listing
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import Study
from voxpop.staging.model import SeriesRequest


class FolderArchive:
    """Every DICOM file below a folder, wherever it lies and whatever it is called.

    Parameters
    ----------
    name : str
        The archive's configured name.
    root : Path
        The folder; nothing is written there.
    """

    def __init__(self, name: str, root: Path) -> None:
        self._name = name
        self._root = root
        self._listing = Listing(name)
        self._headers: dict[SeriesUID, list[Header]] | None = None

    @property
    def name(self) -> str:
        """The archive's configured name."""
        return self._name

    @property
    def odd(self) -> Mapping[str, int]:
        """Files that are no images, and wrong or missing values, counted by kind."""
        return self._listing.odd

    def echo(self) -> None:
        """Look whether the folder is there."""
        if not self._root.is_dir():
            raise ArchiveUnreachable(self._name)

    def studies(self, since: date | None = None, until: date | None = None) -> Iterator[Study]:
        """List studies, each with its series, by UID; files that are no DICOM are counted in ``odd``."""
        self._headers = None
        by_study: dict[StudyUID, list[Header]] = {}
        for headers in self._by_series().values():
            for header in headers:
                by_study.setdefault(header.study, []).append(header)
        for uid in sorted(by_study):
            first = by_study[uid][0]
            if self._listing.within(first.answer, since, until):
                yield self._listing.study(uid, first.answer, partial(_series_answers, by_study[uid]))

    def retrieve(self, request: SeriesRequest, into: Path) -> int:
        """Copy a series' files.

        Raises
        ------
        Unavailable
            If the folder is gone, or holds fewer instances than it did.
        """
        landing = Landing(self._name, request.series, request.instances, into)
        kept = landing.kept()
        if kept is not None:
            return kept
        with landing.open():
            for header in self._by_series().get(request.series, []):
                if header.study == request.study:
                    self._copy(header.path, landing)
        return landing.kept() or 0

    def _copy(self, path: Path, landing: Landing) -> None:
        try:
            shutil.copyfile(path, landing.next_part())
        except (FileNotFoundError, PermissionError) as error:
            self._headers = None
            raise TransferIncomplete(self._name, landing.parts - 1, landing.expected) from error

    def _by_series(self) -> dict[SeriesUID, list[Header]]:
        if self._headers is None:
            self.echo()
            self._headers = self._scan()
        return self._headers

    def _scan(self) -> dict[SeriesUID, list[Header]]:
        found: dict[SeriesUID, list[Header]] = {}
        instances: set[tuple[SeriesUID, str]] = set()
        odd: Counter[str] = Counter()
        for path in sorted(file for file in self._root.rglob("*") if file.is_file() and not file.is_symlink()):
            header = read_header(path)
            if isinstance(header, Kind):
                odd[header.value] += 1
            elif (header.series, header.instance) in instances:
                odd["instance that lies there twice"] += 1
            else:
                instances.add((header.series, header.instance))
                found.setdefault(header.series, []).append(header)
        for kind, files in odd.items():
            self._listing.odd[kind] = files  # a second scan counts the same files, not more
        return found


def _series_answers(headers: list[Header]) -> Iterator[dict[str, str]]:
    """Return one answer for each series, from its first file, with the number of its files."""
    files = Counter(header.series for header in headers)
    answered: set[SeriesUID] = set()
    for header in headers:
        if header.series not in answered:
            answered.add(header.series)
            yield {**header.answer, "NumberOfSeriesRelatedInstances": str(files[header.series])}


def open_archive(name: str, settings: Mapping[str, str]) -> FolderArchive:
    """Open an archive by its settings; nothing is read yet.

    Parameters
    ----------
    settings : mapping
        ``path``, the folder.

    Raises
    ------
    Invalid
        If a setting is missing or unknown.
    """
    silence_the_wire()
    check_settings(name, settings, frozenset({"path"}), frozenset({"path"}))
    return FolderArchive(name, Path(settings["path"]))
