"""Look for planted identity in folders, by code that shares nothing with voxpop.

    python tests/acceptance/independent_scan.py --key planted.json FOLDER...

Exits with 0 if nothing was found, 1 if something was, 2 if it cannot work or does not pass its own test, which comes
first: one value planted in each kind of file has to be found. Folders named ``protected`` are left out.
Needs GNU grep, pdftotext, and the Python packages duckdb and pydicom.
"""

import argparse
import base64
import binascii
import bisect
import gzip
import html
import io
import itertools
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

CODECS = ("utf-8", "latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "shift_jis", "euc_jp", "euc_kr", "gb18030")
SHIFTING = ("iso2022_jp", "iso2022_jp_2", "iso2022_kr")
SHORTEST = 4
SHORTEST_NUMBER = 6
LONG_NUMBER = 8
SHORTEST_PART = 6
DEEPEST = 4
TEXT = 4096
BATCH = 32 * 2**20
WORD = re.compile(rb"[0-9A-Za-z]")
BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
DATE = re.compile(r"(\d{4})(\d{2})(\d{2})$")


@dataclass(frozen=True)
class Needle:
    """Some bytes that are sought, and what they mean."""

    content: bytes
    kind: str
    number: int


@dataclass(frozen=True)
class Found:
    """A planted value in a file; ``number`` is its row in the key, so that no output repeats the value."""

    file: str
    layer: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.file} [{self.layer}]: planted value {self.number} ({self.kind})"


class CannotScan(Exception):
    """A needed tool is missing, or a file could not be opened up."""


def planted_values(key: Path) -> list[tuple[str, str]]:
    """Read kind and value of each row of an answer key, in its order."""
    document = json.loads(key.read_text(encoding="utf-8"))
    if isinstance(document, dict):
        rows = [row for patient in document["patients"] for row in patient["planted"]]
    else:
        rows = document
    return [(str(row.get("kind", "value")), str(row["value"])) for row in rows]


class Haystack:
    """Searches bytes for many needles at once."""

    def __init__(self, values: list[tuple[str, str]]) -> None:
        self.needles: dict[bytes, Needle] = {}
        self.not_sought = 0
        for number, (kind, value) in enumerate(values):
            forms = set(_forms(kind, value))
            if not forms:
                self.not_sought += 1
            for content in forms:
                self.needles.setdefault(content, Needle(content, kind, number))
        self._patterns = tempfile.NamedTemporaryFile(suffix=".patterns")  # noqa: SIM115 -- lives as long as this object
        self._patterns.write(b"\n".join(sorted(self.needles)) + b"\n")
        self._patterns.flush()

    def hits(self, contents: list[bytes]) -> Iterator[tuple[int, Needle]]:
        """Yield the needles that are in some of the bytes, plain or as UTF-16, with the number of those bytes."""
        yield from self._hits(contents, wide=False)
        for lane in (0, 1):
            # In UTF-16 every other byte of what is looked for is zero.
            lanes = [one[lane::2] if one[1 - lane :: 2].count(0) >= SHORTEST else b"" for one in contents]
            yield from self._hits(lanes, wide=True)

    def _hits(self, contents: list[bytes], *, wide: bool) -> Iterator[tuple[int, Needle]]:
        starts = [0, *itertools.accumulate(len(one) + 1 for one in contents)]
        whole = b"\n".join(contents)
        if not self.needles or not whole:
            return
        command = ["grep", "-a", "-o", "-b", "-F", "-i", "-f", self._patterns.name]
        environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
        done = subprocess.run(command, input=whole, capture_output=True, check=False, env=environment)
        if done.returncode > 1:
            raise CannotScan(f"grep failed: {done.stderr.decode(errors='replace')}")
        for line in done.stdout.split(b"\n"):
            offset, colon, matched = line.partition(b":")
            needle = self.needles.get(matched.lower()) if colon and offset.isdigit() else None
            if needle and _is_whole(whole, int(offset), needle, wide=wide):
                yield bisect.bisect_right(starts, int(offset)) - 1, needle


def _forms(kind: str, value: str) -> Iterator[bytes]:
    for text in _spellings(kind, value):
        plain = text.strip()
        if len(plain) < SHORTEST or (plain.isdigit() and len(plain) < SHORTEST_NUMBER) or "\n" in plain:
            continue
        for form in _encoded(plain):
            if b"\n" not in form and len(form) >= SHORTEST:
                # grep folds the case of ASCII letters only.
                yield form.lower()


def _spellings(kind: str, value: str) -> Iterator[str]:
    yield from re.split(r"[\r\n]+", value)
    day = DATE.match(value)
    if day and kind == "date":
        y, m, d = day.groups()
        yield from (f"{y}-{m}-{d}", f"{d}/{m}/{y}", f"{d}.{m}.{y}", f"{m}/{d}/{y}", f"{d}{m}{y}")
    if "^" in value or kind == "person name":
        for group in value.split("="):
            parts = [part for part in group.split("^") if part]
            yield from (group, " ".join(parts), " ".join(parts[1:2] + parts[:1]), ", ".join(parts[:2]))
            yield from (part for part in parts if len(part) >= SHORTEST_PART)


def _encoded(text: str) -> Iterator[bytes]:
    variants = {text, text.lower(), text.upper(), text.title()} if not text.isascii() else {text}
    for variant in variants:
        for codec in CODECS if not text.isascii() else ("ascii",):
            yield from _try(variant, codec)
        yield json.dumps(variant)[1:-1].encode()
        yield urllib.parse.quote(variant).encode()
        yield urllib.parse.quote_plus(variant).encode()
        yield html.escape(variant).encode()
        yield variant.encode("ascii", "xmlcharrefreplace")
        yield variant.replace(" ", "_").encode()
    if not text.isascii():
        for codec in SHIFTING:
            for form in _try(text, codec):
                yield form.removesuffix(b"\x1b(B")


def _try(text: str, codec: str) -> Iterator[bytes]:
    try:
        yield text.encode(codec)
    except UnicodeEncodeError:
        return


def _is_whole(content: bytes, start: int, needle: Needle, *, wide: bool) -> bool:
    """Leave out digits in longer numbers and digests, and short words in longer ones."""
    end = start + len(needle.content)
    before, after = content[max(0, start - 1) : start], content[end : end + 1]
    if needle.content.isdigit():
        if wide and len(needle.content) < LONG_NUMBER:
            return False
        return not (WORD.match(before) or WORD.match(after) or b"." in (before, after))
    if len(needle.content) < SHORTEST_PART:
        return not (WORD.match(before) or WORD.match(after))
    return True


def scan_folder(folder: Path, haystack: Haystack) -> list[Found]:
    """Search every file of a folder, or one file."""
    if folder.is_file():
        return scan_files([folder], haystack)
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink())
    return scan_files((file for file in files if "protected" not in file.relative_to(folder).parts), haystack)


def scan_files(files: Iterable[Path], haystack: Haystack) -> list[Found]:
    """Search files: their names, their bytes, and all that is packed in them."""
    found: dict[Found, None] = {}
    batch: list[tuple[Path, str, bytes]] = []
    size = 0
    for file in files:
        for layer, content in [("name", file.name.encode()), *layers(file.read_bytes())]:
            batch.append((file, layer, content))
            size += len(content)
            if size > BATCH:
                found.update(dict.fromkeys(_scan_batch(batch, haystack)))
                batch, size = [], 0
    found.update(dict.fromkeys(_scan_batch(batch, haystack)))
    return list(found)


def _scan_batch(batch: list[tuple[Path, str, bytes]], haystack: Haystack) -> Iterator[Found]:
    for number, needle in haystack.hits([content for _, _, content in batch]):
        file, layer, _ = batch[number]
        # Days in scans.tsv are shifted: they may be another patient's by chance.
        if not (needle.kind == "date" and file.name.endswith("_scans.tsv")):
            yield Found(str(file), layer, needle.kind, needle.number)


def layers(content: bytes, name: str = "bytes", depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield some bytes, and what is packed in them, each with a name."""
    yield name, content
    if depth >= DEEPEST:
        return
    for start, unpack in UNPACK.items():
        if content.startswith(start, 128 if start == b"DICM" else 0):
            for inner, part in unpack(content):
                yield from layers(part, f"{name} > {inner}", depth + 1)
    if b"\0" not in content[:TEXT] or content.startswith(b"SQLite"):
        for run in BASE64.findall(content):
            decoded = _base64(run)
            if decoded:
                yield from layers(decoded, f"{name} > base64", depth + 1)


def _base64(run: bytes) -> bytes:
    # Digests and identifiers are base64 by chance: what is text or a pickle is worth a look.
    try:
        return base64.b64decode(run[: len(run) // 4 * 4])
    except binascii.Error:
        return b""


def _gzip(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield "gzip", gzip.decompress(content)


def _zip(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            yield "zip member's name", member.filename.encode()
            yield "zip member", archive.read(member)


def _pdf(content: bytes) -> Iterator[tuple[str, bytes]]:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=False)
    if done.returncode:
        raise CannotScan("pdftotext cannot read a PDF")
    yield "text of the pages", done.stdout
    yield "text of the pages", b" ".join(done.stdout.split())
    for match in re.finditer(rb"stream\r?\n", content):
        stream = zlib.decompressobj()
        try:
            yield "Flate stream", stream.decompress(content[match.end() :])
        except zlib.error:
            continue


def _parquet(content: bytes) -> Iterator[tuple[str, bytes]]:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "x.parquet")
        source.write_bytes(content)
        with closing(duckdb.connect()) as connection:
            rows = connection.execute("SELECT * FROM read_parquet(?)", [str(source)]).fetchall()
    yield "Parquet rows", "\n".join("\t".join(_cell(cell) for cell in row) for row in rows).encode()


def _cell(cell: object) -> str:
    return cell.strftime("%Y%m%d %Y-%m-%d") if isinstance(cell, date) else str(cell)


def _sqlite(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "x.db")
        source.write_bytes(content)
        with closing(sqlite3.connect(source)) as connection:
            yield "SQLite dump", "\n".join(connection.iterdump()).encode()
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in names:
                for row in connection.execute(f'SELECT * FROM "{table}"'):
                    for cell in row:
                        if isinstance(cell, bytes):
                            yield "SQLite blob", cell


def _png(content: bytes) -> Iterator[tuple[str, bytes]]:
    at = 8
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        if kind == b"zTXt":
            yield "PNG zTXt", zlib.decompress(body.split(b"\0", 1)[1][1:])
        elif kind == b"iTXt":
            _, rest = body.split(b"\0", 1)
            text = rest[2:].split(b"\0", 2)[2]
            yield "PNG iTXt", zlib.decompress(text) if rest[:1] == b"\1" else text
        at += 12 + length


def _dicom(content: bytes) -> Iterator[tuple[str, bytes]]:
    import pydicom

    try:
        ds = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        yield "DICOM elements", str(ds).encode("utf-8", "replace")
    except Exception as error:
        raise CannotScan(f"pydicom cannot read an object: {type(error).__name__}") from error
    if ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1.99":
        end = 132 + 12 + ds.file_meta.FileMetaInformationGroupLength
        yield "deflated DICOM", zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[end:])


UNPACK: dict[bytes, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    b"\x1f\x8b": _gzip,
    b"PK\3\4": _zip,
    b"%PDF": _pdf,
    b"PAR1": _parquet,
    b"SQLite format 3\0": _sqlite,
    b"\x89PNG": _png,
    b"DICM": _dicom,
}


# The test of itself: one planted value in each kind of file.

SECRET = "Grünewald^Änne"
SPOKEN = "Änne Grünewald"
JAPANESE = "山田太郎"


def plant(folder: Path) -> list[str]:
    """Write one file of each kind with a planted value in it; return the names."""
    import duckdb
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    write = {
        "plain.txt": SPOKEN.encode(),
        "latin1.txt": SPOKEN.encode("latin-1"),
        "utf16le.bin": b"x" + SPOKEN.encode("utf-16-le"),
        "utf16be.bin": SPOKEN.encode("utf-16-be"),
        "upper.txt": SPOKEN.upper().encode(),
        "escaped.json": json.dumps({"name": SPOKEN}).encode(),
        "iso2022.bin": b"xx " + JAPANESE.encode("iso2022_jp"),
        "shiftjis.bin": JAPANESE.encode("shift_jis"),
        "base64.txt": base64.b64encode(b"pickled: " + SPOKEN.encode() + b" and so on"),
        "image.nii.gz": gzip.compress(b"\0" * 352 + SPOKEN.encode()),
        "page.pdf": _pdf_with(SPOKEN),
        "text.png": _png_with(b"tEXt", b"Author\0" + SPOKEN.encode("latin-1")),
        "ztxt.png": _png_with(b"zTXt", b"Author\0\0" + zlib.compress(SPOKEN.encode("latin-1"))),
        "itxt.png": _png_with(b"iTXt", b"Author\0\1\0\0\0" + zlib.compress(SPOKEN.encode())),
    }
    for name, content in write.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json.gz", gzip.compress(SPOKEN.encode()))
    with closing(duckdb.connect()) as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS name, range AS n FROM range(2000)", [SPOKEN])
        connection.execute(f"COPY t TO '{folder / 'table.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
    for name, forget in (("rows.db", False), ("freelist.db", True)):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute("CREATE TABLE t (name TEXT)")
            connection.executemany("INSERT INTO t VALUES (?)", [(SPOKEN,)] * 500)
            connection.commit()
            if forget:
                connection.execute("DROP TABLE t")
                connection.commit()
    for name, syntax in (("object.dcm", "1.2.840.10008.1.2.1"), ("deflated.dcm", "1.2.840.10008.1.2.1.99")):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.PatientName = SECRET
        ds.save_as(folder / name, enforce_file_format=True)
    return sorted(file.name for file in folder.iterdir())


def _pdf_with(text: str) -> bytes:
    page = zlib.compress(b"BT /F1 12 Tf 20 100 Td (" + text.encode("latin-1") + b") Tj ET")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def _png_with(kind: bytes, body: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(kind, body) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    )


def self_test() -> list[str]:
    """Return what the scanner fails to do: kinds of file in which it misses a planted value, or a false alarm."""
    for tool in ("grep", "pdftotext"):
        if shutil.which(tool) is None:
            return [f"the program '{tool}' is missing"]
    haystack = Haystack([("person name", SECRET), ("person name", JAPANESE)])
    strangers = Haystack([("person name", "Quistorp^Elfriede"), ("id", "PID-77120953")])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        missed = [f"misses a value in {file}" for file in plant(folder) if not scan_files([folder / file], haystack)]
        alarms = [f"false alarm: {found}" for found in scan_folder(folder, strangers)]
    return [*missed, *alarms]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", type=Path, required=True, help="the answer key: what was planted")
    parser.add_argument("folders", type=Path, nargs="+")
    asked = parser.parse_args(arguments)
    faults = self_test()
    if faults:
        print("the scanner does not pass its own test:", *faults, sep="\n  ", file=sys.stderr)
        return 2
    try:
        values = planted_values(asked.key)
        haystack = Haystack(values)
        found = [one for folder in asked.folders for one in scan_folder(folder, haystack)]
    except (CannotScan, OSError, KeyError) as error:
        print(f"cannot scan: {error}", file=sys.stderr)
        return 2
    for one in found:
        print(one)
    print(
        f"{len(values)} planted values, {len(haystack.needles)} ways of writing them, "
        f"{haystack.not_sought} too short to be sought, {len(found)} findings",
        file=sys.stderr,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
