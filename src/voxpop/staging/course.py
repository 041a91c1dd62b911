"""The course of one series: retrieve, de-identify, scan, convert, scan again, place."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from voxpop.dicom.archives import TransferIncomplete
from voxpop.kernel.digests import Json, sha256_file, sha256_json
from voxpop.kernel.ids import ApplicationId, VolumeId
from voxpop.staging.deid import PatientKey, Profile, SeriesFacts, SeriesScrub, scrub_series, without_times
from voxpop.staging.errors import IdentityLeft, Localizer, ObjectsRefused
from voxpop.staging.layout import ImageName, write_sidecar
from voxpop.staging.model import Conversion, Placed, SeriesRequest, StudyOrder
from voxpop.staging.ports import Archive, Compressor, Converter
from voxpop.staging.scan import scan_files

TRANSFER_ATTEMPTS = 3
_OLDEST_TOLD_YEARS = 89
_LONGEST_BODY_PART = 16
_OWN_DOING = "Empty protocol name"  # de-identification took the name away


@dataclass(frozen=True, slots=True)
class Bench:
    """The volume that is being built.

    Parameters
    ----------
    building : Path
        Only what has passed every check is put here.
    """

    volume: VolumeId
    project: ApplicationId
    building: Path


@dataclass(frozen=True, slots=True)
class Deidentification:
    """How identity is taken out: the profile and the secret of the pseudonyms."""

    profile: Profile
    secret: bytes

    @property
    def profile_digest(self) -> str:
        """SHA-256 of what the profile says, however its file is written."""
        kept = self.profile.characteristics
        said: dict[str, Json] = {
            "options": [*sorted(option.value for option in self.profile.options)],
            "characteristics": None if kept is None else [*sorted(kept)],
        }
        return sha256_json(said)

    def patient(self, bench: Bench, order: StudyOrder) -> PatientKey:
        """Return what stands for a person in a project."""
        return PatientKey(self.secret, bench.project, order.study.patient_id, order.study.issuer)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a course needs from outside."""

    archive_named: Callable[[str], Archive]
    converter: Converter
    compress: Compressor
    deidentification: Deidentification


@dataclass(slots=True)
class Course:
    """What one series went through so far.

    Parameters
    ----------
    position : int
        Of the series in the study, from 1.
    folder : Path
        Inside the protected folder; what is retrieved and not yet proven clean lies here, and nowhere else.
    """

    bench: Bench
    order: StudyOrder
    position: int
    folder: Path
    tools: Tools
    instances: int = 0
    facts: dict[str, Json] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> tuple[Placed, ...]:
        """Go the whole course; returns what was placed in the volume.

        Raises
        ------
        Refused
            If the series cannot be staged; the sentence is its reason in the staging report.
        Unavailable
            If the archive does not answer, or sends less than it counted.
        """
        patient = self.tools.deidentification.patient(self.bench, self.order)
        retrieved, scrubbed = self.folder / "retrieved", self.folder / "scrubbed"
        with self._timed("retrieve"):
            self.instances = self._retrieve(retrieved)
        with self._timed("deidentify"):
            scrub = scrub_series(retrieved, scrubbed, self.tools.deidentification.profile, patient)
        facts = self._noted(scrub)
        self._scan(scrub.files, scrub, patient)
        with self._timed("convert"):
            conversion = self.tools.converter.convert(scrubbed, self.folder / "converted")
        self._note_conversion(conversion)
        name = ImageName(
            patient.label,
            patient.session(self.order.study.uid),
            self.position,
            facts.body_part[:_LONGEST_BODY_PART],
            facts.orientation or "ax",
        )
        objects = self._objects(scrub, patient) if self.order.dicom else ()
        return (*self._place(name, conversion, scrub, patient), *self._place_objects(name, objects))

    def _retrieve(self, into: Path) -> int:
        archive = self.tools.archive_named(self.order.study.archive)
        series = self.order.study.series[self.position - 1]
        request = SeriesRequest(self.order.study.uid, series.uid, series.instances)
        for _ in range(TRANSFER_ATTEMPTS - 1):
            with suppress(TransferIncomplete):
                return archive.retrieve(request, into)
        return archive.retrieve(request, into)

    def _noted(self, scrub: SeriesScrub) -> SeriesFacts:
        self.facts["elements"] = dict(sorted(scrub.actions.items()))
        facts = scrub.facts
        if facts is None or scrub.refused:
            raise ObjectsRefused(dict(scrub.refused), scrub.count)
        if facts.is_localizer:
            raise Localizer
        self.facts["person"] = _person(facts)
        self.facts["acquired_on"] = facts.study_date.isoformat() if facts.study_date else None
        return facts

    def _scan(self, files: Sequence[Path], scrub: SeriesScrub, patient: PatientKey) -> None:
        with self._timed("scan"):
            report = scan_files(files, scrub.identity, shift_days=patient.days)
        before = self.facts.get("bytes_scanned")
        self.facts["bytes_scanned"] = report.bytes_read + (before if isinstance(before, int) else 0)
        self.facts["values_sought"] = report.values_sought
        self.facts["values_not_sought"] = dict(sorted(report.values_not_sought.items()))
        if not report.clean:
            raise IdentityLeft(report.reason)

    def _note_conversion(self, conversion: Conversion) -> None:
        warnings = [one for one in conversion.warnings if not one.startswith(_OWN_DOING)]
        if warnings:
            self.facts["warnings"] = [*warnings]
        first, *others = conversion.files
        self.facts["slices"] = first.slices
        if first.suffix or others:
            self.facts["image"] = first.suffix or "as acquired"
            self.facts["not_placed"] = [one.suffix or "as acquired" for one in others]

    def _place(
        self, name: ImageName, conversion: Conversion, scrub: SeriesScrub, patient: PatientKey
    ) -> tuple[Placed, ...]:
        image = conversion.files[0]
        safe = image.sidecar.with_name("safe.json")
        view: dict[str, Json] = {"ViewPoint": name.view}
        write_sidecar(image.sidecar, safe, {"BodyPartExamined": name.body_part, **view} if name.body_part else view)
        self._scan([image.nifti, safe], scrub, patient)
        target, sidecar = self.bench.building / name.image, self.bench.building / name.sidecar
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._timed("compress"):
            compressed = self.tools.compress(image.nifti, target)
        safe.replace(sidecar)
        return (
            Placed(name.image, compressed.sha256, compressed.bytes),
            Placed(name.sidecar, sha256_file(sidecar), sidecar.stat().st_size),
        )

    def _objects(self, scrub: SeriesScrub, patient: PatientKey) -> Sequence[Path]:
        """Write the de-identified objects themselves, without the times of the day, and scan them."""
        folder = self.folder / "objects"
        folder.mkdir(exist_ok=True)
        written = [folder / f"{number:05}.dcm" for number in range(1, len(scrub.files) + 1)]
        with self._timed("objects"):
            for source, target in zip(sorted(scrub.files), written, strict=True):
                without_times(source, target)
        self._scan(written, scrub, patient)
        return written

    def _place_objects(self, name: ImageName, objects: Sequence[Path]) -> Iterator[Placed]:
        for source in objects:
            target = self.bench.building / name.objects / source.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
            yield Placed(name.objects / source.name, sha256_file(target), target.stat().st_size)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = round(self.seconds.get(what, 0.0) + time.perf_counter() - begun, 4)

    def clean_up(self) -> None:
        """Delete what was retrieved and made on the way."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _person(facts: SeriesFacts) -> Json:
    """Return what the images say of the person, for those whom the clinical source does not know."""
    return {
        "age": None if facts.age_years is None else min(facts.age_years, _OLDEST_TOLD_YEARS),
        "sex": facts.sex if facts.sex in ("F", "M", "O") else "",
        "weight_kg": facts.weight_kg,
        "height_cm": round(facts.height_m * 100, 1) if facts.height_m else None,
    }
