"""Profiles and keys: what is refused, and in which words."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.dicom.confidentiality import Option
from voxpop.staging.deid import (
    KeyUnusable,
    PatientKey,
    Profile,
    ProfileAbsent,
    ProfileInvalid,
    UnknownTag,
    explain,
    list_profiles,
    load_profile,
    load_secret,
    new_secret,
    save_secret,
)

SECRET = bytes(range(32))


def _profile(folder: Path, text: str) -> Profile:
    path = folder / "own.yaml"
    path.write_text(text)
    return load_profile(path)


def test_the_default_profile_is_the_first_projects() -> None:
    profile = load_profile()
    assert profile.name == "bone-density"
    assert profile.options == {Option.RETAIN_MODIFIED_DATES, Option.RETAIN_PATIENT}
    assert profile.characteristics == {0x00101010, 0x00100040, 0x00101030, 0x00101020}
    assert list_profiles()[0] == profile


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\noptions:\n  clean-descriptors: true\n", ["line 3, column 3", "not built"]),
        ("name: a\noptions:\n  clean-pixel-data: true\n", ["line 3, column 3", "not built"]),
        ("name: a\noptions:\n  retain-safe-private: true\n", ["line 3, column 3", "not built"]),
        ("name: a\noptions:\n  retain-everything: true\n", ["line 3, column 3", "unknown option"]),
        ("name: a\noptions:\n  retain-uids: maybe\n", ["line 3, column 16", "true or false"]),
        ("name: a\noptions: {}\nkeep: [PatientName]\n", ["line 3, column 1", "unknown key"]),
        ("options: {}\n", ["line 1", "name"]),
        ("name: a\n", ["options"]),
        ("- a\n", ["mapping"]),
        ("name: a\nname: b\noptions: {}\n", ["line 2", "not YAML"]),
        ("name: [\n", ["not YAML"]),
        (
            "name: a\noptions:\n  retain-patient-characteristics: [PatientSex, PatientName]\n",
            ["line 3, column 48", "PatientName"],
        ),
        (
            "name: a\noptions:\n  retain-longitudinal-full-dates: true\n  retain-longitudinal-modified-dates: true\n",
            ["line 4, column 3", "both full and modified"],
        ),
    ],
)
def test_a_wrong_profile_is_refused_with_line_and_column(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ProfileInvalid) as caught:
        _profile(tmp_path, text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_option_that_is_false_is_off_even_where_it_is_not_built(tmp_path: Path) -> None:
    assert _profile(tmp_path, "name: a\noptions: {clean-graphics: false, retain-uids: true}\n").options == {
        Option.RETAIN_UIDS
    }


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ProfileAbsent, match="basic, bone-density"):
        load_profile("no-such-profile")


def test_a_word_that_is_no_tag_is_refused() -> None:
    with pytest.raises(UnknownTag, match="PatientNmae"):
        explain(load_profile(), "PatientNmae")


def test_a_key_is_written_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    secret = new_secret()
    save_secret(path, secret)
    assert load_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        save_secret(path, new_secret())


def test_a_missing_a_short_and_an_open_key_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    with pytest.raises(KeyUnusable, match="is missing"):
        load_secret(path)
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(KeyUnusable, match="5 bytes instead of 32"):
        load_secret(path)
    path.write_bytes(SECRET)
    path.chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        load_secret(path)
    with pytest.raises(ValueError, match="fewer than 32"):
        PatientKey(b"short", "project", "1")


@given(st.text(max_size=64), st.text(max_size=64))
def test_a_pseudonym_repeats_and_says_nothing(patient_id: str, issuer: str) -> None:
    first, second = (PatientKey(SECRET, "project", patient_id, issuer) for _ in range(2))
    assert first.label == second.label
    assert first.days == second.days
    assert len(first.label) == 10
    assert first.label.isalnum()
    assert first.label == first.label.lower()
    assert -3650 <= first.days <= -365


def test_another_project_secret_person_or_issuer_gives_another_pseudonym() -> None:
    keys = [
        PatientKey(SECRET, "a", "1"),
        PatientKey(SECRET, "b", "1"),
        PatientKey(bytes(32), "a", "1"),
        PatientKey(SECRET, "a", "2"),
        PatientKey(SECRET, "a", "1", "x"),
        PatientKey(SECRET, "a", "", "x1"),
    ]
    assert len({key.label for key in keys}) == len(keys)


def test_uids_are_the_same_for_all_persons_of_a_project_and_others_in_another() -> None:
    one, other = PatientKey(SECRET, "a", "1"), PatientKey(SECRET, "a", "2")
    assert one.uid("1.2.3") == other.uid("1.2.3") != PatientKey(SECRET, "b", "1").uid("1.2.3")
    assert one.uid("1.2.840.10008.5.1.4.1.1.2") == "1.2.840.10008.5.1.4.1.1.2"


def test_a_key_shows_its_label_only() -> None:
    assert "4711" not in repr(PatientKey(SECRET, "a", "4711"))
