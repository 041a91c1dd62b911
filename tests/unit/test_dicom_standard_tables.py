"""The standard's tables as the package carries them."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from voxpop.dicom.confidentiality import BASIC_PROFILE_CODE, COLUMNS, METHOD_CODES, Option, table
from voxpop.dicom.iods import place_of, sop_classes
from voxpop.dicom.syntax import is_well_formed
from voxpop.dicom.tags import tag_named, tag_text
from voxpop.dicom.uids import IMPLEMENTATION_CLASS_UID, derived_uid, is_registered

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"


def _written() -> list[dict[str, str]]:
    return json.loads(files("voxpop.dicom").joinpath("data/ps3.15-e.1-1.json").read_text())


def test_the_table_has_every_row_and_every_option_column_of_its_source() -> None:
    assert len(table().rows) == len(_written()) == 621
    for option, column in COLUMNS.items():
        assert sum(option in row.options for row in table().rows) == sum(column in row for row in _written())
    assert {column for row in _written() for column in row if column.endswith("Opt")} == set(COLUMNS.values())


@pytest.mark.shared_data
def test_the_table_in_the_package_is_the_source_unchanged(shared_data: Path) -> None:
    source = json.loads((shared_data / "ps3.15" / "confidentiality_profile_attributes.json").read_text())
    assert _written() == source


@pytest.mark.parametrize("tag", [0x60003000, 0x601E3000, 0x60023000])
def test_overlay_data_of_every_group_falls_under_its_row(tag: int) -> None:
    row = table().row(tag)
    assert row is not None
    assert row.written == "(60XX,3000)"


def test_curves_and_private_elements_fall_under_their_rows() -> None:
    assert table().row(0x50101234) is not None
    assert table().row(0x00191001) is table().private
    assert table().row(0x00080070) is None


def test_the_codes_of_the_options_are_those_of_cid_7050() -> None:
    named = (getattr(codes.CID7050, name) for name in dir(codes.CID7050) if name[0].isupper())
    known = {code.value: code.meaning for code in named}
    for value, meaning in (BASIC_PROFILE_CODE, *METHOD_CODES.values()):
        assert known[value] == meaning
    assert set(METHOD_CODES) == set(Option)


def test_an_attribute_belongs_to_the_place_it_has_in_the_iod_and_not_elsewhere() -> None:
    place = place_of(CT)
    assert place is not None
    meaning = tag_named("CodeMeaning")
    anatomy = tag_named("AnatomicRegionSequence")
    assert meaning
    assert anatomy
    assert place.attribute(meaning) is None
    below = place.below(anatomy).attribute(meaning)
    assert below is not None
    assert below.type == "1"
    assert place.below(0x00091001).attributes == {}


def test_the_strictest_type_of_several_modules_holds() -> None:
    enhanced = place_of(ENHANCED_CT)
    plain = place_of(CT)
    serial = 0x00181000
    assert enhanced
    assert plain
    assert enhanced.attribute(serial).type == "1"
    assert plain.attribute(serial).type == "3"


def test_functional_groups_reach_their_depth() -> None:
    place = place_of(ENHANCED_CT)
    assert place
    position = place.below(0x52009230).below(0x00209113).attribute(0x00200032)
    assert position is not None
    assert position.type.startswith("1")


def test_every_sop_class_of_the_table_has_a_place() -> None:
    for uid in sop_classes():
        place = place_of(uid)
        assert place is not None
        assert place.attributes
    assert place_of("1.2.3") is None


@given(st.binary(min_size=32, max_size=32), st.text(min_size=1))
def test_a_derived_uid_is_a_valid_uid_that_repeats(key: bytes, source: str) -> None:
    uid = derived_uid(key, source)
    assert uid == derived_uid(key, source)
    assert UID(uid).is_valid
    assert len(uid) <= 44
    number = int(uid.removeprefix("2.25."))
    assert number >> 76 & 0xF == 8
    assert number >> 62 & 0x3 == 2


def test_only_registered_uids_are_the_standards() -> None:
    assert is_registered(CT)
    assert not is_registered("1.2.840.10008.4711.19480229")
    assert UID(IMPLEMENTATION_CLASS_UID).is_valid


@given(
    st.sampled_from(["DS", "IS", "DA", "TM", "DT", "AS", "UI", "CS"]),
    st.from_regex(r"[A-Z][a-z]+\^[A-Z][a-z]+", fullmatch=True),
)
def test_a_name_never_has_the_syntax_of_a_number_a_date_or_a_code(vr: str, name: str) -> None:
    assert not is_well_formed(vr, name.encode())


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("DS", b"1.5\\-2e-3 "),
        ("DS", b"0.70312500000000001"),
        ("IS", b" 12\\+3"),
        ("CS", b"CT_SOM5 SPI\\M\\ND "),
        ("DA", b"20190715"),
        ("DT", b"20190715101500.123+0200"),
        ("TM", b"101500.1234 "),
        ("AS", b"071Y"),
        ("UI", b"1.2.3\0"),
        ("CS", b""),
    ],
)
def test_what_devices_write_is_well_formed(vr: str, value: bytes) -> None:
    assert is_well_formed(vr, value)


@pytest.mark.parametrize("written", ["(0010,0010)", "0010,0010", "00100010", "PatientName", " PatientName "])
def test_a_tag_can_be_written_in_every_usual_way(written: str) -> None:
    tag = tag_named(written)
    assert tag is not None
    assert tag_text(tag) == "(0010,0010)"


def test_the_source_and_licence_of_the_tables_stand_beside_them() -> None:
    note = files("voxpop.dicom").joinpath("data/SOURCE.md").read_text()
    assert re.search(r"innolitics/dicom-standard.*MIT", note, re.DOTALL)
    assert "highdicom" in note
