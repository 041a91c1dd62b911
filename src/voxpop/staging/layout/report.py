"""The staging report: every study of the cohort, with what became of it and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from voxpop.kernel.digests import Json
from voxpop.staging.layout.files import write_json, write_table
from voxpop.staging.model import Fate, SeriesOutcome, StudyOutcome

_COLUMNS: Final = (
    *("study", "fate", "reason", "participant_id", "session", "group"),
    *("series_staged", "series_refused", "series_not_selected", "series_reasons"),
)


def write_staging_report(
    folder: Path, outcomes: Sequence[StudyOutcome], about: Mapping[str, Json] | None = None
) -> None:
    """Write ``staging-report.tsv`` and ``staging-report.json``.

    Parameters
    ----------
    outcomes : sequence of StudyOutcome
        All studies of the cohort. Times spent are left out, so that the same staging gives the same report.
    about : mapping, optional
        How the volume was staged: the profile and its digest, the methods in words.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.ordinal)
    write_table(folder / "staging-report.tsv", _COLUMNS, (_row(outcome) for outcome in ordered))
    studies: list[Json] = [_study(outcome) for outcome in ordered]
    write_json(folder / "staging-report.json", {**(about or {}), "counts": counts(ordered), "studies": studies})


def counts(outcomes: Sequence[StudyOutcome]) -> dict[str, Json]:
    """Count studies, series and images by fate, and what was not staged by reason."""
    series = [one for outcome in outcomes for one in outcome.series]
    reasons = Counter(outcome.reason for outcome in outcomes if outcome.fate is not Fate.STAGED)
    series_reasons = Counter(one.reason for one in series if one.fate is not Fate.STAGED)
    return {
        "studies": _by_fate([outcome.fate for outcome in outcomes]),
        "series": _by_fate([one.fate for one in series]),
        "participants": len({outcome.participant for outcome in outcomes if outcome.participant}),
        "instances": sum(one.instances for one in series),
        "images": sum(placed.path.name.endswith(".nii.gz") for one in series for placed in one.placed),
        "studies_by_reason": dict(sorted(reasons.items())),
        "series_by_reason": dict(sorted(series_reasons.items())),
    }


def _by_fate(fates: Sequence[Fate]) -> dict[str, Json]:
    return {"total": len(fates), **{fate.value: fates.count(fate) for fate in Fate}}


def _row(outcome: StudyOutcome) -> tuple[str, ...]:
    fates = [one.fate for one in outcome.series]
    reasons = [f"{one.series}: {one.reason}" for one in _ordered(outcome.series) if one.reason]
    return (
        str(outcome.ordinal),
        outcome.fate.value,
        outcome.reason,
        _participant(outcome) or "",
        outcome.session or "",
        outcome.group,
        *(str(fates.count(fate)) for fate in (Fate.STAGED, Fate.REFUSED, Fate.NOT_SELECTED)),
        "; ".join(reasons),
    )


def _study(outcome: StudyOutcome) -> Json:
    return {
        "study": outcome.ordinal,
        "fate": outcome.fate.value,
        "reason": outcome.reason,
        "participant_id": _participant(outcome),
        "session": outcome.session,
        "group": outcome.group,
        "series": [_series(one) for one in _ordered(outcome.series)],
    }


def _series(one: SeriesOutcome) -> Json:
    placed: list[Json] = [
        {"path": str(file.path), "sha256": file.sha256, "bytes": file.bytes}
        for file in sorted(one.placed, key=lambda file: file.path)
    ]
    return {
        "series": one.series,
        "fate": one.fate.value,
        "reason": one.reason,
        "modality": one.modality,
        "instances": one.instances,
        "files": placed,
        "facts": dict(sorted(one.facts.items())),
    }


def _ordered(series: Sequence[SeriesOutcome]) -> list[SeriesOutcome]:
    return sorted(series, key=lambda one: one.series)


def _participant(outcome: StudyOutcome) -> str | None:
    return f"sub-{outcome.participant}" if outcome.participant else None
