"""The clinical source: what is read, and the place of what cannot be."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.backends.clinical.tabular import open_clinical
from voxpop.backends.clinical.tabular.cells import WrongCell, codes, day, number, sex
from voxpop.cohort.errors import ClinicalSourceInvalid
from voxpop.cohort.ports import ClinicalRecord

HEAD = "patient_id,issuer,birth_date,sex,weight_kg,height_cm,icd10,recorded\n"
NO_CODE = "holds something that is no ICD-10 code: write M80.08, and separate codes by semicolons"
NO_SEX = "is no sex: write F, M, O, or leave it empty"
NO_DAY = "is no day: write it as 2024-01-31"
FIRST = ClinicalRecord(
    "P1", "REGION", date(1950, 1, 2), "F", 61.5, 160.0, ("M80.08", "E11.9"), date(2020, 2, 29)
)  # fmt: skip


def _csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "clinic.csv"
    path.write_bytes(text.encode(encoding))
    return path


def _read(path: Path, **columns: str) -> list[ClinicalRecord]:
    return list(open_clinical(path, columns).records())


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "P1,REGION,1950-01-02,F,61.5,160,M80.08;E11.9,2020-02-29\n",
        "\ufeff" + HEAD + "P1,REGION,19500102,female,61.5,160.0,m8008; E119;,2020-02-29\r\n",
        HEAD.replace(",", "\t") + "P1\tREGION\t1950-01-02\tF\t61,5\t160\tM80.08;E11.9\t2020-02-29",
        HEAD.replace(",", ";") + 'P1;REGION;1950-01-02;F;61,5;160;"M80.08;E11.9";2020-02-29\n\n;;;;;;;\n',
    ],
)
def test_csv_is_read_as_it_comes_from_real_systems(text: str, tmp_path: Path) -> None:
    assert _read(_csv(tmp_path, text)) == [FIRST]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "clinic.parquet"
    duckdb.sql(
        "COPY (SELECT 'P1' patient_id, 'REGION' issuer, DATE '1950-01-02' birth_date, 'F' sex, 61.5 weight_kg,"
        f" 160 height_cm, ['M80.08', 'E11.9'] icd10, TIMESTAMP '2020-02-29 12:00:00' recorded) TO '{path}'"
    )
    assert _read(path) == [FIRST]


def test_columns_can_have_other_names_and_most_may_be_missing(tmp_path: Path) -> None:
    path = _csv(tmp_path, "NHC,dx\n7,M81.0\n8,\n")
    assert _read(path, patient_id="NHC", icd10="dx") == [ClinicalRecord("7", icd10=("M81.0",)), ClinicalRecord("8")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "clinic.csv: has no head with the names of the columns"),
        ("a,b\n1,2\n", "clinic.csv, line 1, column patient_id: there is no such column"),
        ("patient_id,patient_id\n1,2\n", "clinic.csv, line 1, column patient_id: stands there twice"),
        ("patient_id,sex\nP1\n", "clinic.csv, line 2: has 1 cells and the head has 2"),
        ("patient_id,sex\n,F\n", "clinic.csv, line 2, column patient_id: is empty"),
        ("patient_id,sex\nP1,F\nP2,x\n", "clinic.csv, line 3, column sex: is no sex: write F, M, O, or leave it empty"),
        ('patient_id,sex\n"P\n1",F\nP2,x\n', "clinic.csv, line 4, column sex: " + NO_SEX),
        ("patient_id,weight_kg\nP1,0.2\n", "clinic.csv, line 2, column weight_kg: is not between 0.3 and 400"),
        ("patient_id,weight_kg\nP1,nan\n", "clinic.csv, line 2, column weight_kg: is not between 0.3 and 400"),
        ("patient_id,height_cm\nP1,1.72\n", "clinic.csv, line 2, column height_cm: is not between 20 and 260"),
        ("patient_id,height_cm\nP1,tall\n", "clinic.csv, line 2, column height_cm: is no number"),
        ("patient_id,birth_date\nP1,02.01.1950\n", "clinic.csv, line 2, column birth_date: " + NO_DAY),
        ("patient_id,birth_date\nP1,1950-02-30\n", "clinic.csv, line 2, column birth_date: is no day of the calendar"),
        ("patient_id,recorded\nP1,0200-02-03\n", "clinic.csv, line 2, column recorded: is a day before 1850"),
        ("patient_id,icd10\nP1,M80;80\n", "clinic.csv, line 2, column icd10: " + NO_CODE),
        ('patient_id,sex\n"P1,F\n', "clinic.csv, line 2: is no line of a CSV table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_file_line_and_column(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ClinicalSourceInvalid) as caught:
        _read(_csv(tmp_path, text))
    assert str(caught.value) == sentence


def test_another_encoding_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ClinicalSourceInvalid, match=r"clinic\.csv: is not UTF-8: save it as UTF-8"):
        _read(_csv(tmp_path, HEAD + "Pé,,,,,,,\n", "latin-1"))


@pytest.mark.parametrize("name", ["gone.csv", "gone.parquet"])
def test_a_file_that_is_not_there_is_named_without_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ClinicalSourceInvalid, match="cannot be read: check its path") as caught:
        _read(tmp_path / name)
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_no_parquet_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "clinic.parquet"
    path.write_text("no parquet")
    with pytest.raises(ClinicalSourceInvalid, match=r"clinic\.parquet: is no Parquet file"):
        _read(path)


def test_a_mapping_of_something_that_is_no_column_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClinicalSourceInvalid, match="nothing is called wieght_kg"):
        open_clinical(tmp_path / "clinic.csv", {"wieght_kg": "w"})


@given(st.text(alphabet="ÀÉΩЖ漢", min_size=2))
def test_no_refusal_shows_the_cell(cell: str) -> None:
    for read in (codes, day, sex, lambda text: number(text, 1, 2)):
        with pytest.raises(WrongCell) as caught:
            read(cell)
        assert cell not in str(caught.value)


@given(st.from_regex(r"[A-Z][0-9][0-9A-Z]\.[0-9]{1,2}", fullmatch=True))
def test_a_code_is_the_same_with_and_without_its_dot(code: str) -> None:
    assert codes(code) == codes(code.replace(".", "")) == codes(code.lower()) == (code,)
