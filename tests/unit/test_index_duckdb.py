"""The index: who is selected, who is not and why, in an order that depends on the content alone."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxpop.backends.index.duckdb import ParquetIndex, open_index
from voxpop.cohort.errors import IndexBroken
from voxpop.cohort.model import Criteria, GroupCriteria, Selection
from voxpop.cohort.ports import ClinicalRecord
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import Series, Study

CASES = GroupCriteria("cases", icd10_any=("M80", "M81"))
CONTROLS = GroupCriteria("controls", icd10_none=("M80", "M81"))
UNLISTED = GroupCriteria("n/a", unlisted=True)
ABDOMEN = Criteria("CT", (CASES, CONTROLS), body_parts=("ABDOMEN",))


def _study(number: int, patient: str = "", part: str = "ABDOMEN", **values: object) -> Study:
    series = (Series(SeriesUID(f"1.{number}.1"), str(values.pop("modality", "CT")), 1, "", part, "ACME", 50),)
    study = Study("pacs", StudyUID(f"1.{number}"), patient or f"P{number}", day=date(2020, 6, 15), series=series)
    return replace(study, **values)  # type: ignore[arg-type] # the tests name fields of Study


def _record(patient: str, *codes: str, **values: object) -> ClinicalRecord:
    record = ClinicalRecord(patient, birth=date(1950, 6, 16), sex="F", icd10=codes, day=date(2020, 1, 1))
    return replace(record, **values)  # type: ignore[arg-type] # the tests name fields of ClinicalRecord


def _index(folder: Path, studies: list[Study], records: list[ClinicalRecord]) -> ParquetIndex:
    index = open_index(folder / "index")
    index.write("pacs", studies)
    index.write_clinical(records)
    return index


def _groups(selection: Selection) -> dict[str, str]:
    return {one.study.uid: one.group for one in selection.selected}


def _reasons(selection: Selection) -> dict[str, str]:
    return {one.study.uid: one.reason for one in selection.not_selected}


def test_every_study_is_on_one_side_once_and_ordinals_run_through(tmp_path: Path) -> None:
    studies = [_study(number, modality="MR" if number % 3 else "CT") for number in range(1, 10)]
    selection = _index(tmp_path, studies, [_record(f"P{number}", "M81.0") for number in range(1, 10)]).select(ABDOMEN)
    both = [*selection.selected, *selection.not_selected]
    assert [one.ordinal for one in both] == list(range(1, 10))
    assert sorted(one.study.uid for one in both) == sorted(study.uid for study in studies)
    assert {one.study.uid: one.study for one in both} == {study.uid: study for study in studies}


@pytest.mark.parametrize(
    ("study", "criteria", "reason"),
    [
        (_study(1, modality="MR"), ABDOMEN, "modality MR, asked: CT"),
        (_study(1, modality="DOE JANE"), ABDOMEN, "modality another or none, asked: CT"),
        (_study(1, series=()), ABDOMEN, "modality another or none, asked: CT"),
        (_study(1, part="HEAD"), ABDOMEN, "body part differs, asked: ABDOMEN"),
        (_study(1, part="", description="Jane Doe knee"), ABDOMEN, "body part differs, asked: ABDOMEN"),
        (_study(1), replace(ABDOMEN, study_from=date(2021, 1, 1)), "study day is not 2021-01-01 or after"),
        (_study(1), replace(ABDOMEN, study_until=date(2019, 1, 1)), "study day is not 2019-01-01 or before"),
        (_study(1, day=None), replace(ABDOMEN, study_until=date(2019, 1, 1)), "study day is not 2019-01-01 or before"),
        (_study(1, "unknown"), ABDOMEN, "no clinical record"),
        (_study(1, "P2"), replace(ABDOMEN, groups=(CASES,)), "fits no group's codes"),
        (_study(1), replace(ABDOMEN, age_min=70), "age at the study is not at least 70"),
        (_study(1), replace(ABDOMEN, age_min=50, age_max=68), "age at the study is not 50 to 68"),
        (_study(1, day=None), replace(ABDOMEN, age_min=50), "age at the study unknown"),
        (_study(1), replace(ABDOMEN, sex=("M",)), "sex is unknown or differs, asked: M"),
    ],
)
def test_a_study_is_left_out_with_the_first_criterion_that_it_fails(
    study: Study, criteria: Criteria, reason: str, tmp_path: Path
) -> None:
    selection = _index(tmp_path, [study], [_record("P1", "M81.0"), _record("P2", "I10")]).select(criteria)
    assert _reasons(selection) == {"1.1": reason}
    assert selection.selected == ()


@pytest.mark.parametrize("part", ["ABDOMEN", "abdomen", "ABD", "ABDOMEN_PELVIS", "ABDOMENPELVIS", "Abd Pelvis"])
def test_an_abdomen_has_many_names(part: str, tmp_path: Path) -> None:
    assert _groups(_index(tmp_path, [_study(1, part=part)], [_record("P1", "M80.08")]).select(ABDOMEN))


@pytest.mark.parametrize("words", ["CT Abdomen mit KM", "ABD/PEL W CONTRAST", "abdominal", "Oberbauch nativ"])
def test_where_no_series_names_its_body_part_the_words_of_the_study_count(words: str, tmp_path: Path) -> None:
    records = [_record("P1", "M80.08")]
    assert _groups(_index(tmp_path, [_study(1, part="", description=words)], records).select(ABDOMEN))
    assert not _groups(_index(tmp_path, [_study(1, part="HEAD", description=words)], records).select(ABDOMEN))


@pytest.mark.parametrize("words", ["abduction of the hip", "crabdom"])
def test_a_word_that_only_begins_alike_does_not_count(words: str, tmp_path: Path) -> None:
    selection = _index(tmp_path, [_study(1, part="", description=words)], [_record("P1", "M80.08")]).select(ABDOMEN)
    assert not selection.selected


def test_the_body_part_of_another_modality_does_not_count(tmp_path: Path) -> None:
    head = Series(SeriesUID("1.1.1"), "CT", 1, "", "HEAD")
    abdomen = Series(SeriesUID("1.1.2"), "MR", 2, "", "ABDOMEN")
    selection = _index(tmp_path, [_study(1, series=(head, abdomen))], [_record("P1", "M80.0")]).select(ABDOMEN)
    assert not selection.selected


def test_codes_fit_as_prefixes_with_and_without_the_dot(tmp_path: Path) -> None:
    records = [_record("P1", "M8008"), _record("P2", "m81.0"), _record("P3", "M8"), _record("P4", "XM80")]
    selection = _index(tmp_path, [_study(number) for number in range(1, 5)], records).select(ABDOMEN)
    assert _groups(selection) == {"1.1": "cases", "1.2": "cases", "1.3": "controls", "1.4": "controls"}


def test_codes_of_all_of_a_persons_records_count(tmp_path: Path) -> None:
    records = [_record("P1", "I10"), _record("P1", "M81.0", day=date(2022, 1, 1))]
    assert _groups(_index(tmp_path, [_study(1)], records).select(ABDOMEN)) == {"1.1": "cases"}


def test_the_first_group_that_fits_takes_the_person(tmp_path: Path) -> None:
    wide = GroupCriteria("everybody")
    index = _index(tmp_path, [_study(1)], [_record("P1", "M81.0")])
    assert _groups(index.select(replace(ABDOMEN, groups=(CASES, wide)))) == {"1.1": "cases"}
    assert _groups(index.select(replace(ABDOMEN, groups=(wide, CASES)))) == {"1.1": "everybody"}


def test_the_unlisted_group_takes_whom_the_clinic_does_not_know_whatever_the_body_part(tmp_path: Path) -> None:
    studies = [_study(1, part="HEAD"), _study(2, part="HEAD"), _study(3, modality="MR")]
    selection = _index(tmp_path, studies, [_record("P1", "M81.0")]).select(
        replace(ABDOMEN, groups=(CASES, UNLISTED), age_min=40, sex=("F",))
    )
    assert _groups(selection) == {"1.2": "n/a"}
    assert _reasons(selection) == {"1.1": "body part differs, asked: ABDOMEN", "1.3": "modality MR, asked: CT"}


def test_an_age_that_is_known_counts_for_the_unlisted_too(tmp_path: Path) -> None:
    child = _study(1, patient_birth=date(2015, 1, 1))
    selection = _index(tmp_path, [child], []).select(replace(ABDOMEN, groups=(UNLISTED,), age_min=18))
    assert _reasons(selection) == {"1.1": "age at the study is not at least 18"}


def test_number_takes_the_first_participants_by_day_with_all_their_studies(tmp_path: Path) -> None:
    studies = [
        _study(1, "late", day=date(2020, 3, 1)),
        _study(2, "early", day=date(2020, 1, 1)),
        _study(3, "early", day=date(2020, 9, 1)),
        _study(4, "middle", day=date(2020, 2, 1)),
        _study(5, "undated", day=None),
    ]
    records = [_record(name, "M81.0") for name in ("late", "early", "middle", "undated")]
    selection = _index(tmp_path, studies, records).select(replace(ABDOMEN, groups=(replace(CASES, number=2),)))
    assert set(_groups(selection)) == {"1.2", "1.3", "1.4"}
    assert set(_reasons(selection).values()) == {"the group has its number of participants"}
    assert selection.counts == {"cases": 4}


def test_facts_are_those_nearest_to_the_study(tmp_path: Path) -> None:
    records = [
        _record("P1", "I10", "E11.9", weight_kg=90.0, height_cm=170.0, day=date(2010, 1, 1)),
        _record("P1", "M81.0", weight_kg=70.0, day=date(2020, 7, 1)),
        _record("P1", "M80.08", weight_kg=50.0, day=None),
    ]
    (one,) = _index(tmp_path, [_study(1)], records).select(ABDOMEN).selected
    assert one.facts.weight_kg == 70.0
    assert one.facts.height_cm == 170.0
    assert one.facts.icd10 == ("M81.0", "M80.08", "I10")
    assert one.facts.age_years == 69  # the day before the birthday
    assert one.facts.sex == "F"


def test_a_person_is_a_number_and_its_issuer(tmp_path: Path) -> None:
    studies = [_study(1, "7", issuer="A"), _study(2, "7", issuer="B"), _study(3, "7"), _study(4, "8")]
    records = [_record("7", "M81.0", issuer="A"), _record("7", "I10", issuer="B"), _record("8", "I10", issuer="C")]
    selection = _index(tmp_path, studies, records).select(ABDOMEN)
    assert _groups(selection) == {"1.1": "cases", "1.2": "controls", "1.4": "controls"}
    assert _reasons(selection) == {"1.3": "no clinical record"}  # it could be either


def test_a_study_without_a_patient_number_belongs_to_nobody_the_clinic_knows(tmp_path: Path) -> None:
    nobody = replace(_study(1), patient_id="")
    selection = _index(tmp_path, [nobody], [_record("P1", "M81.0")]).select(ABDOMEN)
    assert _reasons(selection) == {"1.1": "no clinical record"}


def test_the_same_study_in_two_archives_is_taken_once(tmp_path: Path) -> None:
    index = _index(tmp_path, [_study(1)], [_record("P1", "M81.0")])
    index.write("other", [replace(_study(1), archive="other")])
    selection = index.select(ABDOMEN)
    assert [one.study.archive for one in selection.selected] == ["other"]
    assert _reasons(selection) == {"1.1": "the same study is listed by another archive"}
    assert selection.counts["cases"] == 1


def test_no_reason_holds_a_word_from_the_archive(tmp_path: Path) -> None:
    study = _study(1, patient="SECRET", part="SECRET", description="SECRET", modality="SECRET", accession="SECRET")
    for criteria in (ABDOMEN, replace(ABDOMEN, modality="SECRET"), Criteria("SECRET", (CASES,), age_min=3)):
        for one in _index(tmp_path, [study], []).select(criteria).not_selected:
            assert "SECRET" not in one.reason.replace("asked: SECRET", "")


def test_the_digest_depends_on_the_content_alone(tmp_path: Path) -> None:
    studies = [_study(number) for number in range(1, 30)]
    records = [_record(f"P{number}", "I10") for number in range(1, 30)]
    first = _index(tmp_path / "a", studies, records)
    second = _index(tmp_path / "b", studies[::-1], records)
    assert first.digest() == second.digest()
    assert re.fullmatch(r"[0-9a-f]{64}", first.digest())
    second.write("pacs", [replace(studies[0], description="other"), *studies[1:]])
    assert first.digest() != second.digest()
    second.write("pacs", studies)
    assert first.digest() == second.digest()
    second.write_clinical([replace(records[0], weight_kg=61.0), *records[1:]])
    assert first.digest() != second.digest()


def test_an_empty_index_has_a_digest_and_selects_nobody(tmp_path: Path) -> None:
    index = open_index(tmp_path / "index")
    assert index.digest()
    assert index.select(ABDOMEN) == Selection((), (), {"cases": 0, "controls": 0})


def test_a_harvest_that_breaks_off_leaves_what_was_known(tmp_path: Path) -> None:
    index = _index(tmp_path, [_study(1)], [])
    before = index.digest()

    def broken() -> object:
        yield _study(2)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        index.write("pacs", broken())  # type: ignore[arg-type] # a generator that breaks off
    assert index.digest() == before
    assert {path.name for path in (tmp_path / "index").rglob("*")} == {
        "pacs", "studies.parquet", "series.parquet", "clinical.parquet",
    }  # fmt: skip


def test_a_damaged_index_is_said_to_be_damaged(tmp_path: Path) -> None:
    index = _index(tmp_path, [_study(1)], [])
    (tmp_path / "index" / "pacs" / "series.parquet").write_bytes(b"no parquet")
    with pytest.raises(IndexBroken, match="the index cannot be read"):
        index.select(ABDOMEN)


def test_a_tally_agrees_with_the_selection(tmp_path: Path) -> None:
    studies = [_study(n, modality="CT" if n % 4 else "MR", part="HEAD" if n % 5 == 0 else "") for n in range(1, 40)]
    records = [_record(f"P{number}", "M81.0" if number % 2 else "I10") for number in range(1, 30)]
    criteria = replace(ABDOMEN, body_parts=("HEAD",), groups=(replace(CASES, number=1), CONTROLS))
    index = _index(tmp_path, studies, records)
    tally, selection = index.tally(criteria), index.select(criteria)
    for (_, group), counts in tally.spread.items():
        assert sum(counts.values()) == tally.groups[group]
    assert tally.studies == len(studies)
    assert tally.groups == selection.counts
    assert dict(tally.left)["modality"] == sum(study.series[0].modality == "CT" for study in studies)
    cut = sum(one.reason == "the group has its number of participants" for one in selection.not_selected)
    assert dict(tally.left)["sex"] == len(selection.selected) + cut


CODE = st.sampled_from(["M80.08", "M81.0", "I10", "E11.9", "C79.5", "S72.0"])
PREFIXES = st.lists(st.sampled_from(["M80", "M81", "M8", "I10", "C79.5", "S"]), max_size=3).map(tuple)
GROUP = st.tuples(PREFIXES, PREFIXES)


@settings(max_examples=15, deadline=None)
@given(
    people=st.lists(st.lists(CODE, max_size=3), min_size=1, max_size=8), groups=st.lists(GROUP, min_size=1, max_size=4)
)
def test_groups_are_given_as_the_plain_rule_says(
    tmp_path_factory: pytest.TempPathFactory, people: list[list[str]], groups: list[tuple[tuple[str, ...], ...]]
) -> None:
    asked = tuple(GroupCriteria(f"g{n}", wanted, unwanted) for n, (wanted, unwanted) in enumerate(groups))
    studies = [_study(number) for number in range(len(people))]
    records = [_record(f"P{number}", *codes) for number, codes in enumerate(people)]
    index = _index(tmp_path_factory.mktemp("groups"), studies, records)
    expected = {f"1.{number}": group for number, codes in enumerate(people) if (group := _by_rule(codes, asked))}
    assert _groups(index.select(replace(ABDOMEN, groups=asked))) == expected


def _by_rule(codes: list[str], groups: tuple[GroupCriteria, ...]) -> str | None:
    plain = [code.replace(".", "") for code in codes]
    for group in groups:
        wanted = not group.icd10_any or any(c.startswith(p.replace(".", "")) for c in plain for p in group.icd10_any)
        if wanted and not any(c.startswith(p.replace(".", "")) for c in plain for p in group.icd10_none):
            return group.name
    return None


@settings(max_examples=20, deadline=None)
@given(birth=st.dates(date(1900, 1, 1), date(2020, 12, 31)), day=st.dates(date(1950, 1, 1), date(2025, 12, 31)))
def test_age_is_in_whole_years_at_the_study(tmp_path_factory: pytest.TempPathFactory, birth: date, day: date) -> None:
    index = _index(tmp_path_factory.mktemp("age"), [_study(1, day=day)], [_record("P1", "M81.0", birth=birth)])
    (one,) = index.select(ABDOMEN).selected
    years = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    assert one.facts.age_years == (years if years >= 0 else None)
