"""From criteria to a frozen list: counts that may be shown, refusals that name the group, the same list twice."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.backends.archive.folder import open_archive
from voxpop.backends.clinical.tabular import open_clinical
from voxpop.backends.index.duckdb import open_index
from voxpop.cohort.criteria import criteria_from_json, criteria_json
from voxpop.cohort.errors import (
    ArchiveNameInvalid,
    ClinicalSourceInvalid,
    CriteriaInvalid,
    GroupTooSmall,
    ListBroken,
    NothingSelected,
    UnknownArchive,
)
from voxpop.cohort.fakes import MemoryCohorts, MemoryLedger
from voxpop.cohort.frozen import list_digest, read_list, write_list
from voxpop.cohort.model import Criteria, GroupCriteria, NotSelected, Selected, Selection, Tally
from voxpop.cohort.service import CohortService
from voxpop.cohort.suppression import SMALLEST_SHOWN, spread_shown, suppressed
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import ApplicationId, SeriesUID, StudyUID
from voxpop.kernel.imaging import ClinicalFacts, Series, Study

APPLICATION = ApplicationId("bone-density")
CRITERIA = Criteria("CT", (GroupCriteria("cases", icd10_any=("M81",)), GroupCriteria("controls")), ("ABDOMEN",))


class Catalogue:
    """An archive of twelve studies in memory that can stop half-way."""

    def __init__(self) -> None:
        self.name = "pacs"
        self.odd = {"series listed twice": 2}
        self.breaks = False

    def echo(self) -> None: ...

    def studies(self, since: date | None = None, until: date | None = None) -> Iterator[Study]:
        for number in range(1, 13):
            if self.breaks and number == 6:
                raise Unavailable("archive 'pacs' stopped")
            series = (Series(SeriesUID(f"1.{number}.1"), "CT", 1, body_part="ABDOMEN", instances=5),)
            yield Study("pacs", StudyUID(f"1.{number}"), f"SECRET{number}", day=date(2020, 1, number), series=series)
        self.odd["date that is none"] = 1


@dataclass
class House:
    service: CohortService
    catalogue: Catalogue
    ledger: MemoryLedger
    folder: Path


@pytest.fixture
def house(tmp_path: Path) -> House:
    catalogue, ledger = Catalogue(), MemoryLedger()
    index = open_index(tmp_path / "protected" / "index")
    service = CohortService({"pacs": catalogue}, index, MemoryCohorts(ledger), ledger, SystemClock())
    service.harvest("pacs", "dora")
    rows = "".join(f"SECRET{number},{'M81.0' if number < 12 else 'I10'}\n" for number in range(1, 13))
    (tmp_path / "clinic.csv").write_text("patient_id,icd10\n" + rows)
    service.load_clinical(open_clinical(tmp_path / "clinic.csv"), "dora")
    return House(service, catalogue, ledger, tmp_path)


def test_a_harvest_and_a_load_are_audited_as_access_to_identity(house: House) -> None:
    assert [(event.action, event.subject, event.actor) for event in house.ledger.events] == [
        ("identity.opened", "archive:pacs", "dora"),
        ("archive.harvested", "archive:pacs", "dora"),
        ("identity.opened", "clinical:source", "dora"),
        ("clinical.loaded", "clinical:source", "dora"),
    ]
    assert "SECRET" not in repr(house.ledger.events)


def test_a_harvest_tells_only_the_oddities_of_its_own(house: House) -> None:
    harvest = house.service.harvest("pacs", "dora")
    assert (harvest.studies, harvest.series, harvest.odd) == (12, 12, {})


def test_an_access_that_fails_is_in_the_log_too_and_the_index_keeps_what_it_knew(house: House) -> None:
    before = house.service.tally(CRITERIA)
    house.catalogue.breaks = True
    with pytest.raises(Unavailable):
        house.service.harvest("pacs", "dora")
    assert house.ledger.events[-1].action == "identity.opened"
    assert house.service.tally(CRITERIA) == before


def test_a_clinical_source_with_a_fault_changes_nothing(house: House) -> None:
    before = house.service.tally(CRITERIA)
    (house.folder / "clinic.csv").write_text("patient_id,icd10\nSECRET1,I10\nSECRET2,nonsense\n")
    with pytest.raises(ClinicalSourceInvalid, match="line 3, column icd10"):
        house.service.load_clinical(open_clinical(house.folder / "clinic.csv"), "dora")
    assert house.service.tally(CRITERIA) == before


def test_an_archive_that_is_not_configured_is_named(house: House) -> None:
    with pytest.raises(UnknownArchive, match="there is no archive 'xnat': add it"):
        house.service.harvest("xnat", "dora")


def test_an_archive_whose_name_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveNameInvalid):
        open_index(tmp_path / "index").write("../elsewhere", [])


def test_small_counts_are_not_shown(house: House) -> None:
    assert house.service.tally(CRITERIA).groups == {"cases": 11, "controls": 1}
    assert house.service.count(CRITERIA).groups == {"cases": 11, "controls": None}


def test_a_group_that_asks_for_more_than_there_are_is_named_without_the_number(house: House) -> None:
    wide = replace(CRITERIA, groups=(replace(CRITERIA.groups[0], number=12), replace(CRITERIA.groups[1], number=10)))
    assert house.service.shortfall(wide) == ("cases", "controls")
    with pytest.raises(GroupTooSmall, match="groups cases, controls: more participants are asked for than") as caught:
        house.service.freeze(APPLICATION, wide, "dora")
    assert re.search(r"\d", str(caught.value)) is None


def test_a_small_count_is_not_found_by_asking_for_more_and_more(house: House) -> None:
    for number in range(1, 10):  # there is one control
        asked = replace(CRITERIA, groups=(CRITERIA.groups[0], replace(CRITERIA.groups[1], number=number)))
        assert house.service.shortfall(asked) == ()
        assert house.service.freeze(APPLICATION, asked, "dora").counts["controls"] == 1


def test_an_empty_selection_is_refused(house: House) -> None:
    with pytest.raises(NothingSelected, match="no study in the index fulfils the criteria"):
        house.service.freeze(APPLICATION, replace(CRITERIA, modality="MR"), "dora")


def test_the_same_criteria_on_the_same_index_are_the_same_cohort(house: House) -> None:
    first = house.service.freeze(APPLICATION, CRITERIA, "dora")
    assert house.service.freeze(APPLICATION, CRITERIA, "emil") == first
    assert first.id == "bone-density-c1"
    assert (first.selected, first.not_selected, first.counts) == (12, 0, {"cases": 11, "controls": 1})
    second = house.service.freeze(APPLICATION, replace(CRITERIA, study_from=date(2020, 1, 6)), "dora")
    assert second.id == "bone-density-c2"
    assert house.service.freeze(APPLICATION, CRITERIA, "dora") == first


def test_a_changed_index_makes_another_cohort(house: House) -> None:
    first = house.service.freeze(APPLICATION, CRITERIA, "dora")
    (house.folder / "clinic.csv").write_text("patient_id,icd10\nSECRET1,M81.0\n")
    house.service.load_clinical(open_clinical(house.folder / "clinic.csv"), "dora")
    second = house.service.freeze(APPLICATION, CRITERIA, "dora")
    assert (second.id, second.query) == ("bone-density-c2", first.query)
    assert second.index_digest != first.index_digest


def test_the_list_that_is_frozen_has_the_digest_that_is_kept(house: House, tmp_path: Path) -> None:
    cohort = house.service.freeze(APPLICATION, CRITERIA, "dora")
    selection = house.service.selection(cohort.id, "emil")
    assert write_list(selection, tmp_path / "list.jsonl") == cohort.list_digest
    assert sha256_file(tmp_path / "list.jsonl") == cohort.list_digest
    assert read_list(tmp_path / "list.jsonl", cohort.list_digest) == selection
    assert (tmp_path / "list.jsonl").stat().st_mode & 0o077 == 0


def test_a_folder_can_be_harvested_like_any_archive(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("no DICOM")
    ledger = MemoryLedger()
    archive = open_archive("disk", {"path": str(tmp_path / "files")})
    index = open_index(tmp_path / "index")
    service = CohortService({"disk": archive}, index, MemoryCohorts(ledger), ledger, SystemClock())
    assert service.harvest("disk", "dora").odd == {"file that is no DICOM": 1}


@pytest.mark.parametrize(
    ("criteria", "sentence"),
    [
        (replace(CRITERIA, groups=()), "name no group"),
        (replace(CRITERIA, groups=(GroupCriteria("a"), GroupCriteria("a"))), "two groups have one name: a"),
        (replace(CRITERIA, study_from=date(2021, 1, 1), study_until=date(2020, 1, 1)), "2021-01-01 is after the last"),
        (replace(CRITERIA, age_min=60, age_max=50), "least age 60 is above the highest"),
        (replace(CRITERIA, groups=(GroupCriteria("a", number=0),)), "group a asks for 0 participants"),
    ],
)
def test_criteria_that_contradict_themselves_are_refused(house: House, criteria: Criteria, sentence: str) -> None:
    for use in (house.service.count, house.service.shortfall):
        with pytest.raises(CriteriaInvalid, match=sentence):
            use(criteria)
    with pytest.raises(CriteriaInvalid, match=sentence):
        house.service.freeze(APPLICATION, criteria, "dora")


GROUPS = st.builds(
    GroupCriteria,
    name=st.text(),
    icd10_any=st.lists(st.text()).map(tuple),
    icd10_none=st.lists(st.text()).map(tuple),
    number=st.none() | st.integers(1),
    unlisted=st.booleans(),
)
ANY_CRITERIA = st.builds(
    Criteria,
    modality=st.text(),
    groups=st.lists(GROUPS).map(tuple),
    body_parts=st.lists(st.text()).map(tuple),
    study_from=st.none() | st.dates(),
    study_until=st.none() | st.dates(),
    age_min=st.none() | st.integers(0, 120),
    age_max=st.none() | st.integers(0, 120),
    sex=st.lists(st.sampled_from("FMO")).map(tuple),
)


@given(ANY_CRITERIA)
def test_criteria_come_back_from_their_json(criteria: Criteria) -> None:
    assert criteria_from_json(criteria_json(criteria)) == criteria


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"groups": 3}', '{"groups": [{}]}'])
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(CriteriaInvalid):
        criteria_from_json(text)


@given(
    total=st.integers(0, 2000),
    drops=st.lists(st.integers(0, 400), max_size=7),
    groups=st.dictionaries(st.text(), st.integers(0, 50)),
)
def test_no_shown_count_and_no_difference_of_neighbours_is_small(
    total: int, drops: list[int], groups: dict[str, int]
) -> None:
    left, rows = total, []
    for number, drop in enumerate(drops):
        left = max(0, left - drop)
        rows.append((f"step {number}", left))
    shown = suppressed(Tally(total, tuple(rows), groups))
    assert all(count is None or count >= SMALLEST_SHOWN for count in shown.groups.values())
    assert {name for name, count in shown.groups.items() if count is None} == {
        name for name, count in groups.items() if count < SMALLEST_SHOWN
    }
    counts = [shown.studies, *(count for _, count in shown.left)]
    for before, after in pairwise(counts):
        assert after is None or after >= SMALLEST_SHOWN
        if before is not None and after is not None:
            assert before == after or before - after >= SMALLEST_SHOWN


UIDS = st.from_regex(r"1\.[0-9]{1,10}", fullmatch=True)
STUDIES = st.builds(
    Study,
    archive=st.just("pacs"),
    uid=UIDS.map(StudyUID),
    patient_id=st.text(),
    issuer=st.text(),
    day=st.none() | st.dates(),
    description=st.text(),
    accession=st.text(),
    patient_sex=st.sampled_from(["F", ""]),
    patient_birth=st.none() | st.dates(),
    series=st.lists(st.builds(Series, uid=UIDS.map(SeriesUID), modality=st.text(), number=st.none() | st.integers()))
    .map(tuple),
)  # fmt: skip
FACTS = st.builds(
    ClinicalFacts,
    age_years=st.none() | st.integers(0, 110),
    weight_kg=st.none() | st.floats(0.3, 400),
    icd10=st.lists(st.text()).map(tuple),
)


@given(selected=st.lists(st.tuples(STUDIES, FACTS), max_size=4), left_out=st.lists(STUDIES, max_size=4))
def test_a_frozen_list_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, selected: list[tuple[Study, ClinicalFacts]], left_out: list[Study]
) -> None:
    ins = tuple(Selected(number, "g", *pair) for number, pair in enumerate(selected, start=1))
    outs = tuple(NotSelected(len(ins) + number, study, "why") for number, study in enumerate(left_out, start=1))
    selection = Selection(ins, outs, {"g": len(ins)})
    path = tmp_path_factory.mktemp("list") / "list.jsonl"
    assert write_list(selection, path) == list_digest(selection)
    assert read_list(path) == selection


def test_a_list_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    digest = write_list(Selection((), (), {"g": 0}), path)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ListBroken):
        read_list(path, digest)
    with pytest.raises(ListBroken):
        read_list(path)
    with pytest.raises(ListBroken):
        read_list(tmp_path / "gone.jsonl")


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 60), min_size=1, max_size=8))
def test_no_small_part_of_a_total_can_be_worked_out(counts: dict[str, int]) -> None:
    shown = spread_shown(counts)
    assert list(shown) == list(counts)
    assert all(
        number is None or (number == counts[name] and number >= SMALLEST_SHOWN) for name, number in shown.items()
    )
    hidden = [counts[name] for name, number in shown.items() if number is None]
    everything = len(hidden) == len(counts)
    assert not hidden or everything or (len(hidden) > 1 and sum(hidden) >= SMALLEST_SHOWN)
