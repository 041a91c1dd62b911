"""How long a count over a population takes: one million synthetic studies in the index, asked as an application asks.

Run: ``python benchmarks/index_counts.py [studies]``.
"""

import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from voxpop.backends.index.duckdb import open_index
from voxpop.cohort.model import Criteria, GroupCriteria

STUDIES = 1_000_000
ROUNDS = 5
CRITERIA = Criteria(
    modality="CT",
    groups=(
        GroupCriteria("osteoporosis", icd10_any=("M80", "M81"), number=500),
        GroupCriteria("control", icd10_none=("M80", "M81", "C79.5"), number=500),
    ),
    body_parts=("ABDOMEN",),
    study_from=date(2015, 1, 1),
    study_until=date(2023, 12, 31),
    age_min=50,
    age_max=90,
)

TABLES = {
    "bank/studies.parquet": """
        SELECT 'bank' AS archive, '1.2.826.' || i AS uid, 'P' || (hash(i) % ({n} // 2)) AS patient_id, '' AS issuer,
               DATE '2010-01-01' + (hash(i + 1) % 5400)::INTEGER AS day,
               CASE hash(i + 2) % 3 WHEN 0 THEN 'CT Abdomen mit KM' WHEN 1 THEN 'MRT Knie' ELSE '' END AS description,
               'A' || i AS accession, CASE hash(i + 3) % 5 WHEN 0 THEN '' WHEN 1 THEN 'M' ELSE 'F' END AS sex,
               DATE '1920-01-01' + (hash(hash(i) % ({n} // 2)) % 30000)::INTEGER AS birth FROM range({n}) t(i)""",
    "bank/series.parquet": """
        SELECT 'bank' AS archive, '1.2.826.' || i AS study, s::INTEGER AS position, '1.2.826.' || i || '.' || s AS uid,
               CASE hash(i) % 4 WHEN 0 THEN 'CT' WHEN 1 THEN 'MR' WHEN 2 THEN 'CR' ELSE 'US' END AS modality,
               s AS number, 'series ' || s AS description,
               CASE hash(i + 4) % 4 WHEN 0 THEN 'ABDOMEN' WHEN 1 THEN 'HEAD' WHEN 2 THEN 'ABD_PELVIS' ELSE '' END
               AS body_part, 'ACME' AS manufacturer, 100::BIGINT AS instances FROM range({n}) t(i), range(3) u(s)""",
    "clinical.parquet": """
        SELECT 'P' || i AS patient_id, '' AS issuer,
               DATE '1920-01-01' + (hash(i) % 30000)::INTEGER AS birth, 'F' AS sex,
               60.0 + hash(i) % 40 AS weight_kg, 150.0 + hash(i) % 40 AS height_cm,
               [CASE hash(i) % 9 WHEN 0 THEN 'M81.0' WHEN 1 THEN 'M80.08' ELSE 'I10' END, 'E11.9'] AS icd10,
               DATE '2018-01-01' AS day, i AS line FROM range({n} * 2 // 5) t(i)""",
}


def main(studies: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, query in TABLES.items():
            target = Path(folder) / name
            target.parent.mkdir(exist_ok=True)
            duckdb.sql(f"COPY ({query.format(n=studies)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        index = open_index(Path(folder))
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            tally = index.tally(CRITERIA)
            seconds.append(time.perf_counter() - start)
        print(f"studies: {tally.studies:,}; left: {dict(tally.left)}; groups: {dict(tally.groups)}")
        print(f"count: median {statistics.median(seconds):.2f} s, first {seconds[0]:.2f} s of {ROUNDS}")
        start = time.perf_counter()
        index.digest()
        print(f"digest: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        selection = index.select(CRITERIA)
        listed = len(selection.selected) + len(selection.not_selected)
        print(f"select, every study listed: {listed:,} in {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES)
