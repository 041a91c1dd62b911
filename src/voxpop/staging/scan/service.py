"""The residual scan: every byte that was written, for every value of identity that was read."""

import mmap
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from isal import isal_zlib

from voxpop.staging.identity import Identity
from voxpop.staging.scan.errors import UnreadableFile
from voxpop.staging.scan.judgement import Judge
from voxpop.staging.scan.matcher import Hit, Matcher, TooManyHits, matcher_for
from voxpop.staging.scan.places import Map, dataset_map, dicom_map, json_map, meta_end, nifti_map, table_map
from voxpop.staging.scan.report import Finding, ScanReport

_GZIP = b"\x1f\x8b"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_GZIP_ONLY = 16 + zlib.MAX_WBITS
_META_AT_MOST = 2048
_NIFTI_HEADER = 348
_INFLATED = "<inflated>"
# The library's stubs take the class for an instance.
_BROKEN_DEFLATE = cast("type[Exception]", isal_zlib.error)


def scan_files(files: Sequence[Path], identity: Identity, *, shift_days: int | None = None) -> ScanReport:
    """Look in files for every value of an identity.

    Parameters
    ----------
    files : sequence of Path
        What was written: DICOM, NIfTI, JSON, tables, or anything else; gzip is opened.
    identity : Identity
        What was read of the person while it was taken out.
    shift_days : int, optional
        By how many days the dates of this person were shifted, with sign: a date element that is one of the person's
        dates so shifted is no finding although it may by chance equal another of them. Without it every such date is.

    Returns
    -------
    ScanReport
        With any finding, the study is to be refused: ``report.reason`` says why without the value.

    Notes
    -----
    Values are sought from 4 letters or digits on, from 6 in pixel bytes; see ``Judge`` for what is set aside and why.
    """
    scan = _Scan(matcher_for(identity), shift_days)
    for file in files:
        with _bytes_of(file) as content:
            scan.read(content, file.name.lower())
    return scan.report()


class _Scan:
    """The findings so far."""

    def __init__(self, matcher: Matcher, shift_days: int | None) -> None:
        self._matcher = matcher
        self._shift_days = shift_days
        self._found: set[Finding] = set()
        self._aside: Counter[str] = Counter()
        self._bytes = 0

    def read(self, content: memoryview, name: str) -> None:
        """Look through the content of one file."""
        if bytes(content[:2]) == _GZIP:
            self.read(memoryview(_gunzipped(content)), name.removesuffix(".gz"))
            return
        self._bytes += len(content)
        try:
            hits = self._matcher.hits(content)
        except TooManyHits:
            self._found.add(Finding("text", "any", f"{_kind_of(content, name)}, in more places than can be judged"))
            return
        places = _map_of(content, name) if hits else None
        if places:
            self._judge(content, hits, places)
        if _is_deflated(content):
            self.read(memoryview(_inflated(content)), _INFLATED)

    def report(self) -> ScanReport:
        """Return what was found so far."""
        target = self._matcher.target
        return ScanReport(
            findings=tuple(sorted(self._found)),
            bytes_read=self._bytes,
            values_sought=target.values,
            values_not_sought=target.not_sought,
            encodings=self._matcher.encodings,
            set_aside=dict(sorted(self._aside.items())),
        )

    def _judge(self, content: memoryview, hits: Sequence[Hit], places: Map) -> None:
        judge = Judge(self._matcher.target, places, content, self._shift_days)
        for hit in hits:
            place = places.at(hit.first, hit.end)
            reason = judge.set_aside(hit, place)
            if reason:
                self._aside[reason] += 1
            else:
                self._found.add(Finding(hit.pattern.phrase.kind, hit.pattern.written.encoding, place.name))


@contextmanager
def _bytes_of(file: Path) -> Iterator[memoryview]:
    with file.open("rb") as stream:
        if file.stat().st_size == 0:
            yield memoryview(b"")
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                yield view
            finally:
                view.release()


def _map_of(content: memoryview, name: str) -> Map:
    kind = _kind_of(content, name)
    if name == _INFLATED:
        return dataset_map(content)
    return _MAPS[kind](content) if kind in _MAPS else Map(kind)


_MAPS: Final[Mapping[str, Callable[[memoryview], Map]]] = {
    "DICOM": dicom_map,
    "NIfTI image": nifti_map,
    "JSON sidecar": json_map,
    "table": table_map,
}


def _kind_of(content: memoryview, name: str) -> str:
    if bytes(content[128:132]) == b"DICM" or name == _INFLATED:
        return "DICOM"
    if len(content) >= _NIFTI_HEADER and bytes(content[344:347]) in {b"n+1", b"ni1"}:
        return "NIfTI image"
    return {"json": "JSON sidecar", "tsv": "table"}.get(name.rpartition(".")[2], "file")


def _gunzipped(content: memoryview) -> bytes:
    try:
        return _members(content)
    except (_BROKEN_DEFLATE, EOFError) as broken:
        raise UnreadableFile("gzip") from broken


def _members(content: memoryview) -> bytes:
    # RFC 1952: a gzip file may be several members, one behind the other.
    parts: list[bytes] = []
    rest: bytes | memoryview = content
    while bytes(rest[:2]) == _GZIP:
        member = isal_zlib.decompressobj(wbits=_GZIP_ONLY)
        parts.append(member.decompress(rest))
        if not member.eof:
            raise EOFError
        rest = member.unused_data
    return b"".join([*parts, bytes(rest)])


def _is_deflated(content: memoryview) -> bool:
    head = bytes(content[:_META_AT_MOST])
    return head[128:132] == b"DICM" and _DEFLATED in head


def _inflated(content: memoryview) -> bytes:
    # PS3.5, A.5: everything behind the file meta is one raw deflate stream.
    start = meta_end(content)
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:])
    except zlib.error as broken:
        raise UnreadableFile("deflated DICOM") from broken
