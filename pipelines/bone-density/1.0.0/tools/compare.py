"""Gather all measurements, compare the groups, and write what a report is made from.

Called as ``python3 compare.py --participants FILE --measured FILE... [--overlays FILE...]``.
"""

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import draw_by_age, draw_by_level, draw_distribution
from groups import (
    CASE,
    CONTROL,
    NO_GROUP,
    Effect,
    Participant,
    adjusted,
    discrimination,
    participant_means,
    split,
    welch,
)
from numbering import LEVELS
from reporting import Findings, report

COLUMNS = ("participant", "session", "image", "level", "mean_hu", "sd_hu", "volume_mm3", "quality", "reason")


def main(arguments: list[str]) -> int:
    """Compare the groups of a volume."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=Path, required=True)
    parser.add_argument("--measured", type=Path, nargs="*", default=[])
    parser.add_argument("--overlays", type=Path, nargs="*", default=[])
    options = parser.parse_args(arguments)
    people = read_participants(options.participants)
    rows = gathered(options.measured)
    means = participant_means(rows)
    values = {name: mean for name, (mean, _) in means.items()}
    levels = [level for level in LEVELS if any(row["level"] == level and row["mean_hu"] is not None for row in rows)]
    draw_distribution(values, people, Path("figure-groups.png"))
    draw_by_age(values, people, Path("figure-age.png"))
    good = [row for row in rows if row["mean_hu"] is not None]
    draw_by_level(good, people, levels, Path("figure-levels.png"))
    found = Findings(people, rows, means, levels, compared(rows, values, people, levels))
    pictures = {
        path.name.removesuffix("_overlay.png"): path.name
        for path in sorted(options.overlays, key=lambda path: path.name)
    }
    _write_json("measurements.json", rows)
    _write_table("measurements.tsv", rows)
    _write_json("group.json", group_json(found))
    _write_json("report.json", report(found, pictures))
    return 0


def read_participants(path: Path) -> dict[str, Participant]:
    """Read ``participants.tsv``; an unknown age or sex is left out, never guessed."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream, delimiter="\t"))
    people = {}
    for row in table:
        name = (row.get("participant_id") or "").strip()
        if name:
            people[name] = Participant(
                name, _text(row, "group") or NO_GROUP, _age(_text(row, "age")), _text(row, "sex")
            )
    return people


def gathered(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read all measurements, by participant, session, image and level from above."""
    rows: list[dict[str, Any]] = []
    for path in paths:
        rows += json.loads(path.read_text(encoding="utf-8"))
    order = {level: at for at, level in enumerate(LEVELS)}
    for row in rows:
        for column in COLUMNS:
            row.setdefault(column, "")
    return sorted(
        rows,
        key=lambda row: (
            row["participant"],
            row["session"],
            row["image"],
            order.get(row["level"], len(order)),
            row["level"],
        ),
    )


def compared(
    rows: Sequence[Mapping[str, Any]],
    means: Mapping[str, float],
    people: Mapping[str, Participant],
    levels: Sequence[str],
) -> dict[str, tuple[Effect, Effect]]:
    """Return the plain and the adjusted difference of the mean over L1 to L4, and of each level."""
    found = {"L1-L4": (welch(means, people), adjusted(means, people))}
    for level in levels:
        of_level: dict[str, list[float]] = {}
        for row in rows:
            if row["level"] == level and row["mean_hu"] is not None:
                of_level.setdefault(row["participant"], []).append(float(row["mean_hu"]))
        values = {name: sum(of_one) / len(of_one) for name, of_one in of_level.items()}
        found[level] = (welch(values, people), adjusted(values, people))
    return found


def group_json(found: Findings) -> dict[str, Any]:
    """Return the comparison as plain values."""
    means = {name: mean for name, (mean, _) in found.means.items()}
    cases, controls = split(means, found.people)
    area = discrimination(means, found.people)
    return {
        "participants": {CASE: len(cases), CONTROL: len(controls), "measured": len(means)},
        "auc": None if area is None else round(area, 4),
        "effects": {
            level: {"welch": plain.as_json(), "adjusted": held.as_json()}
            for level, (plain, held) in found.effects.items()
        },
    }


def _text(row: Mapping[str, str | None], column: str) -> str:
    text = (row.get(column) or "").strip()
    return "" if text.lower() in {"n/a", "na", ""} else text


def _age(text: str) -> float | None:
    digits = text.removesuffix("+").removesuffix("Y").removesuffix("y")
    try:
        return float(digits)
    except ValueError:
        return None


def _write_json(name: str, content: object) -> None:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    Path(name).write_text(text + "\n", encoding="utf-8")


def _write_table(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join("n/a" if row[c] in (None, "") else str(row[c]) for c in COLUMNS) for row in rows]
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
