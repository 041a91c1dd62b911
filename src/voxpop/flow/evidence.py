"""What every stage recorded of one run's chain, gathered for the report, the research object and the way back."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxpop.appliance.model import Appliance, Deployment
from voxpop.appliance.service import ApplianceService
from voxpop.application.model import Application, Decision
from voxpop.application.service import ApplicationService
from voxpop.cohort.model import Cohort
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import CohortId, RunId
from voxpop.run.model import Run, RunRecord
from voxpop.run.service import RunService
from voxpop.volume.model import Volume
from voxpop.volume.service import VolumeService

STAGING_REPORT = "staging-report.json"
RECORD = "record.json"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the evidence is gathered from."""

    applications: ApplicationService
    cohort: Callable[[CohortId], Cohort]
    volumes: VolumeService
    appliances: ApplianceService
    run: Callable[[RunId], Run]
    runs: RunService


@dataclass(frozen=True, slots=True)
class Evidence:
    """One run and every link before it.

    Parameters
    ----------
    staging : mapping
        The staging report of the volume, as JSON; holds no identity.
    """

    run: Run
    record: RunRecord
    appliance: Appliance
    deployment: Deployment
    volume: Volume
    staging: Mapping[str, Any]
    cohort: Cohort
    application: Application
    decisions: Sequence[Decision]

    @property
    def record_digest(self) -> str:
        """SHA-256 of the run's record."""
        return sha256_file(self.run.results / RECORD)

    @property
    def staging_digest(self) -> str:
        """SHA-256 of the staging report."""
        return sha256_file(self.volume.path / STAGING_REPORT)

    def participants(self) -> dict[str, int]:
        """Count the volume's participants by group."""
        rows = _table(self.volume.path / "participants.tsv")
        return dict(sorted(Counter(row["group"] for row in rows).items()))


def gather(run_id: RunId, sources: Sources) -> Evidence:
    """Gather the evidence of a run that is done."""
    run = sources.run(run_id)
    volume = sources.volumes.get(run.volume)
    appliance, deployment = sources.appliances.deployed(run.appliance)
    return Evidence(
        run=run,
        record=sources.runs.record(run_id),
        appliance=appliance,
        deployment=deployment,
        volume=volume,
        staging=json.loads((volume.path / STAGING_REPORT).read_text()),
        cohort=sources.cohort(volume.cohort),
        application=sources.applications.get(run.application),
        decisions=sources.applications.history(run.application),
    )


def _table(path: Path) -> list[dict[str, str]]:
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    names = header.split("\t")
    return [dict(zip(names, row.split("\t"), strict=True)) for row in rows]
