"""The residual scan finds what is left of a person, wherever and however it is written, and nothing else."""

import gzip
import json
import struct
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGLSLossless

from voxpop.staging.identity import Identity, IdentityValue
from voxpop.staging.scan import Finding, ScanReport, UnreadableFile, scan_files

KEPT = frozenset({"HEAD", "ORIGINAL", "PRIMARY", "AXIAL", "Philips Medical Systems", "093000.12"})
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def value(kind: str, text: str, raw: bytes | None = None, charset: tuple[str, ...] = ()) -> IdentityValue:
    return IdentityValue(kind, text, text.encode("latin-1", "ignore") if raw is None else raw, charset)


def identity(*values: IdentityValue, kept: frozenset[str] = KEPT) -> Identity:
    return Identity(frozenset(values), kept)


def scan_text(folder: Path, text: str | bytes, person: Identity, name: str = "x.txt") -> ScanReport:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return scan_files([file], person)


def dataset(syntax: str = ExplicitVRLittleEndian) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = "2.25.123456789012345678901234567890123456"
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = "2.25.123456789012345678901234567890123456"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.BodyPartExamined = "HEAD"
    ds.Manufacturer = "Philips Medical Systems"
    ds.StudyDate = "20100203"
    ds.StudyTime = "093000.12"
    ds.ImagePositionPatient = [-149.609375, 1024, 20180918]
    ds.Rows = ds.Columns = 32
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PixelData = np.arange(1024, dtype="<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def saved(ds: Dataset, file: Path) -> Path:
    ds.save_as(file, enforce_file_format=True)
    return file


def nifti(voxels: bytes, bits: int = 16) -> bytes:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<h", header, 72, bits)
    struct.pack_into("<f", header, 108, 352.0)
    header[344:347] = b"n+1"
    return bytes(header) + voxels


NAME = value("person name", "Grünewald^Änne^Maria", "Grünewald^Änne^Maria".encode("latin-1"), ("ISO_IR 100",))


@pytest.mark.parametrize("codec", ["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "written",
    [
        "Grünewald^Änne",
        "Änne Grünewald",
        "GRÜNEWALD, ÄNNE",
        "grünewald_änne",
        "Grünewald",
        "Änne",
        "Maria",
        "änneGRÜNEWALD",
    ],
)
def test_a_name_is_found_in_every_order_case_and_encoding(tmp_path: Path, codec: str, written: str) -> None:
    report = scan_text(tmp_path, b"x " + written.encode(codec) + b" y", identity(NAME))
    assert {found.kind for found in report.findings} == {"person name"}


@pytest.mark.parametrize("written", ["Anne Gruenewald", "GRUNEWALD^ANNE", "Gr\\u00fcnewald"])
def test_a_name_is_found_without_its_accents_and_as_json_escapes(tmp_path: Path, written: str) -> None:
    assert scan_text(tmp_path, f"x {written} y", identity(NAME)).findings


@pytest.mark.parametrize("codec", ["iso2022_jp", "shift_jis", "euc_jp", "utf-8"])
def test_a_japanese_name_is_found_in_its_character_sets(tmp_path: Path, codec: str) -> None:
    person = identity(
        value("person name", "Yamada^Tarou=山田^太郎=やまだ^たろう", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B")
    )
    assert scan_text(tmp_path, b"x " + "山田".encode(codec), person).findings
    assert scan_text(tmp_path, b"x " + "たろう".encode(codec), person).findings


def test_the_bytes_as_they_were_read_are_sought(tmp_path: Path) -> None:
    raw = b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf"
    report = scan_text(tmp_path, b"__" + raw + b"__", identity(IdentityValue("text", "??", raw)))
    assert report.findings == (Finding("text", "as read", "file"),)


DAYS = st.dates(date(1901, 2, 1), date(2030, 1, 1))
FORMATS = (
    "%Y%m%d",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d%m%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%Y/%m/%d",
)


@SLOW
@given(day=DAYS, form=st.sampled_from(FORMATS), codec=st.sampled_from(["ascii", "utf-16-le", "utf-16-be"]))
def test_a_date_is_found_in_every_format(tmp_path: Path, day: date, form: str, codec: str) -> None:
    person = identity(value("date", f"{day:%Y%m%d}"))
    text = day.strftime(form)
    assert scan_text(tmp_path, b"on " + text.encode(codec) + b";", person).findings, text


@pytest.mark.parametrize("written", ["PID-77 1209", "pid771209", "PID_77-1209", "0PID771209"])
def test_an_id_is_found_with_other_separators(tmp_path: Path, written: str) -> None:
    assert scan_text(tmp_path, written, identity(value("id", "PID-771209"))).findings


WORDS = st.text("abcdefghijklmnopqrstuvwxyzäöüéñçł", min_size=6, max_size=12)


@SLOW
@given(
    family=WORDS,
    given_name=WORDS,
    codec=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
    place=st.sampled_from(
        ["text", "private", "pixels", "fragment", "deflated", "meta", "nifti header", "gzip", "json", "tsv"]
    ),
)
def test_a_planted_name_is_found_in_every_place(
    tmp_path: Path, family: str, given_name: str, codec: str, place: str
) -> None:
    person = identity(value("person name", f"{family}^{given_name}", f"{family}^{given_name}".encode()))
    content = f"{given_name} {family}".encode(codec)
    report = scan_files([_planted(tmp_path, content, place)], person)
    assert [found.kind for found in report.findings][:1] == ["person name"]


def _planted(folder: Path, content: bytes, place: str) -> Path:
    ds = dataset(DeflatedExplicitVRLittleEndian if place == "deflated" else ExplicitVRLittleEndian)
    even = content + b" " * (len(content) % 2)
    if place in ("text", "deflated"):
        ds.add_new(0x00204000, "UN", even)
    elif place == "private":
        ds.add_new(0x00291010, "OB", even)
    elif place == "pixels":
        ds.PixelData = ds.PixelData[: -len(even)] + even
    elif place == "fragment":
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds.PixelData = encapsulate([b"\xff\xd8" + even + b"\xff\xd9"])
        ds["PixelData"].VR = "OB"
    elif place == "meta":
        ds.file_meta.PrivateInformationCreatorUID = "2.25.1"
        ds.file_meta.PrivateInformation = even
    else:
        return _planted_beside(folder, content, place)
    return saved(ds, folder / "planted.dcm")


def _planted_beside(folder: Path, content: bytes, place: str) -> Path:
    image = bytearray(nifti(bytes(4096)))
    image[148 : 148 + min(80, len(content))] = content[:80]
    files = {
        "nifti header": ("image.nii", bytes(image)),
        "gzip": ("image.nii.gz", gzip.compress(bytes(image))),
        "json": ("image.json", b'{"ProtocolName": "' + content + b'"}'),
        "tsv": ("participants.tsv", b"participant_id\tnote\nsub-a\t" + content + b"\n"),
    }
    name, packed = files[place]
    (folder / name).write_bytes(packed)
    return folder / name


def test_a_finding_names_the_element_and_not_the_value(tmp_path: Path) -> None:
    ds = dataset()
    item = Dataset()
    item.CodeMeaning = "Änne Grünewald"
    ds.ProcedureCodeSequence = [item]
    report = scan_files([saved(ds, tmp_path / "a.dcm")], identity(NAME))
    assert Finding("person name", "UTF-8", "(0008,1032) > (0008,0104)") in report.findings
    assert "person name" in report.reason
    assert "newald" not in report.reason


def test_nothing_planted_gives_no_finding(tmp_path: Path) -> None:
    person = identity(
        NAME,
        value("id", "1024"),
        value("id", "609375"),
        value("date", "19480229"),
        value("time", "093000"),
        value("text", "Axial"),
        value("text", "149.609375"),
        value("person name", "Philips^Head"),
        value("uid", "1.2.840.10008.1.2.1"),
    )
    sidecar = tmp_path / "a.json"
    sidecar.write_text(
        json.dumps({"Manufacturer": "Philips", "BodyPart": "HEAD", "Philips": 1024, "EchoTime": 0.609375})
    )
    report = scan_files([saved(dataset(), tmp_path / "a.dcm"), sidecar], person)
    assert report.findings == ()
    assert report.set_aside
    assert report.bytes_read == sum(file.stat().st_size for file in (tmp_path / "a.dcm", sidecar))


def test_a_whole_number_of_six_digits_in_a_numeric_element_is_found(tmp_path: Path) -> None:
    report = scan_files([saved(dataset(), tmp_path / "a.dcm")], identity(value("date", "20180918")))
    assert report.findings == (Finding("date", "ASCII", "(0020,0032)"),)


def test_a_full_name_in_a_kept_text_is_found_all_the_same(tmp_path: Path) -> None:
    ds = dataset()
    ds.SeriesDescription = "Philips^Head"
    person = identity(value("person name", "Philips^Head"), kept=KEPT | {"Philips^Head"})
    assert scan_files([saved(ds, tmp_path / "a.dcm")], person).findings


def test_an_id_is_sought_even_where_a_rule_keeps_the_same_text(tmp_path: Path) -> None:
    ds = dataset()
    ds.ManufacturerModelName = "PID771209"
    person = identity(value("id", "PID771209"), kept=KEPT | {"PID771209"})
    assert scan_files([saved(ds, tmp_path / "a.dcm")], person).findings


def test_digits_of_a_derived_uid_are_not_an_id_but_a_component_is(tmp_path: Path) -> None:
    assert not scan_files([saved(dataset(), tmp_path / "a.dcm")], identity(value("id", "567890"))).findings
    ds = dataset()
    ds.StudyInstanceUID = "1.2.3.567890.1"
    assert scan_files([saved(ds, tmp_path / "b.dcm")], identity(value("id", "567890"))).findings


def test_a_uid_is_found_whole_and_not_by_its_beginning(tmp_path: Path) -> None:
    person = identity(*(value("uid", f"1.2.840.113619.2.55.{number}") for number in range(50)))
    assert scan_text(tmp_path, "x 1.2.840.113619.2.55.7 y", person).findings
    assert not scan_text(tmp_path, "x 1.2.840.113619.2.55.777 y", person).findings
    assert scan_text(tmp_path, "1.2.840.113619.2.55.7".encode("utf-16-be"), person).findings


@SLOW
@given(day=DAYS, shift=st.integers(-3650, -365))
def test_a_shifted_date_that_equals_another_date_is_no_leak(tmp_path: Path, day: date, shift: int) -> None:
    shifted = day + timedelta(days=shift)
    person = identity(value("date", f"{day:%Y%m%d}"), value("date", f"{shifted:%Y%m%d}"))
    ds = dataset()
    ds.StudyDate = f"{shifted:%Y%m%d}"
    file = saved(ds, tmp_path / "a.dcm")
    assert not scan_files([file], person, shift_days=shift).findings
    assert scan_files([file], person).findings
    ds.StudyDate = f"{day:%Y%m%d}"
    assert scan_files([saved(ds, file)], person, shift_days=shift).findings


def test_a_shifted_date_outside_a_date_element_is_a_finding(tmp_path: Path) -> None:
    person = identity(value("date", "20200101"), value("date", "20100101"))
    ds = dataset()
    ds.SeriesDescription = "20100101"
    assert scan_files([saved(ds, tmp_path / "a.dcm")], person, shift_days=-3653).findings


def test_voxels_that_read_as_digits_in_utf16_are_no_finding(tmp_path: Path) -> None:
    voxels = "20180918 093015".encode("utf-16-le") * 20
    person = identity(value("date", "20180918"), value("time", "093015"))
    assert not scan_text(tmp_path, nifti(voxels), person, "a.nii").findings
    assert scan_text(tmp_path, nifti(b"20180918" * 20), person, "a.nii").findings


def test_short_values_are_sought_as_whole_words_and_not_in_pixels(tmp_path: Path) -> None:
    person = identity(value("person name", "Kern"))
    assert not scan_text(tmp_path, '{"ConvolutionKernel": "B30f kernel"}', person, "a.json").findings
    assert scan_text(tmp_path, '{"X": "Dr. Kern"}', person, "a.json").findings
    assert not scan_text(tmp_path, nifti(b" Kern " * 9), person, "a.nii").findings


def test_values_not_sought_are_counted_by_reason(tmp_path: Path) -> None:
    person = identity(
        value("person name", "Li"), value("text", "HEAD"), value("date", "19000101"), value("text", "0000"), NAME
    )
    report = scan_text(tmp_path, "", person)
    assert report.values_sought == 1
    assert dict(report.values_not_sought) == {
        "a date that stands for none": 1,
        "equal to a text that a rule keeps": 1,
        "fewer than 4 characters": 1,
        "one character repeated": 1,
    }


def test_parts_of_a_long_text_are_found(tmp_path: Path) -> None:
    text = "The patient lives with her sister at Rose Lane 12 and cannot climb the stairs since last winter."
    assert scan_text(tmp_path, "Rose Lane 12 and cannot climb the stairs since", identity(value("text", text))).findings


def test_a_broken_gzip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        scan_text(tmp_path, gzip.compress(b"x" * 1000)[:-12], identity(NAME), "a.nii.gz")


def test_an_empty_identity_and_an_empty_file_are_clean(tmp_path: Path) -> None:
    assert scan_text(tmp_path, "", Identity()).clean
    assert scan_text(tmp_path, "anything", Identity()).clean


def test_a_truncated_object_is_searched_to_its_last_byte(tmp_path: Path) -> None:
    whole = saved(dataset(), tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(whole[:-500] + "Änne Grünewald".encode())
    assert scan_files([tmp_path / "a.dcm"], identity(NAME)).findings
