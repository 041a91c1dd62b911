"""The report's content: words, tables and figures, without any layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from groups import Effect, Participant, discrimination, group_of, groups_of

_METHODS = (
    (
        "Each scan is turned to standard axes. The spinal canal is followed through the slices as a tube of soft "
        "tissue with bone behind, beside and ahead of it; discs are found along it as dips between bright end plates."
    ),
    (
        "A vertebra is named only where anatomy proves it: L5 lies on the sacrum, T12 is the lowest vertebra with "
        "ribs on both sides, above one without. Where both are in the scan, five vertebrae must lie between them."
    ),
    (
        "The trabecular region is the inside of the vertebral body, away from the cortex, dense bone, the end plates "
        "and the basivertebral vein; its mean and standard deviation in Hounsfield units (HU) and its volume are "
        "reported."
    ),
    (
        "A participant's value is the mean over L1 to L4 as far as they were measured. The groups are compared by "
        "Welch's t and, for the adjusted difference, by ordinary least squares with age and sex; intervals are 95 % "
        "confidence intervals, without correction for several levels."
    ),
    (
        "Opportunistic screening uses comparable values: an L1 density of 135 HU or less is a threshold of balanced "
        "accuracy for osteoporosis in the study of Pickhardt and others (2013). The values here are not calibrated "
        "with a phantom and are no diagnosis."
    ),
)


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known at the end.

    Parameters
    ----------
    means : mapping of participant to (mean over L1 to L4 in HU, number of levels)
    effects : mapping of level, or ``L1-L4``, to the plain and the adjusted difference
    """

    people: Mapping[str, Participant]
    rows: Sequence[Mapping[str, Any]]
    means: Mapping[str, tuple[float, int]]
    levels: Sequence[str]
    effects: Mapping[str, tuple[Effect, Effect]]


def report(found: Findings, pictures: Mapping[str, str]) -> dict[str, Any]:
    """Build the report.

    Parameters
    ----------
    pictures : mapping of an image's name without ending to its overlay's file name
    """
    return {
        "title": "Bone density from abdominal CT",
        "subtitle": "Trabecular density of vertebral bodies, osteoporotic participants and controls",
        "summary": _summary(found),
        "sections": [
            _population(found),
            _per_participant(found),
            _slices(found, pictures),
            _distributions(found),
            _quality(found),
        ],
        "methods": list(_METHODS),
        "exclusions": _exclusions(found),
    }


def _summary(found: Findings) -> list[str]:
    names = _participants(found)
    bodies = sum(row["mean_hu"] is not None for row in found.rows)
    plain, held = found.effects["L1-L4"]
    area = discrimination({name: mean for name, (mean, _) in found.means.items()}, found.people)
    lines = [
        (
            f"{len(names)} participants were measured; {bodies} vertebral bodies gave a value, "
            f"and {len(found.means)} participants have a mean over L1 to L4."
        ),
        "Osteoporotic minus control, L1 to L4, unadjusted: " + _effect_text(plain) + ".",
        "The same, adjusted for age and sex: " + _effect_text(held) + ".",
    ]
    if area is not None:
        lines.append(f"Area under the ROC curve: {area:.2f}.")
    return lines


def _effect_text(effect: Effect) -> str:
    if effect.difference is None:
        return effect.reason
    return f"{effect.difference:+.1f} HU (95 % CI {effect.low:+.1f} to {effect.high:+.1f}, {_p_text(effect)})"


def _p_text(effect: Effect) -> str:
    assert effect.p_value is not None
    return "p < 0.001" if effect.p_value < 0.001 else f"p = {effect.p_value:.3f}"


def _population(found: Findings) -> dict[str, Any]:
    rows = []
    for group in groups_of(found.people):
        people = [person for person in found.people.values() if person.group == group]
        if not people:
            continue
        ages = [person.age for person in people if person.age is not None]
        sexes = sorted({person.sex for person in people if person.sex})
        count = ", ".join(f"{sum(person.sex == sex for person in people)} {sex}" for sex in sexes)
        measured = sum(person.name in found.means for person in people)
        spread = f"{np.mean(ages):.1f} ({min(ages):.0f} to {max(ages):.0f})" if ages else "n/a"
        rows.append([group, str(len(people)), spread, count or "n/a", str(measured)])
    columns = [_text("group"), _number("participants"), _number("age", "years"), _text("sex"), _number("with L1-L4")]
    text = "Groups as in participants.tsv; osteoporotic and control are compared, participants of others are measured."
    return _section("Population", [text], [_table("Participants by group; age as mean (range)", columns, rows)])


def _per_participant(found: Findings) -> dict[str, Any]:
    levels = list(found.levels)
    columns = [_text("participant"), _text("group"), _number("age", "years"), _text("sex")]
    columns += [_number(level, "HU") for level in levels] + [_number("L1-L4", "HU")]
    rows = []
    for name in _participants(found):
        person = found.people.get(name)
        cells = [name, group_of(found.people, name)]
        cells += ["n/a" if person is None or person.age is None else f"{person.age:.0f}"]
        cells += [(person.sex if person else "") or "n/a"]
        cells += [_level_text(found, name, level) for level in levels]
        cells.append(f"{found.means[name][0]:.0f}" if name in found.means else "-")
        rows.append(cells)
    text = "Mean trabecular density by level; a dash is a level that is not in the scan or could not be measured."
    return _section("Participants", [text], [_table("Density by participant and level", columns, rows)])


def _level_text(found: Findings, name: str, level: str) -> str:
    values = [
        row["mean_hu"]
        for row in found.rows
        if row["participant"] == name and row["level"] == level and row["mean_hu"] is not None
    ]
    return f"{np.mean(values):.0f}" if values else "-"


def _slices(found: Findings, pictures: Mapping[str, str]) -> dict[str, Any]:
    figures = []
    for stem, path in pictures.items():
        rows = [row for row in found.rows if str(row["image"]).startswith(f"{stem}.")]
        levels = [row["level"] for row in rows if row["mean_hu"] is not None]
        who = rows[0]["participant"] if rows else stem
        seen = f"measured: {', '.join(levels)}" if levels else "nothing measured"
        alt = "Midline of the spine from the side and each vertebral body from above, with outlines of the segmentation"
        figures.append({"path": path, "caption": f"{who}: {seen}", "alt": f"{alt}; {seen}."})
    text = "The curved midline from the side (front to the right) and the slice through each body's centre."
    return {**_section("Segmentation", [text], []), "figures": figures}


def _distributions(found: Findings) -> dict[str, Any]:
    columns = [_text("level"), _number("osteoporotic"), _number("control"), _number("difference", "HU")]
    columns += [_text("95 % CI"), _number("adjusted", "HU"), _text("adjusted 95 % CI"), _text("adjusted p")]
    rows = []
    for level, (plain, held) in found.effects.items():
        p_text = "-" if held.p_value is None else _p_text(held).removeprefix("p ").removeprefix("= ")
        rows.append([level, str(plain.cases), str(plain.controls), *_cells(plain), *_cells(held), p_text])
    paragraphs = ["Differences are osteoporotic minus control; the adjusted ones hold age and sex fixed."]
    paragraphs += [
        f"{level} is {reason}."
        for level, pair in found.effects.items()
        for reason in dict.fromkeys(effect.reason for effect in pair if effect.reason)
    ]
    figures = [
        _figure("figure-groups.png", "Mean over L1 to L4 by group; the bar is the middle half, the dash the median"),
        _figure("figure-age.png", "Mean over L1 to L4 by age"),
        _figure("figure-levels.png", "Density by level and group; lines join the groups' means"),
    ]
    table = _table("Difference between the groups", columns, rows)
    return {**_section("Distributions by group", paragraphs, [table]), "figures": figures}


def _cells(effect: Effect) -> list[str]:
    if effect.difference is None:
        return ["-", "-"]
    return [f"{effect.difference:+.1f}", f"{effect.low:+.1f} to {effect.high:+.1f}"]


def _quality(found: Findings) -> dict[str, Any]:
    bad = [row for row in found.rows if row["mean_hu"] is None]
    unnamed = [row for row in found.rows if row["mean_hu"] is not None and row["level"] not in found.levels]
    rows = [[row["participant"], row["level"] or "whole scan", row["reason"]] for row in bad]
    rows += [[row["participant"], row["level"], row.get("note") or "not labelled"] for row in unnamed]
    good = len(found.rows) - len(bad)
    text = f"{good} vertebral bodies were measured, {len(bad)} bodies or whole scans could not be."
    columns = [_text("participant"), _text("level"), _text("reason")]
    return _section("Quality and exclusions", [text], [_table("What has no value or no name, and why", columns, rows)])


def _exclusions(found: Findings) -> list[dict[str, str]]:
    names = sorted(set(_participants(found)) | set(found.people))
    excluded = []
    for name in names:
        if name in found.means:
            continue
        reasons = sorted({str(row["reason"]) for row in found.rows if row["participant"] == name and row["reason"]})
        notes = sorted({str(row["note"]) for row in found.rows if row["participant"] == name and row.get("note")})
        scanned = any(row["participant"] == name for row in found.rows)
        fallback = "no level of L1 to L4 in the scan" if scanned else "no scan in the volume"
        excluded.append({"participant": name, "reason": "; ".join(reasons + notes) or fallback})
    return excluded


def _participants(found: Findings) -> list[str]:
    return sorted({str(row["participant"]) for row in found.rows})


def _section(title: str, paragraphs: list[str], tables: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "paragraphs": paragraphs, "tables": tables, "figures": []}


def _table(caption: str, columns: list[dict[str, str]], rows: list[list[str]]) -> dict[str, Any]:
    return {"caption": caption, "columns": columns, "rows": rows}


def _text(name: str) -> dict[str, str]:
    return {"name": name, "unit": "", "align": "left"}


def _number(name: str, unit: str = "") -> dict[str, str]:
    return {"name": name, "unit": unit, "align": "right"}


def _figure(path: str, caption: str) -> dict[str, str]:
    return {"path": path, "caption": caption, "alt": f"{caption}."}
