"""Osteoporotic participants against controls, by ordinary least squares and Welch's t."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CASE, CONTROL, NO_GROUP = "osteoporotic", "control", "n/a"
MEAN_LEVELS = ("L1", "L2", "L3", "L4")
LEAST = 3
"""Fewer participants in a group give no number."""


@dataclass(frozen=True, slots=True)
class Participant:
    """One row of ``participants.tsv``; ``age`` in years ("89+" reads as 89), None where it is not known."""

    name: str
    group: str
    age: float | None
    sex: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference, osteoporotic minus control, in HU; the sentence says why there is none."""

    cases: int
    controls: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the values, rounded."""
        rounded = {name: _rounded(getattr(self, name)) for name in ("difference", "low", "high")}
        return {
            "osteoporotic": self.cases,
            "control": self.controls,
            **rounded,
            "p_value": None if self.p_value is None else float(f"{self.p_value:.3g}"),
            "reason": self.reason,
        }


def group_of(participants: Mapping[str, Participant], name: str) -> str:
    """Return a participant's group, ``n/a`` for who is not in the table."""
    return participants[name].group if name in participants else NO_GROUP


def groups_of(participants: Mapping[str, Participant]) -> tuple[str, ...]:
    """Return the groups that are shown: the two that are compared, the others by name, and ``n/a``."""
    named = {person.group for person in participants.values()} - {CASE, CONTROL, NO_GROUP}
    return (CASE, CONTROL, *sorted(named), NO_GROUP)


def participant_means(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, int]]:
    """Return each participant's mean over L1 to L4, as far as they were measured, and how many there were.

    Several scans of one participant count as more values of the same levels.
    """
    values: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if row["mean_hu"] is not None and row["level"] in MEAN_LEVELS:
            values.setdefault(row["participant"], {}).setdefault(row["level"], []).append(float(row["mean_hu"]))
    return {
        name: (float(np.mean([np.mean(of_level) for of_level in levels.values()])), len(levels))
        for name, levels in sorted(values.items())
    }


def welch(values: Mapping[str, float], participants: Mapping[str, Participant]) -> Effect:
    """Compare the two groups' means without adjustment; 95 % confidence interval by Welch and Satterthwaite."""
    from scipy import stats

    cases, controls = split(values, participants)
    few = _too_few(len(cases), len(controls))
    if few:
        return few
    spread = [np.var(group, ddof=1) / len(group) for group in (cases, controls)]
    difference = float(np.mean(cases) - np.mean(controls))
    error = math.sqrt(sum(spread))
    if error == 0:
        return Effect(len(cases), len(controls), reason="no spread within the groups")
    freedom = sum(spread) ** 2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(spread, (cases, controls), strict=True)
    )
    half = float(stats.t.ppf(0.975, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(difference) / error, freedom))
    return Effect(len(cases), len(controls), difference, difference - half, difference + half, p_value)


def adjusted(values: Mapping[str, float], participants: Mapping[str, Participant]) -> Effect:
    """Compare the two groups at the same age and sex, by ordinary least squares."""
    known = [
        participants[name]
        for name in sorted(values)
        if name in participants
        and participants[name].group in (CASE, CONTROL)
        and participants[name].age is not None
        and participants[name].sex
    ]
    case = np.array([float(person.group == CASE) for person in known])
    few = _too_few(int(case.sum()), len(known) - int(case.sum()))
    if few:
        return few
    columns = [np.ones(len(known)), case, np.array([person.age for person in known], dtype=float)]
    sexes = sorted({person.sex for person in known})
    columns += [np.array([float(person.sex == sex) for person in known]) for sex in sexes[1:]]
    columns[2] -= columns[2].mean()
    design = np.column_stack([*columns[:2], *(column for column in columns[2:] if np.ptp(column) > 0)])
    counts = int(case.sum()), len(known) - int(case.sum())
    if len(known) - design.shape[1] < 2 or np.linalg.matrix_rank(design) < design.shape[1]:
        return Effect(*counts, reason="too few participants to adjust for age and sex")
    from statsmodels.regression.linear_model import OLS

    fitted = OLS(np.array([values[person.name] for person in known]), design).fit()
    low, high = fitted.conf_int(0.05)[1]
    return Effect(*counts, float(fitted.params[1]), float(low), float(high), float(fitted.pvalues[1]))


def discrimination(values: Mapping[str, float], participants: Mapping[str, Participant]) -> float | None:
    """Return the area under the ROC curve: how often an osteoporotic participant has the lower value."""
    cases, controls = split(values, participants)
    if _too_few(len(cases), len(controls)):
        return None
    lower = np.asarray(cases)[:, None] - np.asarray(controls)[None, :]
    return float(np.mean((lower < 0) + 0.5 * (lower == 0)))


def split(values: Mapping[str, float], participants: Mapping[str, Participant]) -> tuple[list[float], list[float]]:
    """Return the values of the osteoporotic participants, and of the controls."""
    groups: dict[str, list[float]] = {CASE: [], CONTROL: []}
    for name in sorted(values):
        group = participants[name].group if name in participants else ""
        if group in groups:
            groups[group].append(values[name])
    return groups[CASE], groups[CONTROL]


def _too_few(cases: int, controls: int) -> Effect | None:
    if min(cases, controls) >= LEAST:
        return None
    text = f"not compared: {cases} osteoporotic and {controls} control, at least {LEAST} of each are needed"
    return Effect(cases, controls, reason=text)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2) + 0.0
