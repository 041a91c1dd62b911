"""One patient of the population: what is decided for each index, and the files that come of it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxpop.demo.phantom import Body, Geometry, Quality, Traits, acquire, draw_body
from voxpop.demo.population.answer_key import AnswerKey
from voxpop.demo.population.documents import write_dose_report, write_marks
from voxpop.demo.population.images import Study, write_ct, write_localizer, write_screenshot
from voxpop.demo.population.people import Person, draw_person
from voxpop.demo.population.scanners import SCANNERS
from voxpop.demo.population.uids import Uids

AGES = (67, 52, 71, 45, 78, 61, 91, 40, 64, 69, 82, 57, 74, 90, 59, 48, 85, 63, 69, 76, 93, 54, 72, 66)
OSTEOPOROSIS = ("M81.0", "M80.08", "M81.9", "M80.0", "M81.0", "M80.9")
OTHERS = ("I10", "E11.9", "K80.2", "N20.0", "C18.9", "J44.9", "K57.3", "R10.4")
NOISY, SCREWS, WIDE, CUT = 11, 18, 23, 19
FROM_T11 = frozenset({2, 7, 12, 17, 22})
ENDS_WITH_L5 = frozenset({5, 16})
CONTRAST = frozenset({3, 8, 14, 21})
CALCIFIED = frozenset({6, 10, 15})
THIN_MM = {4: 4.0, 13: 4.0, 9: 3.0, WIDE: 10.0}
SMALL_FIELD = 10
NO_WEIGHT = frozenset({1, 12, 17})
MATRICES = (256, 288, 320)


@dataclass(frozen=True, slots=True)
class Made:
    """What one patient gave: its row of the clinical table, its truth, its answers, and how many files."""

    clinical: dict[str, str]
    truth: dict[str, Any]
    answers: dict[str, Any]
    slices: int
    files: int


def make_patient(index: int, seed: int, dicom: Path) -> Made:
    """Make the patient of an index (from 0) below the folder of DICOM files."""
    rng = np.random.default_rng([seed, index])
    person = draw_person(index, AGES[index % len(AGES)], seed)
    scanner = SCANNERS[index // 2 % len(SCANNERS)]
    traits = _traits(index, person, rng)
    body = draw_body(traits, rng)
    origin = tuple(round(float(v), 1) for v in (rng.uniform(-8, 8), rng.uniform(-150, -90), rng.uniform(-900, 300)))
    geometry = _geometry(index, body, rng)
    noisy = index == NOISY
    quality = Quality(150.0 if noisy else scanner.noise_hu * float(rng.uniform(0.9, 1.25)), scanner.blur_mm)
    hu = acquire(body, geometry, quality, rng)
    placed = Geometry(
        tuple(round(c + o, 4) for c, o in zip(geometry.corner_mm, origin, strict=True)),  # type: ignore[arg-type]  # three of three
        geometry.pixel_mm, geometry.step_mm, geometry.thickness_mm, geometry.matrix, geometry.slices,
    )  # fmt: skip
    key = AnswerKey(f"P{index + 1:02d}", person.charset)
    study = Study(
        person, scanner, Uids(seed, index), key, dicom / key.patient / "ST1", index not in NO_WEIGHT, traits.contrast
    )
    images = write_ct(study, hu, placed)
    write_localizer(study, hu, placed)
    write_screenshot(study)
    write_dose_report(study)
    if index % 2:
        write_marks(study, images)
    truth = _truth(study, body, placed, quality, origin)
    return Made(_clinical(index, person), truth, key.as_json(), len(images), len(images) + 3 + index % 2)


def _traits(index: int, person: Person, rng: np.random.Generator) -> Traits:
    return Traits(
        person.age, person.sex, index % 2 == 0, person.height_cm, person.weight_kg, index in CONTRAST,
        index in CALCIFIED, "L3" if index == SCREWS else None,
        (float(rng.uniform(-7, 7)), float(rng.uniform(18, 26)), 0.0),
    )  # fmt: skip


def _geometry(index: int, body: Body, rng: np.random.Generator) -> Geometry:
    step = THIN_MM.get(index, 5.0)
    first = "T11" if index in FROM_T11 else "T12"
    top = body.vertebra(first).z_range[1] + float(rng.uniform(8, 20))
    last = body.vertebra("L5")
    bottom = body.sacrum.centre[2] - float(rng.uniform(12, 28))
    if index in ENDS_WITH_L5:
        bottom = last.z_range[0] - 3
    if index == CUT:
        bottom = last.centre[2] + 2
    matrix = 384 if index == SMALL_FIELD else MATRICES[index % 3]
    field = 300.0 if index == SMALL_FIELD else 2 * body.half_width_mm + float(rng.uniform(16, 40))
    pixel = round(field / matrix, 6)
    corner = (-field / 2 + float(rng.uniform(-4, 4)), -field / 2 + float(rng.uniform(0, 12)), bottom)
    return Geometry(corner, pixel, step, step, matrix, int((top - bottom) / step) + 1)


def _truth(study: Study, body: Body, placed: Geometry, quality: Quality, origin: tuple[float, ...]) -> dict[str, Any]:
    low = placed.corner_mm[2] - placed.thickness_mm / 2
    high = placed.corner_mm[2] + (placed.slices - 1) * placed.step_mm + placed.thickness_mm / 2
    index = study.person.index
    whole_scan = {NOISY: "noise", WIDE: "slices too far apart"}.get(index)
    levels = {}
    for v in body.vertebrae:
        bottom, top = (z + origin[2] for z in v.z_range)
        if top <= low or bottom >= high:
            continue
        complete = bottom >= low and top <= high
        why = whole_scan or ("metal" if v.level == body.screws_at else None) or (None if complete else "cut off")
        centre = [round(c + o, 2) for c, o in zip(v.centre, origin, strict=True)]
        levels[v.level] = {
            "trabecular_hu": v.trabecular_hu, "centre_lps_mm": centre,
            "centre_ras_mm": [-centre[0], -centre[1], centre[2]],
            "z_extent_mm": [round(bottom, 2), round(top, 2)],
            "height_mm": round(v.height_mm, 2), "width_mm": round(v.width_mm, 2), "depth_mm": round(v.depth_mm, 2),
            "tilt_deg": round(float(np.degrees(v.tilt_rad)), 2), "shell_hu": round(v.shell_hu, 1),
            "complete": complete, "measurable": why is None, "why_not": why,
        }  # fmt: skip
    facts = asdict(placed) | asdict(quality) | {
        "maker": study.scanner.maker, "contrast": body.contrast, "calcified_aorta": body.calcified_aorta,
        "screws_at": body.screws_at, "descending": study.scanner.head_first_down,
        "z_extent_mm": [round(low, 2), round(high, 2)],
    }  # fmt: skip
    return {
        "patient": study.key.patient, "patient_id": study.person.patient_id,
        "study_uid": str(study.uids.make("study")), "series_uid": str(study.uids.make("series", "ct")),
        "group": "control" if index % 2 else "osteoporotic", "age": study.person.age, "sex": study.person.sex,
        "scan": facts, "levels": levels,
    }  # fmt: skip


def _clinical(index: int, person: Person) -> dict[str, str]:
    codes = [] if index % 2 else [OSTEOPOROSIS[index // 2 % len(OSTEOPOROSIS)]]
    codes += [OTHERS[(index * 3 + k) % len(OTHERS)] for k in range(index % 3 + (index % 2 and 0))]
    return {
        "patient_id": person.patient_id, "issuer": person.issuer, "birth_date": person.birth.isoformat(),
        "sex": person.sex, "weight_kg": "" if index in NO_WEIGHT else f"{person.weight_kg:.1f}",
        "height_cm": f"{person.height_cm:.1f}", "icd10": ";".join(codes or ["R10.4"]),
        "recorded": person.study_day.isoformat(),
    }  # fmt: skip
