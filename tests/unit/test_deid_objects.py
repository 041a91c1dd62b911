"""What de-identification makes of whole objects."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    SecondaryCaptureImageStorage,
)
from tests.deid_objects import SECRET, ct, key_of, saved, scrubbed, scrubbed_with_identity, text_tags

from voxpop.dicom.iods import place_of
from voxpop.staging.deid import (
    Action,
    ObjectRefused,
    PatientKey,
    Profile,
    RefusalReason,
    ScrubContext,
    explain,
    load_profile,
    scrub_file,
    scrub_series,
)

TOKEN = "ZQXJKV"
KEPT_TEXT = {
    "ContrastBolusRoute",
    "ConvolutionKernel",
    "FilterType",
    "Manufacturer",
    "ManufacturerModelName",
    "PositionReferenceIndicator",
    "RescaleType",
    "SoftwareVersions",
    "WindowCenterWidthExplanation",
}


def test_of_a_token_in_every_text_element_only_the_named_ones_survive(tmp_path: Path) -> None:
    image = ct()
    for tag in text_tags():
        image.add_new(tag, explain(load_profile(), tag).vr, TOKEN)
    assert len(text_tags()) > 700
    done = scrubbed(image, tmp_path)
    left = {each.keyword for each in done.iterall() if TOKEN in str(each.value)}
    assert left == KEPT_TEXT
    assert all(explain(load_profile(), word).action is Action.KEEP for word in left)


def test_no_token_survives_in_the_items_of_any_sequence_but_where_the_standard_has_a_code(tmp_path: Path) -> None:
    place = place_of(ct().SOPClassUID)
    assert place is not None
    item, image = Dataset(), ct()
    for text in text_tags():
        item.add_new(text, explain(load_profile(), text).vr, TOKEN)
    sequences = [tag for tag in place.attributes if explain(load_profile(), tag).vr == "SQ"]
    assert len(sequences) > 50
    for tag in sequences:
        image.add_new(tag, "SQ", Sequence([item]))
    for outer in scrubbed(image, tmp_path):
        for each in outer.value[0] if outer.VR == "SQ" and outer.value else ():
            if TOKEN in str(each.value):
                assert place.below(int(outer.tag)).attribute(int(each.tag)) is not None, (outer.name, each.keyword)
                assert each.VR != "PN"


def test_a_name_in_a_number_a_code_or_an_age_is_taken_away(tmp_path: Path) -> None:
    original = saved(ct(BodyPartExamined="AAAAAAAA", SliceThickness="8"), tmp_path / "original.dcm").read_bytes()
    spoiled = tmp_path / "spoiled.dcm"
    spoiled.write_bytes(
        original.replace(b"AAAAAAAA", b"Doe^Jane").replace(b"071Y", b"DOE ").replace(b"DS\x02\x008 ", b"DS\x02\x00JD")
    )
    scrub_file(spoiled, tmp_path / "done.dcm", ScrubContext(load_profile(), key_of(ct())))
    written = (tmp_path / "done.dcm").read_bytes()
    assert b"Doe" not in written
    assert b"DOE" not in written
    assert b"JD" not in written


def test_person_study_and_series_get_pseudonyms(tmp_path: Path) -> None:
    image = ct()
    done, key = scrubbed(image, tmp_path), key_of(image)
    assert done.PatientID == done.PatientName == key.label
    assert done.StudyID == key.session(image.StudyInstanceUID)
    assert done.AccessionNumber == ""
    assert done.PatientBirthDate == ""
    for word in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert done[word].value == key.uid(image[word].value)
    assert done.SOPClassUID == image.SOPClassUID


def test_dates_move_together_and_times_stay(tmp_path: Path) -> None:
    image = ct(SeriesDate="20190716", AcquisitionDateTime="20190716101501.5+0200", ContentDate="2019")
    done = scrubbed(image, tmp_path)
    days = key_of(image).days
    moved = (done["SeriesDate"].value, done["StudyDate"].value)
    assert int(moved[0][-2:]) - int(moved[1][-2:]) in {1, -30, -29, -28, -27}
    assert done.AcquisitionDateTime == f"{moved[0]}101501.5"
    assert done.StudyTime == "101500"
    assert done.ContentDate == ""
    assert done.LongitudinalTemporalInformationModified == "MODIFIED"
    assert days < -364


def test_without_dates_they_go_by_type(tmp_path: Path) -> None:
    done = scrubbed(ct(SeriesDate="20190716"), tmp_path, load_profile("basic"))
    assert done.StudyDate == ""
    assert done.StudyTime == ""
    assert "SeriesDate" not in done
    assert "PatientAge" not in done
    assert done.LongitudinalTemporalInformationModified == "REMOVED"


@pytest.mark.parametrize(
    ("age", "written"), [("088Y", "088Y"), ("089Y", "089Y"), ("090Y", "089Y"), ("104Y", "089Y"), ("011M", "011M")]
)
def test_an_age_of_89_or_more_is_written_as_89(tmp_path: Path, age: str, written: str) -> None:
    assert scrubbed(ct(PatientAge=age), tmp_path).PatientAge == written


def test_what_was_done_is_written_into_the_object(tmp_path: Path) -> None:
    done = scrubbed(ct(PatientIdentityRemoved="NO", DeidentificationMethod="by hand, by Mary"), tmp_path)
    assert done.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in done.DeidentificationMethodCodeSequence] == ["113100", "113107", "113108"]
    assert "Mary" not in str(done.DeidentificationMethod)


def test_the_file_meta_information_is_voxpops_own(tmp_path: Path) -> None:
    image = ct()
    image.file_meta.SourceApplicationEntityTitle = "HOSPITAL_CT1"
    image.file_meta.PrivateInformationCreatorUID = "1.2.3"
    image.file_meta.PrivateInformation = b"Doe^Jane"
    image.preamble = b"Doe^Jane" + bytes(120)
    done, identity = scrubbed_with_identity(image, tmp_path)
    written = (tmp_path / "scrubbed.dcm").read_bytes()
    assert b"HOSPITAL" not in written
    assert b"Doe" not in written
    assert written[:128] == bytes(128)
    assert done.file_meta.MediaStorageSOPInstanceUID == done.SOPInstanceUID
    assert {"HOSPITAL_CT1", "Doe^Jane"} <= {value.text for value in identity.values if value.kind == "meta"}


def test_private_groups_overlays_curves_lengths_signatures_and_padding_go(tmp_path: Path) -> None:
    image = ct()
    image.private_block(0x0019, "ACME 1.0", create=True).add_new(1, "LO", "Doe^Jane")
    for tag, vr, value in (
        (0x00080000, "UL", 12),
        (0x50000005, "US", 2),
        (0x60000010, "US", 8),
        (0x60000011, "US", 8),
        (0x60000022, "LO", "Doe^Jane"),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60003000, "OW", bytes(8)),
        (0xFFFCFFFC, "OB", b"Doe^Jane"),
    ):
        image.add_new(tag, vr, value)
    image.add_new(0xFFFAFFFA, "SQ", Sequence([Dataset()]))
    done = scrubbed(image, tmp_path)
    assert b"Doe" not in (tmp_path / "scrubbed.dcm").read_bytes()
    assert all(each.tag.group in {0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0028, 0x7FE0} for each in done)
    assert 0x00080000 not in done


def test_names_in_japanese_are_read_in_their_character_set(tmp_path: Path) -> None:
    image = ct(SpecificCharacterSet=["", "ISO 2022 IR 87"])
    image.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    image.InstitutionName = "東京病院"
    image.PatientComments = "山田"
    done, identity = scrubbed_with_identity(image, tmp_path)
    values = {value.text: value for value in identity.values}
    assert "Yamada^Tarou=山田^太郎=やまだ^たろう" in values
    assert values["東京病院"].raw.startswith(b"\x1b$B")
    assert values["東京病院"].charset == ("", "ISO 2022 IR 87")
    assert "InstitutionName" not in done
    assert b"\x1b$B" not in (tmp_path / "scrubbed.dcm").read_bytes()


def test_a_backslash_that_is_half_a_character_does_not_split_a_value(tmp_path: Path) -> None:
    image = ct(SpecificCharacterSet="GB18030")
    name = next(sign for sign in map(chr, range(0x4E00, 0x9FFF)) if sign.encode("gb18030").endswith(b"\\"))
    image.InstitutionName = name
    _, identity = scrubbed_with_identity(image, tmp_path)
    assert name in {value.text for value in identity.values}


def test_an_item_may_have_a_character_set_of_its_own(tmp_path: Path) -> None:
    image = ct(SpecificCharacterSet="ISO_IR 192")
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 144"
    item.PatientID = "Иванов"
    image.OtherPatientIDsSequence = Sequence([item])
    image.PatientName = "Müller^Jürgen"
    _, identity = scrubbed_with_identity(image, tmp_path)
    assert {"Иванов", "Müller^Jürgen"} <= {value.text for value in identity.values}


def test_what_a_rule_keeps_is_told_to_the_scan(tmp_path: Path) -> None:
    _, identity = scrubbed_with_identity(ct(InstitutionName="VENDOR"), tmp_path)
    assert "VENDOR" in identity.kept
    assert "VENDOR" in {value.text for value in identity.values}
    assert "Doe^Jane" not in identity.kept
    kinds = {value.text: value.kind for value in identity.values}
    assert kinds["Doe^Jane"] == "person name"
    assert kinds["PID-4711"] == kinds["ACC-1"] == "id"
    assert kinds["20190715"] == "date"
    assert kinds["1.2.3.1"] == "uid"


def test_pixels_geometry_and_measures_stay_to_the_byte(tmp_path: Path) -> None:
    image = ct()
    done = scrubbed(image, tmp_path)
    assert done.PixelData == image.PixelData
    for word in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "RescaleSlope",
        "RescaleIntercept",
        "KVP",
        "Rows",
        "Columns",
        "PatientWeight",
        "PatientSize",
        "PatientSex",
    ):
        assert done[word] == image[word]


def test_what_stands_behind_the_pixels_in_their_element_is_cut(tmp_path: Path) -> None:
    image = ct()
    image.PixelData = bytes(range(32)) + b"Doe^Jane"
    assert scrubbed(image, tmp_path).PixelData == bytes(range(32))


def test_fragments_pass_untouched_even_with_a_delimiter_in_them(tmp_path: Path) -> None:
    image = ct()
    image.file_meta.TransferSyntaxUID = JPEGLSLossless
    fragment = b"\xff\xd8" + b"\xfe\xff\xdd\xe0\0\0\0\0" + b"\xff\xd9"
    image.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0" + struct.pack("<I", len(fragment)) + fragment
    image["PixelData"].is_undefined_length = True
    assert scrubbed(image, tmp_path).PixelData == image.PixelData


def _burned(image: Dataset) -> None:
    image.BurnedInAnnotation = "YES"


def _screen(image: Dataset) -> None:
    image.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]


def _colour(image: Dataset) -> None:
    image.PhotometricInterpretation = "RGB"


def _captured(image: Dataset) -> None:
    image.ConversionType = "SD"


def _overlaid(image: Dataset) -> None:
    for number, value in ((0x0010, 4), (0x0011, 4), (0x0100, 16), (0x0102, 12)):
        image.add_new(0x60000000 | number, "US", value)


def _secondary(image: Dataset) -> None:
    image.SOPClassUID = SecondaryCaptureImageStorage


def _report(image: Dataset) -> None:
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.67"


def _radiograph(image: Dataset) -> None:
    image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"


def _without_uid(image: Dataset) -> None:
    del image.StudyInstanceUID


def _without_pixels(image: Dataset) -> None:
    del image.PixelData


def _short(image: Dataset) -> None:
    image.PixelData = bytes(16)


def _deep(image: Dataset) -> None:
    item = Dataset()
    for _ in range(40):
        outer = Dataset()
        outer.ContentSequence = Sequence([item])
        item = outer
    image.ContentSequence = Sequence([item])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_burned, RefusalReason.BURNED_IN),
        (_screen, RefusalReason.SCREEN),
        (_colour, RefusalReason.COLOUR),
        (_captured, RefusalReason.SCREEN),
        (_overlaid, RefusalReason.OVERLAY),
        (_secondary, RefusalReason.SECONDARY_CAPTURE),
        (_report, RefusalReason.REPORT),
        (_radiograph, RefusalReason.MAY_BE_BURNED_IN),
        (_without_uid, RefusalReason.NO_IDENTIFIER),
        (_without_pixels, RefusalReason.NO_PIXELS),
        (_short, RefusalReason.TRUNCATED),
        (_deep, RefusalReason.DEEP),
    ],
)
def test_an_object_that_cannot_be_made_safe_is_refused_for_its_reason(
    tmp_path: Path, spoil: Callable[[Dataset], None], reason: RefusalReason
) -> None:
    image = ct()
    spoil(image)
    with pytest.raises(ObjectRefused) as caught:
        scrubbed(image, tmp_path)
    assert caught.value.reason is reason
    assert not (tmp_path / "scrubbed.dcm").exists()


def test_a_radiograph_that_says_it_is_clean_is_staged(tmp_path: Path) -> None:
    image = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1", BurnedInAnnotation="NO", Modality="DX")
    assert scrubbed(image, tmp_path).BurnedInAnnotation == "NO"


def test_another_patients_object_is_refused(tmp_path: Path) -> None:
    path = saved(ct(PatientID="PID-4712"), tmp_path / "original.dcm")
    context = ScrubContext(load_profile(), key_of(ct()))
    with pytest.raises(ObjectRefused, match="another patient"):
        scrub_file(path, tmp_path / "done.dcm", context)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian], ids=lambda uid: uid.name
)
def test_another_encoding_of_an_object_comes_out_the_same(tmp_path: Path, syntax: str) -> None:
    image = ct(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Jürgen", OperatorsName="Ops^One")
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-D4000", "SRT", "Abdomen"
    image.AnatomicRegionSequence = Sequence([code])
    image.private_block(0x0019, "ACME 1.0", create=True).add_new(1, "LO", "Doe^Jane")
    plain = scrubbed(image, tmp_path)
    image.PixelData = image.PixelData if syntax != ExplicitVRBigEndian else _swapped(image.PixelData)
    image.file_meta.TransferSyntaxUID = syntax
    other = scrubbed(image, tmp_path)
    assert other == plain
    assert other.file_meta == plain.file_meta


def _swapped(pixels: bytes) -> bytes:
    return b"".join(pixels[index + 1 : index + 2] + pixels[index : index + 1] for index in range(0, len(pixels), 2))


def test_an_object_without_preamble_and_meta_information_is_read(tmp_path: Path) -> None:
    image = ct()
    plain = scrubbed(image, tmp_path)
    bare = tmp_path / "bare.dcm"
    with bare.open("wb") as stream:
        writer = DicomIO(stream)
        writer.is_implicit_VR, writer.is_little_endian = True, True
        write_dataset(writer, image)
    scrub_file(bare, tmp_path / "done.dcm", ScrubContext(load_profile(), key_of(image)))
    assert dcmread(tmp_path / "done.dcm") == plain


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    scrubbed(ct(), tmp_path)
    first = (tmp_path / "scrubbed.dcm").read_bytes()
    scrubbed(ct(), tmp_path)
    assert (tmp_path / "scrubbed.dcm").read_bytes() == first


def test_a_series_is_numbered_counted_and_described(tmp_path: Path) -> None:
    source = tmp_path / "retrieved"
    source.mkdir()
    for number in range(1, 4):
        saved(ct(SOPInstanceUID=f"1.2.3.1.1.{number}", InstanceNumber=number), source / f"{number}.dcm")
    saved(ct(SOPInstanceUID="1.2.3.1.1.1"), source / "4.dcm")
    (source / "5.txt").write_text("no image")
    result = scrub_series(source, tmp_path / "scrubbed", load_profile(), key_of(ct()))
    assert [path.name for path in result.files] == ["0001.dcm", "0002.dcm", "0003.dcm"]
    assert result.refused == {RefusalReason.REPEATED.value: 1, RefusalReason.NOT_DICOM.value: 1}
    assert result.actions[Action.UID.value] == 4 * 4
    assert result.facts is not None
    assert (result.facts.orientation, result.facts.age_years, result.facts.sex) == ("ax", 71, "F")
    assert (result.facts.weight_kg, result.facts.height_m) == (70.5, 1.62)
    again = scrub_series(source, tmp_path / "scrubbed", load_profile(), key_of(ct()))
    assert again == result


def test_the_values_of_a_second_object_are_noted_too(tmp_path: Path) -> None:
    source = tmp_path / "retrieved"
    source.mkdir()
    saved(ct(SOPInstanceUID="1.2.3.4", PatientComments="first"), source / "1.dcm")
    saved(ct(SOPInstanceUID="1.2.3.5", PatientComments="second"), source / "2.dcm")
    result = scrub_series(source, tmp_path / "scrubbed", load_profile(), key_of(ct()))
    assert {"first", "second", "1.2.3.4", "1.2.3.5"} <= {value.text for value in result.identity.values}


def test_a_failure_in_the_middle_of_a_series_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "retrieved"
    source.mkdir()
    for number in range(1, 4):
        saved(ct(SOPInstanceUID=f"1.2.3.1.1.{number}"), source / f"{number}.dcm")
    calls = []

    def full(descriptor: int, parts: list[memoryview]) -> int:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return sum(map(len, parts))

    monkeypatch.setattr("os.writev", full)
    with pytest.raises(OSError, match="No space"):
        scrub_series(source, tmp_path / "scrubbed", load_profile(), key_of(ct()))
    assert [path.name for path in tmp_path.iterdir()] == ["retrieved"]


def test_a_write_that_takes_only_some_bytes_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    scrubbed(ct(), tmp_path)
    whole = (tmp_path / "scrubbed.dcm").read_bytes()

    def slowly(descriptor: int, parts: list[memoryview]) -> int:
        return os.write(descriptor, parts[0][:7])

    monkeypatch.setattr("os.writev", slowly)
    scrubbed(ct(), tmp_path)
    assert (tmp_path / "scrubbed.dcm").read_bytes() == whole


def test_an_enhanced_image_keeps_its_functional_groups(tmp_path: Path) -> None:
    image = ct(SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=1)
    frame, position, content = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = [1, 2, 3]
    content.FrameAcquisitionDateTime = "20190715101500"
    content.FrameComments = "Doe^Jane"
    frame.PlanePositionSequence, frame.FrameContentSequence = Sequence([position]), Sequence([content])
    image.PerFrameFunctionalGroupsSequence = Sequence([frame])
    done = scrubbed(image, tmp_path)
    group = done.PerFrameFunctionalGroupsSequence[0]
    assert group.PlanePositionSequence[0].ImagePositionPatient == [1, 2, 3]
    assert group.FrameContentSequence[0].FrameAcquisitionDateTime.startswith(done.StudyDate)
    assert "FrameComments" not in group.FrameContentSequence[0]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(132, 1200), st.binary(min_size=1, max_size=6), st.integers(0, 2))
def test_a_mutated_object_is_scrubbed_or_refused_and_nothing_else(
    tmp_path: Path, place: int, change: bytes, kind: int
) -> None:
    path = tmp_path / "original.dcm"
    image = ct(InstitutionName="Doe^Hospital")
    image.OtherPatientIDsSequence = Sequence([Dataset()])
    image.OtherPatientIDsSequence[0].PatientID = "Doe^Other"
    content = bytearray(saved(image, path).read_bytes())
    place %= len(content)
    if kind == 0:
        content[place : place + len(change)] = change
    elif kind == 1:
        content[place:place] = change
    else:
        del content[place:]
    path.write_bytes(content)
    target = tmp_path / "done.dcm"
    target.unlink(missing_ok=True)
    try:
        scrub_file(path, target, ScrubContext(load_profile(), PatientKey(SECRET, "tests", ""), checks_patient=False))
    except ObjectRefused:
        assert not target.exists()
        return
    assert dcmread(target).PatientIdentityRemoved == "YES"


def test_a_profile_of_one_option_writes_its_code(tmp_path: Path) -> None:
    from voxpop.dicom.confidentiality import Option

    profile = Profile("uids", options=frozenset({Option.RETAIN_UIDS, Option.RETAIN_FULL_DATES}))
    done = scrubbed(ct(), tmp_path, profile)
    assert done.StudyInstanceUID == "1.2.3.1"
    assert done.StudyDate == "20190715"
    assert [code.CodeValue for code in done.DeidentificationMethodCodeSequence] == ["113100", "113106", "113110"]
