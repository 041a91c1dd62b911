"""Applications as people write them, and the sentences they get back."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxpop.application.document import read_document, read_file, schema, template
from voxpop.application.errors import ApplicationInvalid, DocumentAbsent
from voxpop.application.icd10 import icd10_fault
from voxpop.application.model import WorkerRange
from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.web.pages.applications.draft import document_of, of_application

GOOD = template()


def faults_of(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(ApplicationInvalid) as caught:
        read_document(text, "a.yaml")
    return [(fault.line, fault.column, fault.sentence) for fault in caught.value.faults]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def only_fault(old: str, new: str) -> str:
    text = changed(old, new)
    (fault,) = faults_of(text)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if new.splitlines()[-1].strip() in row)
    assert fault[0] == line
    return fault[2]


def test_the_template_is_the_bone_density_project() -> None:
    application = read_document(GOOD, "application.yaml")
    assert application.id == "bone-density"
    assert [(group.name, group.number) for group in application.request.groups] == [
        ("osteoporotic", 12),
        ("control", 12),
        ("n/a", None),
    ]
    assert application.request.groups[0].icd10_any == ("M80", "M81")
    assert application.request.groups[2].without_clinical_record
    assert application.compute.cores == 16
    assert application.digest == sha256_bytes(GOOD.encode())
    assert application.document == GOOD


def test_every_key_of_the_schema_has_a_description_for_the_reference() -> None:
    def walk(node: object, where: str) -> None:
        if not isinstance(node, dict):
            return
        for name, child in node.get("properties", {}).items():
            target = schema()["$defs"][child["$ref"].rsplit("/", 1)[1]] if "$ref" in child else child
            assert child.get("description") or target.get("description"), f"{where}.{name}"
            walk(child, f"{where}.{name}")

    walk(schema(), "application")
    for name, child in schema()["$defs"].items():
        walk(child, name)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("purpose: >-", "porpose: >-", "there is no key 'porpose' here: did you mean 'purpose'?"),
        ("  cores: 16", "  cores: many", "`compute.cores` must be a whole number and is 'many'"),
        ("  cores: 16", "  cores: 0", "`compute.cores` is 0 and must be at least 1"),
        ("  gpus: 1", "  gpus: -1", "`compute.gpus` is -1 and must be at least 0"),
        (
            "  # workers: {min: 0, max: 4}",
            "  workers: {max: 4}",
            "`compute.gpus` is 1, which 4 workers can't share evenly: make it 4",
        ),
        (
            "  gpus: 1",
            "  workers: {min: 0, max: 3}",
            "`compute.cores` is 16, which 3 workers can't share evenly: make it 15 or 18",
        ),
        (
            "  gpus: 1",
            "  workers: {min: 3, max: 2}",
            "the fewest workers, 3, are more than the most, 2: swap them",
        ),
        ("  gpus: 1", "  workers: {max: 0}", "`compute.workers.max` is 0 and must be at least 1"),
        (
            "  gpus: 1",
            "  workers: {min: 1}",
            "`compute.workers` has no key 'max': add it (how many there are at the peak)",
        ),
        ("  days: 90", "  days: 99999", "`compute.days` is 99999 and must be at most 3650"),
        (
            "  # dates: {from: 2019-01-01, until: 2025-12-31}",
            "  dates: {from: 2025-12-31, until: 2019-01-01}",
            "the last day, 2019-01-01, is before the first, 2025-12-31: swap them",
        ),
        (
            "  # dates: {from: 2019-01-01, until: 2025-12-31}",
            "  dates: {from: 2019-02-30}",
            "`data.dates.from` is 2019-02-30, and the calendar has no such day",
        ),
        (
            "  # dates: {from: 2019-01-01, until: 2025-12-31}",
            "  dates: {until: 31/12/2019}",
            "`data.dates.until` cannot be '31/12/2019': write a day as 2019-01-31",
        ),
        (
            "  # dates: {from: 2019-01-01, until: 2025-12-31}",
            "  dates: {until: 2019}",
            "`data.dates.until` must be text and is '2019': write a day as 2019-01-31",
        ),
        (
            "  # age: {min: 40, max: 95}",
            "  age: {min: 95, max: 40}",
            "the highest age, 40, is below the lowest, 95: swap them",
        ),
        ("number: 12 # at most", "number: 0 # at most", "`data.groups[1].number` is 0 and must be at least 1"),
        (
            "any: [M80, M81]",
            "any: [M80, MM1]",
            "'MM1' is not in the WHO's ICD-10: give a category such as M80 or a code with its dot such as M80.0",
        ),
        ("any: [M80, M81]", "any: [m800]", "'m800' is not written as the WHO writes it: write M80.0"),
        ("any: [M80, M81]", "any: [M80-M85]", "'M80-M85' is a range: list its categories one by one, as in [M80, M81]"),
        (
            "any: [M80, M81]",
            "any: M80",
            "`data.groups[1].icd10.any` must be a list, as in [a, b] and is 'M80': write [M80]",
        ),
        ("name: control", "name: Osteoporotic", "there is already a group 'Osteoporotic': give this one another name"),
        (
            "modality: CT",
            "modality: ct",
            "`data.modality` cannot be 'ct': write the DICOM modality in capitals, as in CT",
        ),
        ("[age, sex, weight,", "[Age, sex, weight,", "`data.clinical_fields[1]` cannot be 'Age': did you mean 'age'?"),
        ("formats: [nifti]", "formats: [nrrd]", "`data.formats[1]` cannot be 'nrrd': write one of nifti, dicom"),
        (
            "reference: EXAMPLE-2026-014",
            "reference: 14",
            "`ethics.reference` must be text and is '14': put it in quotes",
        ),
        ("title: Trabecular bone density from abdominal CT", "title: ' '", "`title` is empty: fill it in"),
        (
            "name: bone-density #",
            "name: Bone Density #",
            "`name` cannot be 'Bone Density': write lower-case words joined by hyphens, as in bone-density",
        ),
        (
            "      without_clinical_record: true",
            "      icd10: {any: [M80]}\n      without_clinical_record: true",
            "people without a clinical record have no diagnoses: remove `icd10` or `without_clinical_record`",
        ),
        ("octave, ", "octave, octave, ", "`software` names something twice: keep it once"),
        ("  gpus: 1", "  gpus: 1\n  gpus: 2", "the key 'gpus' stands twice: keep one of them"),
    ],
)
def test_a_fault_is_one_sentence_at_its_line(old: str, new: str, sentence: str) -> None:
    if "icd10: {any: [M80]}\n" in new:
        assert [fault[2] for fault in faults_of(changed(old, new))] == [sentence]
        return
    assert only_fault(old, new) == sentence


def test_a_missing_key_says_what_it_is_for() -> None:
    ((line, column, sentence),) = faults_of(changed("  storage_gb: 50\n", ""))
    assert (GOOD.splitlines()[line - 1][:8], column) == ("compute:", 1)
    assert sentence == "`compute` has no key 'storage_gb': add it (storage for results, in GB)"


def test_all_faults_are_listed_in_the_order_of_the_document() -> None:
    text = changed("modality: CT", "modality: ct").replace("cores: 16", "cores: -1").replace("name: Ada", "nam: Ada")
    found = faults_of(text)
    assert len(found) == 3
    assert [line for line, _, _ in found] == sorted(line for line, _, _ in found)


def test_each_line_of_the_error_names_the_file_the_line_and_the_column() -> None:
    with pytest.raises(ApplicationInvalid) as caught:
        read_document(changed("cores: 16", "cores: -1").replace("modality: CT", "modality: ct"), "mine.yaml")
    assert all(re.match(r"mine\.yaml, line \d+, column \d+: ", line) for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the document is empty"),
        ("# nothing", "the document is empty"),
        ("- a", "an application is keys with values"),
        ("a: [1", "this is not YAML"),
        ("a: b: c", "this is not YAML"),
        ("\ta: 1", "this is not YAML"),
        ("a: 'x", "this is not YAML"),
        ("--- {a: 1}\n--- {b: 1}\n", "a second document begins here"),
        ("a: &x [1]\nb: [*x, *x]", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [ls]", "tags (!)"),
        ("a: \x00", "a control character stands here"),
        ("[" * 5000, "nested too deep"),
        ("a: " + "x" * 300_000, "more than 256 KiB"),
    ],
)
def test_what_is_no_application_document_says_so(text: str, sentence: str) -> None:
    ((_, _, found),) = faults_of(text)
    assert sentence in found


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD])
def test_a_file_keeps_its_own_digest_whatever_its_line_ends(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode())
    application = read_file(path)
    assert application.digest == sha256_file(path)
    assert application.request == read_document(GOOD, "a.yaml").request


def test_a_file_that_is_not_there_or_not_utf_8_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentAbsent, match=r"there is no file 'a\.yaml'"):
        read_file(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_bytes("name: a\ntitle: caf\u00e9".encode("latin-1"))
    with pytest.raises(ApplicationInvalid, match=r"^a\.yaml, line 2, column 11: this is not UTF-8"):
        read_file(tmp_path / "a.yaml")


@pytest.mark.parametrize("number", ["9" * 5000, "1e400", ".inf", ".nan", "0x10000000000", "5.5", "yes", "1e300"])
def test_a_number_of_nothing_is_one_fault(number: str) -> None:
    assert len(faults_of(changed("  days: 90", f"  days: {number}"))) == 1


def test_a_whole_number_written_with_a_point_is_whole() -> None:
    days = read_document(changed("  days: 90", "  days: 90.0"), "a.yaml").compute.days
    assert (days, type(days)) == (90, int)


@pytest.mark.parametrize("code", ["M80", "M80.0", "M80.08", "E10.9", "U07.1", "S72.00", "Z87.3"])
def test_codes_of_the_who_are_taken(code: str) -> None:
    assert icd10_fault(code) == ""


@pytest.mark.parametrize("code", ["XX", "I", "M80.", "M80.0X", "M80.089", "E10.99", "S72.05", "", "M80 .0", "M80\n"])
def test_what_the_who_does_not_list_is_not_taken(code: str) -> None:
    assert icd10_fault(code)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_no_text_brings_the_reader_down(text: str) -> None:
    with pytest.raises(ApplicationInvalid):
        read_document(text, "a.yaml")


@settings(max_examples=100, deadline=None)
@given(position=st.integers(0, len(GOOD)), cut=st.integers(0, 5), put=st.text(max_size=4))
def test_no_slip_of_the_pen_brings_the_reader_down(position: int, cut: int, put: str) -> None:
    text = GOOD[:position] + put + GOOD[position + cut :]
    try:
        read_document(text, "a.yaml")
    except ApplicationInvalid as error:
        places = [(fault.line, fault.column) for fault in error.faults]
    else:
        places = []
    assert all(1 <= line <= text.count("\n") + 2 and column >= 1 for line, column in places)


def test_workers_come_back_from_the_form_as_they_were() -> None:
    written = read_document(changed("  gpus: 1", "  gpus: 0\n  workers: {min: 1, max: 4}"), "a.yaml")
    again = read_document(document_of(of_application(written)), "a.yaml")
    assert again.compute == written.compute
    assert again.compute.workers == WorkerRange(1, 4)


def test_a_form_without_workers_asks_for_none() -> None:
    written = read_document(GOOD, "a.yaml")
    assert read_document(document_of(of_application(written)), "a.yaml").compute.workers is None
