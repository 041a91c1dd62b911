"""A workflow's own outputs, put beside each other in one folder."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from voxpop.backends.jobs.cwltool.facts import Facts, leaves, local_path
from voxpop.backends.jobs.cwltool.spec import OUTPUTS
from voxpop.run.model import FileFact


def place_outputs(values: Mapping[str, Any], folder: Path, facts: Facts) -> dict[str, tuple[FileFact, ...]]:
    """Put the files of a workflow's outputs into ``<folder>/outputs``, and return their facts by output.

    Files keep their names; of two with one name, the second becomes ``name_2``. Hard links, so nothing is copied
    where the file system can do it.
    """
    building = folder / f"{OUTPUTS}.part"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    placed: dict[str, tuple[FileFact, ...]] = {}
    for name in sorted(values):
        files = tuple(_place(values[name], building, facts))
        if files:
            placed[name] = files
    shutil.rmtree(folder / OUTPUTS, ignore_errors=True)
    building.replace(folder / OUTPUTS)
    return placed


def _place(value: Any, building: Path, facts: Facts) -> Iterator[FileFact]:
    if isinstance(value, list):
        for entry in value:
            yield from _place(entry, building, facts)
    elif isinstance(value, Mapping) and value.get("class") == "Directory":
        base = _free(building, str(value["basename"]))
        top = local_path(value)
        for leaf in leaves(value):
            source = local_path(leaf)
            if source is not None and top is not None:
                yield _link(source, base / source.relative_to(top), building, facts)
    elif isinstance(value, Mapping):
        for leaf in leaves(value):
            source = local_path(leaf)
            if source is not None:
                yield _link(source, _free(building, source.name), building, facts)


def _link(source: Path, target: Path, building: Path, facts: Facts) -> FileFact:
    known = facts.of_file(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
        os.utime(target, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    return FileFact(f"{OUTPUTS}/{target.relative_to(building).as_posix()}", known.sha256, known.bytes)


def _free(building: Path, name: str) -> Path:
    stem, dot, rest = name.partition(".")
    candidate, count = building / name, 1
    while candidate.exists():
        count += 1
        candidate = building / f"{stem}_{count}{dot}{rest}"
    return candidate
