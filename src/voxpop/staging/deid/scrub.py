"""Files and series through de-identification: read, scrub, written under another name, then moved into place."""

import os
import shutil
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from voxpop.dicom import tags
from voxpop.dicom.characters import decoded
from voxpop.dicom.iods import place_of
from voxpop.staging.deid.errors import ObjectRefused, RefusalReason
from voxpop.staging.deid.facts import SeriesFacts, series_facts
from voxpop.staging.deid.files import Part10, file_head, pixels_end, read_part10
from voxpop.staging.deid.keys import PatientKey
from voxpop.staging.deid.kinds import check_pixels, check_sop_class
from voxpop.staging.deid.levels import Odd
from voxpop.staging.deid.profile import Profile
from voxpop.staging.deid.rules import decide
from voxpop.staging.deid.stamps import stamps
from voxpop.staging.deid.walk import Walk
from voxpop.staging.identity import Identity


@dataclass(frozen=True, slots=True)
class ScrubbedFile:
    """One object that was de-identified; holds no identity.

    Parameters
    ----------
    instance, series, study : str
        The new UIDs.
    session : str
        The study's label.
    facts : SeriesFacts
        What the original said.
    """

    path: Path
    bytes: int
    instance: str
    series: str
    study: str
    session: str
    facts: SeriesFacts


@dataclass(frozen=True, slots=True)
class ObjectOutcome:
    """What became of one file of a series.

    Parameters
    ----------
    name : str
        Its new name; empty where it was refused.
    reason : str
        Why it was refused; empty where it was not.
    """

    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SeriesScrub:
    """One series that was de-identified.

    Parameters
    ----------
    files : tuple of Path
        ``0001.dcm`` and so on, in the order of the originals' names.
    refused : mapping of str to int
        Objects refused, by reason.
    actions : mapping of str to int
        Elements by what was done with them, over all objects.
    identity : Identity
        What was taken out of all objects, refused ones included; for the residual scan, never to be written outside.
    facts : SeriesFacts or None
        Of the first object that was not refused.
    session : str
        The label of the study that the series belongs to.
    outcomes : tuple of ObjectOutcome
        What became of each file, in the order in which they were taken.
    """

    files: tuple[Path, ...]
    bytes: int
    refused: Mapping[str, int] = field(default_factory=dict)
    actions: Mapping[str, int] = field(default_factory=dict)
    identity: Identity = field(default_factory=Identity)
    facts: SeriesFacts | None = None
    session: str = ""
    outcomes: tuple[ObjectOutcome, ...] = ()

    @property
    def count(self) -> int:
        """How many objects were written."""
        return len(self.files)


class ScrubContext:
    """What the objects of one person share while they are scrubbed one after the other.

    Parameters
    ----------
    checks_patient : bool
        Refuse an object whose (0010,0020) is not the person's.
    """

    def __init__(self, profile: Profile, patient: PatientKey, *, checks_patient: bool = True) -> None:
        self.profile = profile
        self.patient = patient
        self.checks_patient = checks_patient
        self.walk = Walk(patient, partial(decide, profile), stamps(profile))

    def identity(self) -> Identity:
        """Return what was taken out so far."""
        return self.walk.witness.identity()


def scrub_file(source: Path, target: Path, context: ScrubContext) -> ScrubbedFile:
    """De-identify one file.

    The target appears whole or not at all.

    Raises
    ------
    ObjectRefused
        With the reason; nothing is written then.
    """
    original = read_part10(source)
    try:
        parts, pixels = _scrubbed(original, context)
    except Odd:
        original = original.rewritten()
        try:
            parts, pixels = _scrubbed(original, context)
        except Odd as error:
            raise ObjectRefused(RefusalReason.UNREADABLE) from error
    seen, patient = context.walk.seen, context.patient
    sop_class, instance = _uid(seen, tags.SOP_CLASS_UID), patient.uid(_uid(seen, tags.SOP_INSTANCE_UID))
    parts.insert(0, file_head(sop_class, instance, original.transfer_syntax))
    written = _write(target, [b"".join(parts), *pixels])
    return ScrubbedFile(
        target,
        written,
        instance,
        patient.uid(_uid(seen, tags.SERIES_INSTANCE_UID)),
        patient.uid(_uid(seen, tags.STUDY_INSTANCE_UID)),
        patient.session(_uid(seen, tags.STUDY_INSTANCE_UID)),
        series_facts(seen, original.transfer_syntax, patient.days),
    )


def scrub_series(
    source: Path | Iterable[Path], target: Path, profile: Profile, patient: PatientKey, *, checks_patient: bool = True
) -> SeriesScrub:
    """De-identify the files of one series into a folder of their own, as ``0001.dcm`` and so on.

    The folder appears when every file was either written or refused; what was there before under its name goes. When
    every object was refused there is no folder.

    Parameters
    ----------
    source : Path or iterable of Path
        A folder, all of whose files are taken, or the files.
    """
    files = sorted(path for path in source.iterdir() if path.is_file()) if isinstance(source, Path) else list(source)
    context = ScrubContext(profile, patient, checks_patient=checks_patient)
    unfinished = target.with_name(f".{target.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        done, outcomes = _scrub_each(files, unfinished, context)
        shutil.rmtree(target, ignore_errors=True)
        if done:
            unfinished.replace(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return SeriesScrub(
        files=tuple(target / item.path.name for item in done),
        bytes=sum(item.bytes for item in done),
        refused=dict(sorted(Counter(each.reason for each in outcomes if each.reason).items())),
        actions=context.walk.actions(),
        identity=context.identity(),
        facts=done[0].facts if done else None,
        session=done[0].session if done else "",
        outcomes=tuple(outcomes),
    )


def _scrub_each(
    files: Iterable[Path], folder: Path, context: ScrubContext
) -> tuple[list[ScrubbedFile], list[ObjectOutcome]]:
    done: list[ScrubbedFile] = []
    outcomes: list[ObjectOutcome] = []
    instances: set[str] = set()
    for path in files:
        target = folder / f"{len(done) + 1:04d}.dcm"
        try:
            scrubbed = scrub_file(path, target, context)
            if scrubbed.instance in instances:
                target.unlink()
                raise ObjectRefused(RefusalReason.REPEATED)
        except ObjectRefused as refusal:
            outcomes.append(ObjectOutcome(reason=refusal.reason.value))
            continue
        instances.add(scrubbed.instance)
        done.append(scrubbed)
        outcomes.append(ObjectOutcome(name=target.name))
    return done, outcomes


def _scrubbed(original: Part10, context: ScrubContext) -> tuple[list[bytes], list[memoryview | bytes]]:
    """Scrub an object in memory; return what stands before the pixels, and the pixels with what follows them."""
    walk, buffer = context.walk, original.buffer
    for value in original.meta_identity:
        walk.witness.meta(value)
    check_sop_class(original.sop_class)
    place = place_of(original.sop_class)
    if place is None:
        raise ObjectRefused(RefusalReason.KIND)
    level = walk.top(place)
    head: list[bytes] = []
    tail: list[bytes] = []
    try:
        walk.begin(buffer, original.start)
        stop = walk.data_set(level, original.start, len(buffer), head)
        _check_object(original, context)
        if stop == len(buffer):
            raise ObjectRefused(RefusalReason.NO_PIXELS)
        end, pixels = pixels_end(buffer, stop, walk.seen)
        if walk.trailer(level, end, len(buffer), tail) != len(buffer):
            raise Odd
    except struct.error as error:
        raise ObjectRefused(RefusalReason.TRUNCATED) from error
    return head, [*pixels, *tail]


def _check_object(original: Part10, context: ScrubContext) -> None:
    """Refuse what only the values tell."""
    seen = context.walk.seen
    sop_class = _uid(seen, tags.SOP_CLASS_UID)
    if sop_class != original.sop_class:
        check_sop_class(sop_class)
        raise ObjectRefused(RefusalReason.UNREADABLE)
    if not all(_uid(seen, tag) for tag in _NEEDED):
        raise ObjectRefused(RefusalReason.NO_IDENTIFIER)
    found = decoded(seen.get(tags.PATIENT_ID, b""), context.walk.charset)
    if context.checks_patient and not context.patient.is_person(found):
        raise ObjectRefused(RefusalReason.OTHER_PATIENT)
    check_pixels(sop_class, seen)


_NEEDED = (tags.SOP_INSTANCE_UID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID)


def _uid(seen: Mapping[int, bytes], tag: int) -> str:
    return seen.get(tag, b"").strip(b" \0").decode("latin-1")


def _write(target: Path, parts: list[memoryview | bytes]) -> int:
    """Write parts one after the other under another name, move the file into place, and return its size."""
    unfinished = target.with_name(f".{target.name}.part")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            size = _write_all(descriptor, parts)
        finally:
            os.close(descriptor)
        unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    return size


def _write_all(descriptor: int, parts: list[memoryview | bytes]) -> int:
    rest = [memoryview(part) for part in parts if len(part)]
    size = 0
    while rest:
        written = os.writev(descriptor, rest)
        size += written
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if written:
            rest[0] = rest[0][written:]
    return size
