"""What leaves is looked at: kinds, sizes, identity, secrets, archives, rows, small cells; and two people decide."""

import base64
import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.cohort.model import Selected
from voxpop.flow.egress import CohortSearch
from voxpop.kernel.errors import IllegalMove
from voxpop.kernel.ids import RunId, SeriesUID, StudyUID
from voxpop.kernel.imaging import ClinicalFacts, Series, Study
from voxpop.result.egress import errors, patterns
from voxpop.result.egress.checks import Context, look
from voxpop.result.egress.disclosure import is_count, is_small
from voxpop.result.egress.fakes import FixedIdentities, MemoryReleases
from voxpop.result.egress.layers import Form, Layer
from voxpop.result.egress.model import Finding, Limits, Permission, Severity
from voxpop.result.egress.opening import open_file
from voxpop.result.egress.ports import Surroundings
from voxpop.result.egress.service import ReleaseService
from voxpop.result.egress.states import LIFE_CYCLE, ReleaseState

RUN = RunId("bone-density-r1")
STOPS, NEEDS, LOOK = Severity.STOPS, Severity.NEEDS_PERMISSION, Severity.LOOK
PATIENT = b"HC89770800"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*extra: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def nifti(voxels: bytes = bytes(8)) -> bytes:
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 2, 2, 2, 1, 1, 1, 1)
    struct.pack_into("<h", head, 72, 8)
    struct.pack_into("<f", head, 108, 352.0)
    head[344:348] = b"n+1\0"
    return bytes(head) + voxels


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def pdf(*streams: bytes, extra: bytes = b"") -> bytes:
    body = b"%PDF-1.7\n" + extra
    for number, stream in enumerate(streams, start=1):
        packed = zlib.compress(stream)
        body += b"%d 0 obj\n<</Filter/FlateDecode/Length %d>>\nstream\n" % (number, len(packed))
        body += packed + b"\nendstream\nendobj\n"
    return body + b"%%EOF\n"


KNOWN = FixedIdentities((PATIENT,), frozenset({"q6eqvtatra", "abcdefghij"}), frozenset({"control"}))


def found(
    tmp_path: Path, path: str, content: bytes, known: FixedIdentities = KNOWN, limits: Limits | None = None
) -> list[Finding]:
    file = tmp_path / "file"
    file.write_bytes(content)
    limits = limits or Limits()
    return look(open_file(file, path, limits), Context(known, limits))


def codes(findings: Sequence[Finding], severity: Severity = STOPS) -> set[str]:
    return {one.check for one in findings if one.severity is severity}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("outputs/figure.png", png()),
        ("outputs/table.tsv", b"group\tmean_hu\ncontrol\t141.2\n"),
        ("outputs/table.csv", b"group,mean_hu\ncontrol,141.2\n"),
        ("outputs/group.json", b'{"auc": 1.0, "n": 12}'),
        ("outputs/notes.md", b"# Notes\n\nNothing of anybody.\n"),
        ("outputs/page.html", b"<html><body>Nothing</body></html>"),
        ("outputs/figure.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("outputs/report.pdf", pdf(b"BT (Nothing of anybody) Tj ET")),
        ("crate/workflow/tools/measure.py", b"print('measured')\n"),
        ("crate/workflow/run.cwl", b"cwlVersion: v1.2\n"),
        ("outputs/empty.txt", b""),
    ],
)
def test_what_a_result_is_made_of_may_leave(tmp_path: Path, path: str, content: bytes) -> None:
    findings = found(tmp_path, path, content)
    assert codes(findings) == set(), findings
    assert codes(findings, NEEDS) == set(), findings


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("outputs/image.dcm", bytes(128) + b"DICM" + bytes(40)),
        ("outputs/image.txt", bytes(128) + b"DICM" + bytes(40)),
        ("outputs/model.pkl", b"\x80\x04\x95"),
        ("outputs/program.py", b"print(1)\n"),
        ("outputs/figure.png", b"not a picture"),
        ("outputs/table.tsv", png()),
        ("outputs/group.json", b'{"auc": 1.0'),
        ("outputs/image.nii.gz", gzip.compress(b"no image at all")),
        ("outputs/figure.svg", b"no picture"),
        ("outputs/binary.txt", b"text\0and more"),
        ("outputs/latin.txt", "año".encode("latin-1")),
        ("outputs/noname", b"text"),
        ("outputs/new\nline.txt", b"text"),
        ("outputs/figure.png", png() + b"and something behind it"),
        ("outputs/figure.png", png()[:-12]),
        ("outputs/image.nii.gz", gzip.compress(nifti() + b"behind")),
    ],
    ids=lambda one: one if isinstance(one, str) else "content",  # as above
)
def test_every_other_kind_stops_whatever_its_name_says(tmp_path: Path, path: str, content: bytes) -> None:
    assert "kind" in codes(found(tmp_path, path, content))


def test_a_file_that_is_too_large_stops_and_is_not_opened(tmp_path: Path) -> None:
    findings = found(tmp_path, "outputs/table.tsv", b"x" * 11, limits=Limits(file_bytes=10))
    assert [(one.check, one.severity) for one in findings] == [("size", STOPS)]


IDENTIFIED = b"patient " + PATIENT + b" was seen\n"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("outputs/notes.txt", IDENTIFIED),
        ("outputs/HC89770800.txt", b"nothing inside"),
        ("outputs/group.json", json.dumps({"note": PATIENT.decode()}).encode()),
        ("outputs/group.json", b'{"note": "\\u0048C89770800"}'),
        ("outputs/image.nii.gz", gzip.compress(nifti()[:148] + IDENTIFIED.ljust(80) + nifti()[228:])),
        ("outputs/figure.png", png(chunk(b"tEXt", b"Comment\0" + IDENTIFIED))),
        ("outputs/figure.png", png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(IDENTIFIED)))),
        ("outputs/figure.png", png(chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(IDENTIFIED)))),
        ("outputs/report.pdf", pdf(b"BT (patient HC89770800) Tj ET")),
        ("outputs/report.pdf", pdf(b"BT [(HC89)-20(770)-20(800)] TJ ET")),
        ("outputs/report.pdf", pdf(b"BT (H) Tj (C8977) Tj (0800) Tj ET")),
        ("outputs/report.pdf", pdf(b"<?xpacket?><dc:creator>HC89770800</dc:creator>")),
        ("outputs/page.html", b"<p>HC<b>8977</b>0800</p>"),
        ("outputs/page.html", b"<img src='data:image/png;base64," + base64.b64encode(png(IDENTIFIED)) + b"'>"),
        ("outputs/files.zip", zipped(inner=IDENTIFIED)),
        ("outputs/files.tar", tarred("inner.txt", IDENTIFIED)),
    ],
    ids=lambda one: one if isinstance(one, str) else "content",  # archives hold the time, and a test's name must not
)
def test_a_known_value_stops_wherever_it_is_and_is_never_told(tmp_path: Path, path: str, content: bytes) -> None:
    findings = found(tmp_path, path, content)
    assert "identity" in codes(findings)
    assert all(PATIENT.decode() not in one.sentence for one in findings)


def test_the_text_of_a_pdf_is_read_by_the_fonts_own_map_to_unicode(tmp_path: Path) -> None:
    letters = "HC897 0"
    rows = b"".join(b"<%04X> <%04X>\n" % (code, ord(letter)) for code, letter in enumerate(letters, start=1))
    cmap = b"begincmap\n%d beginbfchar\n%sendbfchar\nendcmap" % (len(letters), rows)
    shown = b"".join(b"%04X" % (letters.index(letter) + 1) for letter in "HC89770800")
    fonts = b"8 0 obj\n<</Font<</f0 9 0 R>>>>\nendobj\n9 0 obj\n<</Type/Font/ToUnicode 1 0 R>>\nendobj\n"
    rows_of = found(
        tmp_path, "outputs/a.pdf", pdf(cmap.replace(b"HC", b""), b"BT /f0 9 Tf <%s> Tj ET" % shown, extra=fonts)
    )
    unknown_digit = {"8"} - set(letters)
    assert not unknown_digit
    assert "identity" in codes(rows_of)


def test_a_locked_or_loaded_pdf_stops_and_compressed_bytes_do_not_look_like_one(tmp_path: Path) -> None:
    for extra in (b"<</Encrypt 5 0 R>>", b"<</EmbeddedFiles 5 0 R>>", b"<</S/JavaScript>>"):
        assert "kind" in codes(found(tmp_path, "outputs/a.pdf", pdf(extra=extra)))
    raw = b"%PDF-1.7\n1 0 obj\n<</Subtype/Image/Filter/DCTDecode>>\nstream\n/JS /Encrypt\nendstream\nendobj\n"
    assert codes(found(tmp_path, "outputs/a.pdf", raw)) == set()
    packed = b"%PDF-1.7\n1 0 obj\n<</Filter/LZWDecode>>\nstream\nabc\nendstream\nendobj\n"
    assert "archive" in codes(found(tmp_path, "outputs/a.pdf", packed))


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("DNI 12345678Z", STOPS),
        ("NIE X1234567L", STOPS),
        ("Ferrer^Ada", STOPS),
        ("study 1.2.826.0.1.3680043.8.498.74100292470594030553067758115934067369", STOPS),
        ("write to ada.ferrer@hospital.example.org", LOOK),
    ],
)
def test_what_looks_like_identity_is_found_without_knowing_the_person(
    tmp_path: Path, text: str, severity: Severity
) -> None:
    findings = found(tmp_path, "outputs/notes.txt", text.encode())
    assert "pattern" in codes(findings, severity)
    assert all(text.split()[-1] not in one.sentence for one in findings)


@pytest.mark.parametrize(
    "text",
    [
        "12345678A",
        "a3f12345678z90",
        "2.25.329800735698586629295641978511506172918",
        "1.2.840.10008.5.1.4.1.1.2 is a storage class",
        "version 3.3.20260925135507 of 10.0.0.1",
        "x^2 + y^2, R^T and 10^6",
        "p = 0.1234567890123456",
    ],
)
def test_what_only_resembles_identity_passes(tmp_path: Path, text: str) -> None:
    assert codes(found(tmp_path, "outputs/notes.txt", text.encode())) == set()


@given(st.integers(0, 99_999_999))
def test_exactly_one_letter_of_twenty_three_makes_a_number_a_dni(number: int) -> None:
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    right = [letter for letter in letters if list(patterns.numbers_of_persons(f"{number:08}{letter}"))]
    assert right == [letters[number % 23]]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "vxp_" + "a1" * 16,
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "ghp_" + "a1" * 20,
        'password = "hunter2hunter2"',
        "contraseña: secretosecreto",
        "Authorization: Bearer abcdef0123456789abcdef0123456789",
    ],
)
def test_a_secret_stops_and_is_not_repeated(tmp_path: Path, text: str) -> None:
    findings = found(tmp_path, "outputs/notes.txt", text.encode())
    assert "secret" in codes(findings)
    assert all(text.split()[-1] not in one.sentence for one in findings)


@pytest.mark.parametrize(
    "text", ["the password is asked for", "password: <yours>", "password=None", "a bearer of news"]
)
def test_words_about_secrets_are_no_secret(tmp_path: Path, text: str) -> None:
    assert "secret" not in codes(found(tmp_path, "outputs/notes.txt", text.encode()))


def test_names_that_lead_out_of_an_archive_stop(tmp_path: Path) -> None:
    for name in ("../up.txt", "/etc/passwd", "C:\\x.txt", "a/../../b"):
        assert "archive" in codes(found(tmp_path, "outputs/a.tar", tarred(name, b"x"))), name
        assert "archive" in codes(found(tmp_path, "outputs/a.zip", zipped(**{name: b"x"}))), name


def test_a_bomb_stops_without_being_opened_whole(tmp_path: Path) -> None:
    bomb = zipped(zeros=bytes(64 * 2**20))
    assert "archive" in codes(found(tmp_path, "outputs/a.zip", bomb))
    small = Limits(inflated_bytes=2**20)
    for content in (gzip.compress(nifti(bytes(2**22))), gzip.compress(bytes(2**22))):
        assert "archive" in codes(found(tmp_path, "outputs/a.nii.gz", content, limits=small))
    many = zipped(**{f"f{number}": b"" for number in range(11)})
    assert "archive" in codes(found(tmp_path, "outputs/a.zip", many, limits=Limits(members=10)))


def test_a_zip_behind_a_picture_is_found(tmp_path: Path) -> None:
    assert "archive" in codes(found(tmp_path, "outputs/figure.png", png() + zipped(inner=b"x")))


WRAPPERS = {
    "zip": lambda content: zipped(inner=content),
    "gzip": gzip.compress,
    "tar": lambda content: tarred("inner", content),
}


@given(st.lists(st.sampled_from(sorted(WRAPPERS)), min_size=1, max_size=6))
def test_an_archive_never_leaves_and_what_is_in_it_is_seen_or_it_says_that_it_is_nested(
    tmp_path_factory: pytest.TempPathFactory, layers: list[str]
) -> None:
    content = IDENTIFIED
    for layer in layers:
        content = WRAPPERS[layer](content)
    findings = found(tmp_path_factory.mktemp("nested"), "outputs/files.json", content)
    assert "kind" in codes(findings)
    assert "identity" in codes(findings) or "archive" in codes(findings)
    tar_in_gzip = layers[-2:] == ["tar", "gzip"]
    if len(layers) > 1 + tar_in_gzip:
        assert "archive" in codes(findings)


def test_broken_and_closed_archives_stop(tmp_path: Path) -> None:
    for content in (
        zipped(inner=b"text" * 50)[:-20],
        gzip.compress(nifti())[:-9],
        b"7z\xbc\xaf\x27\x1c" + bytes(40),
        b"\xfd7zXZ\0" + bytes(40),
        gzip.compress(nifti()) + b"behind",
    ):
        assert "archive" in codes(found(tmp_path, "outputs/a.nii.gz", content)), content[:8]


def test_an_image_of_a_person_needs_permission(tmp_path: Path) -> None:
    for path, content in (
        ("outputs/image.nii.gz", gzip.compress(nifti())),
        ("outputs/sub-q6eqvtatra_overlay.png", png()),
        ("outputs/abcdefghij.png", png()),
        ("outputs/page.html", b"sub-q6eqvtatra <img src='data:image/png;base64," + base64.b64encode(png()) + b"'>"),
    ):
        assert codes(found(tmp_path, path, content), NEEDS) >= {"images"}, path


def test_a_picture_that_names_nobody_is_to_be_looked_at(tmp_path: Path) -> None:
    findings = found(tmp_path, "outputs/figure-age.png", png())
    assert [(one.check, one.severity) for one in findings] == [("images", LOOK)]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("outputs/measurements.tsv", b"participant_id\tmean_hu\nA\t141\n"),
        ("outputs/measurements.csv", b"Subject;mean_hu\nA;141\n"),
        ("outputs/measurements.json", b'[{"participant": "A", "mean_hu": 141}]'),
        ("outputs/measurements.json", b'{"columns": [{"name": "session"}], "rows": [["x"]]}'),
        ("outputs/notes.md", b"sub-q6eqvtatra was left out\n"),
        ("outputs/notes.md", b"q6eqvtatra was left out\n"),
        ("outputs/notes.md", b"abcdefghij was left out\n"),
        ("outputs/report.pdf", pdf(b"BT (sub-q6eqvtatra) Tj ET")),
    ],
)
def test_rows_of_persons_need_permission(tmp_path: Path, path: str, content: bytes) -> None:
    assert codes(found(tmp_path, path, content), NEEDS) == {"row-level"}


def test_words_that_begin_with_sub_are_no_participants(tmp_path: Path) -> None:
    assert found(tmp_path, "outputs/notes.md", b"a sub-volume and a sub-analysis of the participants\n") == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("outputs/t.tsv", b"group\tn\ncontrol\t9\n"),
        ("outputs/t.csv", b"group,N (%)\ncontrol,4 (33 %)\n"),
        ("outputs/t.tsv", b"level\tcontrol\nT11\t2\n"),
        ("outputs/t.tsv", b"group\tsex\ncontrol\t12 F, 4 M\n"),
        ("outputs/t.json", b'{"levels": {"T11": {"participants": 3}}}'),
        ("outputs/t.json", b'[{"level": "T11", "patients": 3}]'),
        ("outputs/t.json", b'{"columns": ["level", "number"], "rows": [["T11", "3"]]}'),
    ],
)
def test_a_count_below_ten_stops(tmp_path: Path, path: str, content: bytes) -> None:
    assert codes(found(tmp_path, path, content)) == {"small-cell"}


def test_a_small_count_beside_the_rows_themselves_is_to_be_looked_at(tmp_path: Path) -> None:
    findings = found(tmp_path, "outputs/t.tsv", b"participant\tn\nA\t3\n")
    assert codes(findings) == set()
    assert codes(findings, LOOK) == {"small-cell"}


@given(st.integers(-5, 10_000))
def test_a_cell_is_small_from_one_to_nine_however_it_is_written(number: int) -> None:
    small = 1 <= number <= 9
    assert is_small(number) is small
    assert is_small(float(number)) is small
    if number >= 0:
        for text in (str(number), f" {number} ", f"{number}.0", f"{number} (12 %)", f"{number}/120", f"{number:03}"):
            assert is_small(text) is small, text


@given(st.floats(allow_nan=True).filter(lambda value: value != value or value % 1 != 0), st.booleans())
def test_a_measured_value_is_no_count(value: float, flag: bool) -> None:
    assert not is_small(value)
    assert not is_small(flag)
    assert not is_small(f"{value:.2f}" if f"{value:.2f}"[-2:] != "00" else "0.25")


def test_a_column_of_measured_values_is_no_column_of_counts() -> None:
    assert not any(map(is_count, ("mean_hu", "volume_mm3", "age", "level", "p_value", "slices", "instances")))


def test_a_cell_that_a_spreadsheet_would_run_is_to_be_looked_at(tmp_path: Path) -> None:
    content = b'a,b\n"=cmd()",-4.5\n-,+3\n'
    assert codes(found(tmp_path, "outputs/t.csv", content), LOOK) == {"formula"}
    assert found(tmp_path, "outputs/t.csv", b"a,b\n-4.5,+3e-2\n-,-inf\n") == []


# The search for the participants of a cohort


def search(**facts: object) -> CohortSearch:
    known: dict[str, object] = {
        "archive": "demo",
        "uid": StudyUID("1.2.826.0.1.3680043.8.498.7410029247059403055"),
        "patient_id": "HC89770800",
        "accession": "ACC319154688",
        "patient_birth": date(1976, 2, 25),
        "description": "TC ABDOMEN NHC 8465778",
        "series": (Series(SeriesUID("1.2.826.0.1.3680043.8.498.5483847738106528910"), "CT"),),
        **facts,
    }
    chosen = Selected(1, "Control", Study(**known), ClinicalFacts())  # type: ignore[arg-type]
    return CohortSearch((chosen,), frozenset({"q6eqvtatra"}))


@pytest.mark.parametrize(
    "text",
    [
        "HC89770800",
        "hc89770800",
        "NHC89770800x",
        "number 89770800.",
        "ACC319154688",
        "8465778",
        "1.2.826.0.1.3680043.8.498.7410029247059403055",
        "1.2.826.0.1.3680043.8.498.5483847738106528910",
        "born 1976-02-25",
        "born 25/02/1976",
        "19760225",
    ],
)
def test_what_the_frozen_list_says_of_a_participant_is_found(text: str) -> None:
    for content in (text.encode(), text.encode("utf-16-le")):
        assert search().found(Layer("the file", b"before " + content + b" after", Form.TEXT))


@pytest.mark.parametrize(
    "text",
    [
        "1976",
        "0.897708001",
        "0.89770800",
        "489770800123",
        "ac9b" * 3 + "89770800" + "ac9b" * 12,
        "1.2.826.0.1.3680043.8.498.1",
        "1976-02-26",
        "TC ABDOMEN",
    ],
)
def test_what_is_nobodys_passes_the_search(text: str) -> None:
    assert not search().found(Layer("the file", text.encode(), Form.TEXT))


def test_the_search_says_how_many_values_it_cannot_seek_and_never_which() -> None:
    short = search(patient_id="12", accession="A7", description="")
    assert "and 2 values shorter" in short.coverage
    assert "A7" not in short.coverage
    assert not short.found(Layer("the file", b"12 A7", Form.TEXT))
    assert short.groups == {"control"}


# Two people decide


class Ticking:
    """A clock that goes on a minute each time."""

    def __init__(self) -> None:
        self._minute = 0

    def now(self) -> datetime:
        self._minute += 1
        return datetime(2026, 5, 4, 12, self._minute, tzinfo=UTC)


class Desk:
    """A run with a few results, and the service over it."""

    def __init__(self, tmp_path: Path, limits: Limits | None = None) -> None:
        self.results, self.root = tmp_path / "results", tmp_path / "releases"
        self.kept = MemoryReleases()
        self.put("outputs/figure.png", png())
        self.put("outputs/group.json", b'{"auc": 0.9}')
        self.put("outputs/measurements.tsv", b"participant\tmean_hu\nsub-q6eqvtatra\t141\n")
        for path in ("steps/0001/out.txt", "log.txt", "lock", "outputs/.hidden", "record.json", "crate/.git/x"):
            self.put(path, b"not offered")
        around = Surroundings(lambda run: self.results, KNOWN, self._aliases, limits or Limits())
        self.service = ReleaseService(self.kept, around, self, Ticking(), self.root)
        self.recorded: list[str] = []

    def put(self, path: str, content: bytes) -> None:
        (self.results / path).parent.mkdir(parents=True, exist_ok=True)
        (self.results / path).write_bytes(content)

    def record(self, event: object) -> None:
        self.recorded.append(getattr(event, "action", ""))

    def move(self, *told: object) -> None:
        raise AssertionError(told)

    def _aliases(self, person: str) -> Sequence[str]:
        ada = ("Ada Ferrer", "ada", "ada@example.org")
        return ada if person.casefold() in {word.casefold() for word in ada} else (person,)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_only_outputs_report_and_crate_are_offered_and_no_links(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not of this run")
    (desk.results / "outputs" / "link.txt").symlink_to(secret)
    (desk.results / "outputs" / "folder").symlink_to(tmp_path)
    desk.put("report.pdf", pdf())
    desk.put("crate/ro-crate-metadata.json", b"{}")
    assert [one.path for one in desk.service.offered(RUN)] == [
        "crate/ro-crate-metadata.json",
        "outputs/figure.png",
        "outputs/group.json",
        "outputs/measurements.tsv",
        "report.pdf",
    ]
    for path in ("outputs/link.txt", "log.txt", "steps", "../secret.txt", str(secret), "outputs/../log.txt", ""):
        with pytest.raises(errors.FileNotOffered):
            desk.service.check(RUN, [path], "ada")


def test_a_look_keeps_nothing(desk: Desk) -> None:
    checked = desk.service.check(RUN, (), "ada")
    assert [file.path for file in checked.files] == [
        "outputs/figure.png",
        "outputs/group.json",
        "outputs/measurements.tsv",
    ]
    assert checked.permissions == {Permission.ROW_LEVEL}
    assert {one.check for one in checked.coverage} >= {"identity", "kind", "small-cell", "row-level"}
    assert all(one.says for one in checked.coverage)
    assert list(desk.service.every()) == []
    assert not desk.root.exists()


def test_asking_needs_a_purpose_and_twice_is_once(desk: Desk) -> None:
    with pytest.raises(errors.PurposeMissing):
        desk.service.ask(RUN, ["outputs/figure.png"], "ada", "  ")
    first = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")
    assert desk.service.ask(RUN, ["outputs/figure.png"], "Ada  FERRER", "again") == first
    other = desk.service.ask(RUN, ["outputs"], "ada", "the paper")
    assert [first.id, other.id] == ["bone-density-r1-x1", "bone-density-r1-x2"]
    assert [event.action for event in desk.kept.events] == ["egress.asked", "egress.asked"]
    assert (
        desk.kept.events[0].facts["manifest_sha256"]
        == hashlib.sha256(f"{first.files[0].sha256}  outputs/figure.png\n".encode()).hexdigest()
    )


def test_whoever_asked_cannot_release_by_any_word_they_are_known_by(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "Ada Ferrer", "the paper")
    for name in ("Ada Ferrer", " ada  ferrer", "ada", "ADA@example.org"):
        with pytest.raises(errors.OwnRequest):
            desk.service.release(asked.id, name, "fine")
    assert desk.service.release(asked.id, "Bo", "fine").state is ReleaseState.RELEASED


def test_a_decision_needs_a_person_and_a_reason(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")
    with pytest.raises(errors.ReasonMissing):
        desk.service.release(asked.id, "bo", " ")
    with pytest.raises(errors.ReasonMissing):
        desk.service.refuse(asked.id, "bo", "")
    with pytest.raises(errors.ActorMissing):
        desk.service.release(asked.id, " ", "fine")
    assert desk.service.get(asked.id).state is ReleaseState.REQUESTED


def test_what_is_released_lies_whole_in_its_folder_with_what_was_checked(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs"], "ada", "the paper")
    with pytest.raises(errors.PermissionMissing) as refused:
        desk.service.release(asked.id, "bo", "fine")
    assert refused.value.missing == ("row-level",)
    assert not (desk.root / asked.id).exists()
    released = desk.service.release(asked.id, "bo", "fine", frozenset({Permission.ROW_LEVEL, Permission.IMAGES}))
    assert released.allowed == {Permission.ROW_LEVEL}
    place = desk.service.folder(asked.id)
    record = json.loads((place / "release.json").read_text())
    assert (record["asked_by"], record["decided_by"], record["allowed"]) == ("ada", "bo", ["row-level"])
    assert {check["check"]: check["findings"]["needs-permission"] for check in record["checks"]}["row-level"] == 1
    manifest = (place / "manifest-sha256.txt").read_text().splitlines()
    for line in manifest:
        digest, path = line.split("  ")
        assert hashlib.sha256((place / path).read_bytes()).hexdigest() == digest
    assert len(manifest) == 3
    assert sorted(path.name for path in desk.root.iterdir()) == [asked.id]
    assert desk.kept.events[-1].facts["allowed"] == ["row-level"]


def test_a_stopping_finding_cannot_be_released_by_anybody(desk: Desk) -> None:
    desk.put("outputs/small.tsv", b"group\tn\ncontrol\t3\n")
    asked = desk.service.ask(RUN, ["outputs/small.tsv"], "ada", "the paper")
    with pytest.raises(errors.ReleaseStopped, match="ask anew without such files"):
        desk.service.release(asked.id, "bo", "fine", frozenset(Permission))
    assert desk.service.refuse(asked.id, "bo", "small cells").state is ReleaseState.REFUSED


def test_files_that_were_changed_since_are_not_released(desk: Desk, tmp_path: Path) -> None:
    asked = desk.service.ask(RUN, ["outputs/group.json"], "ada", "the paper")
    file = desk.results / "outputs" / "group.json"
    kept = file.read_bytes()
    away = tmp_path / "away"
    away.write_bytes(kept)

    def replaced() -> None:
        file.unlink()
        file.symlink_to(away)

    for change in (
        lambda: file.write_bytes(b'{"auc": 0.8}'),
        lambda: file.write_bytes(kept + b" "),
        replaced,
        file.unlink,
    ):
        change()
        with pytest.raises(errors.FilesChanged):
            desk.service.release(asked.id, "bo", "fine")
        assert list(desk.root.iterdir()) == []


def test_findings_that_are_not_the_same_any_more_stand_against_a_release(desk: Desk) -> None:
    desk.put("report.pdf", pdf(b"BT (aggregate) Tj ET"))
    asked = desk.service.ask(RUN, ["report.pdf"], "ada", "the paper")
    desk.put("outputs/report.json", b'{"columns": ["n"], "rows": [["3"]]}')
    with pytest.raises(errors.FindingsChanged):
        desk.service.release(asked.id, "bo", "fine")
    assert list(desk.root.iterdir()) == []


def test_a_decision_is_taken_once(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")
    desk.service.refuse(asked.id, "ada", "not needed any more")
    for decide in (desk.service.release, desk.service.refuse):
        with pytest.raises(IllegalMove):
            decide(asked.id, "bo", "fine")
    assert desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper").id == "bone-density-r1-x2"


def test_whoever_asked_withdraws_their_request_and_nobody_else_does(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "Ada Ferrer", "the paper")
    with pytest.raises(errors.NotOwnRequest, match="a data manager can refuse it"):
        desk.service.withdraw(asked.id, "bo")
    with pytest.raises(errors.ActorMissing):
        desk.service.withdraw(asked.id, " ")
    withdrawn = desk.service.withdraw(asked.id, "ada", " a figure was wrong ")
    assert (withdrawn.state, withdrawn.decided_by) == (ReleaseState.WITHDRAWN, "ada")
    assert withdrawn.reason == "a figure was wrong"
    event = desk.kept.events[-1]
    assert (event.action, event.actor, event.reason) == ("egress.withdrawn", "ada", "a figure was wrong")
    for decide in (desk.service.release, desk.service.refuse):
        with pytest.raises(IllegalMove):
            decide(asked.id, "bo", "fine")
    with pytest.raises(IllegalMove):
        desk.service.withdraw(asked.id, "ada")
    with pytest.raises(errors.NotReleased):
        desk.service.folder(asked.id)
    assert desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper").id == "bone-density-r1-x2"


def test_what_is_released_cannot_be_withdrawn(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")
    desk.service.release(asked.id, "bo", "fine")
    with pytest.raises(IllegalMove):
        desk.service.withdraw(asked.id, "ada")
    assert desk.service.folder(asked.id).is_dir()


def test_what_a_decision_has_let_out_is_not_touched_by_another_in_the_same_instant(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")

    def decide(person: str) -> object:
        try:
            return desk.service.release(asked.id, person, f"fine, says {person}").decided_by
        except IllegalMove:
            return None

    with ThreadPoolExecutor(4) as pool:
        decided = [one for one in pool.map(decide, ("bo", "cy", "di", "ed")) if one]
    assert decided == [desk.service.get(asked.id).decided_by]
    record = json.loads((desk.service.folder(asked.id) / "release.json").read_text())
    assert record["decided_by"] == decided[0]


def test_a_refusal_takes_away_what_a_release_that_was_cut_off_has_left(desk: Desk) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")
    (desk.root / asked.id).mkdir(parents=True)
    (desk.root / asked.id / "figure.png").write_bytes(png())
    desk.service.refuse(asked.id, "bo", "not for the paper")
    assert list(desk.root.iterdir()) == []


@given(st.sampled_from(ReleaseState), st.sampled_from(ReleaseState))
def test_only_an_open_request_can_be_decided(source: ReleaseState, target: ReleaseState) -> None:
    open_request = source is ReleaseState.REQUESTED and target is not ReleaseState.REQUESTED
    assert LIFE_CYCLE.allows(source, target) is open_request


def test_what_is_fetched_is_the_same_archive_each_time(desk: Desk, tmp_path: Path) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png", "outputs/group.json"], "ada", "the paper")
    with pytest.raises(errors.NotReleased):
        desk.service.fetch(asked.id, tmp_path / "a.zip", "ada")
    desk.service.release(asked.id, "bo", "fine")
    first = desk.service.fetch(asked.id, tmp_path / "a.zip", "ada").read_bytes()
    os.utime(desk.root / asked.id / "outputs" / "figure.png", (0, 0))
    assert desk.service.fetch(asked.id, tmp_path / "b.zip", "ada").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert archive.read(f"{asked.id}/outputs/figure.png") == png()
    with pytest.raises(errors.TargetExists):
        desk.service.fetch(asked.id, tmp_path / "a.zip", "ada")
    assert desk.recorded == ["egress.fetched", "egress.fetched"]


def test_a_release_whose_folder_was_changed_is_not_fetched(desk: Desk, tmp_path: Path) -> None:
    asked = desk.service.ask(RUN, ["outputs/figure.png"], "ada", "the paper")
    desk.service.release(asked.id, "bo", "fine")
    (desk.root / asked.id / "outputs" / "figure.png").write_bytes(b"something else")
    with pytest.raises(errors.ReleaseBroken):
        desk.service.fetch(asked.id, tmp_path / "a.zip", "ada")
    assert not (tmp_path / "a.zip").exists()
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []


def test_a_request_has_its_limits_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(request_bytes=20))
    asked = desk.service.ask(RUN, (), "ada", "the paper")
    assert ("the request as a whole", "size") in {(one.path, one.check) for one in asked.stopping}
    with pytest.raises(errors.TooMuch):
        Desk(tmp_path / "other", Limits(files=2)).service.check(RUN, (), "ada")


def test_a_run_without_results_offers_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for file in (desk.results / "outputs").iterdir():
        file.unlink()
    with pytest.raises(errors.NothingOffered):
        desk.service.check(RUN, (), "ada")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
def test_an_archive_that_is_damaged_anywhere_stops_and_breaks_nothing(tmp_path: Path, method: int) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.writestr("inner.txt", b"some words, and again some words " * 8)
    whole = sink.getvalue()
    for place in range(len(whole)):
        damaged = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        assert codes(found(tmp_path, "outputs/files.zip", damaged)), place
