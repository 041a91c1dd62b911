"""Figures of the group comparison; the same values give the same bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from groups import CASE, CONTROL, NO_GROUP, Participant, group_of, groups_of
from images import Array

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

_LOOKS = {CASE: ("#d55e00", "o"), CONTROL: ("#0072b2", "s"), NO_GROUP: ("#777777", "^")}
_OTHER_LOOKS = (("#009e73", "v"), ("#cc79a7", "D"), ("#e69f00", "P"), ("#56b4e9", "X"))
"""Colour and mark; told apart by colour-blind people too (Okabe and Ito)."""
_STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 150}


def draw_distribution(means: Mapping[str, float], people: Mapping[str, Participant], path: Path) -> None:
    """Draw each participant's mean over L1 to L4 as a dot, by group, with the group's quartiles."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 3.2))
        for place, (group, values) in enumerate(_by_group(means, people).items()):
            colour, mark = _look(people, group)
            spread = (np.arange(len(values)) % 7 - 3) * 0.04
            axes.plot(place + spread, sorted(values), mark, color=colour, alpha=0.8, markersize=5)
            if values:
                quartiles = np.percentile(values, [25, 50, 75])
                axes.vlines(place + 0.26, quartiles[0], quartiles[2], color="black")
                axes.plot(place + 0.26, quartiles[1], "_", color="black", markersize=14)
        groups = list(_by_group(means, people))
        axes.set_xticks(range(len(groups)), groups)
        axes.set_xlim(-0.5, len(groups) - 0.4)
        axes.set_ylabel("mean of L1 to L4 (HU)")
        _save(figure, path)


def draw_by_age(means: Mapping[str, float], people: Mapping[str, Participant], path: Path) -> None:
    """Draw the mean over L1 to L4 against age, with a line for each group of three or more."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 3.2))
        for group in groups_of(people):
            colour, mark = _look(people, group)
            points = _ages(means, people, group)
            if not len(points):
                continue
            axes.plot(*points.T, mark, color=colour, label=group, alpha=0.8, markersize=5)
            if len(points) >= 3 and np.ptp(points[:, 0]) > 0:
                slope, level = np.polyfit(points[:, 0], points[:, 1], 1)
                ends = np.array([points[:, 0].min(), points[:, 0].max()])
                axes.plot(ends, level + slope * ends, color=colour, linewidth=1)
        axes.set_xlabel("age (years)")
        axes.set_ylabel("mean of L1 to L4 (HU)")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
        _save(figure, path)


def draw_by_level(
    rows: Sequence[Mapping[str, Any]], people: Mapping[str, Participant], levels: Sequence[str], path: Path
) -> None:
    """Draw each level's values by group, with a line through the group's means."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 3.2))
        for group in groups_of(people):
            colour, mark = _look(people, group)
            shift = {CASE: -0.12, CONTROL: 0.12}.get(group, 0.0)
            centres = []
            for place, level in enumerate(levels):
                of_level = [row for row in rows if row["level"] == level]
                values = [row["mean_hu"] for row in of_level if group_of(people, row["participant"]) == group]
                axes.plot([place + shift] * len(values), values, mark, color=colour, alpha=0.5, ms=4)
                if values:
                    centres.append((place + shift, float(np.mean(values))))
            if centres:
                axes.plot(*np.array(centres).T, color=colour, linewidth=1.2, label=group)
        axes.set_xticks(range(len(levels)), levels)
        axes.set_ylabel("trabecular density (HU)")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
        _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, format="png", metadata={"Software": None})
    plt.close(figure)


def _look(people: Mapping[str, Participant], group: str) -> tuple[str, str]:
    if group in _LOOKS:
        return _LOOKS[group]
    return _OTHER_LOOKS[groups_of(people)[2:].index(group) % len(_OTHER_LOOKS)]


def _by_group(means: Mapping[str, float], people: Mapping[str, Participant]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {group: [] for group in groups_of(people)}
    for name in sorted(means):
        groups[group_of(people, name)].append(means[name])
    return {group: values for group, values in groups.items() if values or group in (CASE, CONTROL)}


def _ages(means: Mapping[str, float], people: Mapping[str, Participant], group: str) -> Array:
    points = []
    for name in sorted(means):
        age = people[name].age if name in people else None
        if group_of(people, name) == group and age is not None:
            points.append((age, means[name]))
    return np.array(points, dtype=float).reshape(-1, 2)
