"""QIDO-RS: list studies and series completely, from servers that page, cap, or ignore ``offset``."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial

from voxpop.backends.archive.dicomweb.wire import Wire
from voxpop.dicom.archives import ArchiveFailed
from voxpop.dicom.listing import SERIES_KEYS, STUDY_KEYS, Answer, Listing, day_range, plain
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import StudyUID
from voxpop.kernel.imaging import Study

PAGE = 500
FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(2100, 1, 1)

Page = list[dict[str, Json]]


class OffsetIgnored(Exception):
    """A full page came again for another offset: this question cannot be paged."""


class Query:
    """One listing of an archive."""

    def __init__(self, wire: Wire, listing: Listing) -> None:
        self._wire = wire
        self._listing = listing
        self._seen: set[StudyUID] = set()

    def studies(self, since: date | None, until: date | None) -> Iterator[Study]:
        """Yield every study once, with its series."""
        for answer in self._study_answers(since, until):
            uid = self._listing.study_uid(answer)
            if uid is None or not self._listing.within(answer, since, until):
                continue
            if uid in self._seen:
                self._listing.odd["study listed twice"] += 1
                continue
            self._seen.add(uid)
            yield self._listing.study(uid, answer, partial(self._series_answers, uid, answer))

    def _study_answers(self, since: date | None, until: date | None) -> Iterator[Answer]:
        params: dict[str, str | list[str]] = {"includefield": list(STUDY_KEYS.values())}
        days = day_range(since, until)
        if days:
            params["StudyDate"] = days
        try:
            rows = self._all_pages("studies", params, "0020000D", None)
        except OffsetIgnored:
            yield from self._by_halves(since or FIRST_DAY, until or LAST_DAY)
            return
        for row in rows:
            yield read(row, STUDY_KEYS)

    def _by_halves(self, since: date, until: date) -> Iterator[Answer]:
        """Ask for the earlier and the later half of the days; a server that cannot page still answers few days."""
        self._listing.odd["page that ignored the offset"] += 1
        days = (until - since).days
        if days < 1:
            raise ArchiveFailed(self._wire.archive, "lists no more than one page of studies a day and cannot page")
        middle = since + timedelta(days=days // 2)
        yield from self._study_answers(since, middle)
        yield from self._study_answers(middle + timedelta(days=1), until)

    def _series_answers(self, uid: StudyUID, study: Answer) -> list[Answer]:
        counted = self._listing.whole(study.get("NumberOfStudyRelatedSeries", ""))
        params: dict[str, str | list[str]] = {"includefield": list(SERIES_KEYS.values())}
        try:
            rows = self._all_pages(f"studies/{uid}/series", params, "0020000E", counted)
        except OffsetIgnored as error:
            raise ArchiveFailed(self._wire.archive, "cannot page the series of a study") from error
        return [read(row, {**SERIES_KEYS, "StudyInstanceUID": "0020000D"}) for row in rows]

    def _all_pages(self, path: str, params: Mapping[str, str | list[str]], key: str, counted: int | None) -> Page:
        """Ask until a page brings nothing new: a server may cap pages below what we ask for.

        Raises
        ------
        OffsetIgnored
            If a full page repeats the first one: there may be more that we can't reach.
        """
        first: list[str] = []
        rows: Page = []
        known: set[str] = set()
        while counted is None or len(rows) < counted or not rows:
            page = self._wire.answers(path, {**params, "limit": str(PAGE), "offset": str(len(rows))})
            uids = [value(row, key) for row in page]
            if first and uids == first:
                if len(page) == PAGE:
                    raise OffsetIgnored
                break  # more or fewer than we asked for: the first page was everything
            fresh = [row for row, uid in zip(page, uids, strict=True) if uid not in known]
            first = first or uids
            known.update(uids)
            rows.extend(fresh)
            if not fresh:
                break
        return rows


def read(row: Mapping[str, Json], keys: Mapping[str, str]) -> Answer:
    """Return the values of a DICOM JSON object (PS3.18 F.2) by keyword."""
    return {keyword: value(row, tag) for keyword, tag in keys.items() if tag in row}


def value(row: Mapping[str, Json], tag: str) -> str:
    """Return an attribute's values as DICOM text; what has no such form is empty."""
    attribute = row.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    if not isinstance(values, list):
        return ""
    return plain("\\".join(str(one) for one in values if isinstance(one, str | int | float)))
