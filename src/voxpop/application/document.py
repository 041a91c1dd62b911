"""An application's document: read, checked by the schema and by what a schema can't say, and made into our values."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from voxpop.application.errors import ApplicationInvalid, DocumentAbsent, Fault
from voxpop.application.faults import schema_faults
from voxpop.application.located import MAX_CHARACTERS, Located, read_yaml
from voxpop.application.model import (
    NIFTI,
    Application,
    ComputeRequest,
    DataRequest,
    GroupRequest,
    Person,
    WorkerRange,
)
from voxpop.kernel.digests import Json, sha256_bytes
from voxpop.kernel.ids import ApplicationId


def read_document(text: str, source: str) -> Application:
    """Read an application from its YAML.

    Parameters
    ----------
    text : str
        The document.
    source : str
        What the document is called in an error: a file's name.

    Returns
    -------
    Application
        With the document itself and the digest of its bytes in UTF-8.

    Raises
    ------
    ApplicationInvalid
        With every fault found, each with its line, column and a sentence that says what to do.
    """
    located = read_yaml(text, source)
    faults = [*schema_faults(located, schema())]
    faults = faults or [*_meaning_faults(located)]
    if faults:
        raise ApplicationInvalid(source, faults)
    return _application(located.value, text)


def read_file(path: Path) -> Application:
    """Read an application from a file; its digest is the file's.

    Raises
    ------
    DocumentAbsent
        If there is no such file.
    ApplicationInvalid
        As ``read_document`` raises it, and where the file is not UTF-8.
    """
    if not path.is_file():
        raise DocumentAbsent(path.name)
    with path.open("rb") as stream:
        content = stream.read(4 * MAX_CHARACTERS + 1)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        column = len(before) - (before.rfind("\n") + 1) + 1
        fault = Fault(before.count("\n") + 1, column, "this is not UTF-8: save the file in that encoding")
        raise ApplicationInvalid(path.name, [fault]) from error
    return read_document(text, path.name)


@cache
def schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of the document; its descriptions are the reference."""
    read: dict[str, Any] = json.loads(_package_text("application.schema.json"))
    return read


def template() -> str:
    """Return the bone density project's application, with comments, to start from."""
    return _package_text("template.yaml")


def _package_text(name: str) -> str:
    return resources.files("voxpop.application").joinpath(name).read_text(encoding="utf-8")


def _meaning_faults(located: Located) -> Iterator[Fault]:
    """Yield what is wrong between values that are each right."""
    data = _mapping(_mapping(located.value)["data"])
    yield from _range_faults(located, data)
    seen: set[str] = set()
    for index, group in enumerate(data["groups"]):
        path = ("data", "groups", index)
        name = group["name"].casefold()
        if name in seen:
            yield located.fault(
                (*path, "name"), f"there is already a group '{group['name']}': give this one another name"
            )
        seen.add(name)
        yield from _group_faults(located, path, group)
    yield from _worker_faults(located, _mapping(_mapping(located.value)["compute"]))


def _range_faults(located: Located, data: Mapping[str, Any]) -> Iterator[Fault]:
    dates = data.get("dates", {})
    if "from" in dates and "until" in dates and dates["from"] > dates["until"]:
        sentence = f"the last day, {dates['until']}, is before the first, {dates['from']}: swap them"
        yield located.fault(("data", "dates", "until"), sentence)
    age = data.get("age", {})
    if age.get("min", 0) > age.get("max", age.get("min", 0)):
        sentence = f"the highest age, {age['max']}, is below the lowest, {age['min']}: swap them"
        yield located.fault(("data", "age", "max"), sentence)


def _group_faults(located: Located, path: tuple[str | int, ...], group: Mapping[str, Any]) -> Iterator[Fault]:
    if group.get("without_clinical_record") and "icd10" in group:
        sentence = "people without a clinical record have no diagnoses: remove `icd10` or `without_clinical_record`"
        yield located.key_fault((*path, "icd10"), sentence)
    codes = group.get("icd10", {})
    for code in codes.get("any", []):
        if code in codes.get("none", []):
            sentence = f"{code} is asked for and shut out in the same group: keep it in one of `any` and `none`"
            yield located.key_fault((*path, "icd10"), sentence)


def _worker_faults(located: Located, compute: Mapping[str, Any]) -> Iterator[Fault]:
    workers = compute.get("workers", {})
    most = workers.get("max", 1)
    if workers.get("min", 0) > most:
        sentence = f"the fewest workers, {workers['min']}, are more than the most, {most}: swap them"
        yield located.fault(("compute", "workers", "min"), sentence)
    for key in ("cores", "memory_gb", "gpus"):
        total = compute.get(key, 0)
        if total % most:
            near = " or ".join(str(many) for many in (total // most * most, (total // most + 1) * most) if many)
            sentence = f"`compute.{key}` is {total}, which {most} workers can't share evenly: make it {near}"
            yield located.fault(("compute", "workers", "max"), sentence)
            return


def _application(value: Json, text: str) -> Application:
    read = _mapping(value)
    return Application(
        id=ApplicationId(read["name"]),
        title=read["title"].strip(),
        investigators=tuple(Person(**person) for person in read["investigators"]),
        purpose=read["purpose"].strip(),
        ethics_reference=read["ethics"]["reference"].strip(),
        request=_data_request(read["data"]),
        software=tuple(read["software"]),
        compute=_compute_request(read["compute"]),
        pipeline=read["pipeline"],
        digest=sha256_bytes(text.encode()),
        document=text,
    )


def _data_request(data: Mapping[str, Any]) -> DataRequest:
    dates = data.get("dates", {})
    age = data.get("age", {})
    return DataRequest(
        modality=data["modality"],
        body_parts=tuple(data["body_parts"]),
        groups=tuple(_group(group) for group in data["groups"]),
        clinical_fields=tuple(data["clinical_fields"]),
        study_from=_day(dates.get("from")),
        study_until=_day(dates.get("until")),
        age_min=age.get("min"),
        age_max=age.get("max"),
        sex=tuple(data.get("sex", ())),
        icd10_codes=data.get("icd10_codes", 3),
        formats=tuple(data.get("formats", (NIFTI,))),
        may_leave=tuple(data.get("may_leave", ())),
    )


def _compute_request(compute: Mapping[str, Any]) -> ComputeRequest:
    workers = compute.get("workers")
    return ComputeRequest(
        cores=compute["cores"],
        memory_gb=compute["memory_gb"],
        gpus=compute.get("gpus", 0),
        storage_gb=compute["storage_gb"],
        days=compute["days"],
        workers=WorkerRange(workers.get("min", 0), workers["max"]) if workers else None,
    )


def _group(group: Mapping[str, Any]) -> GroupRequest:
    codes = group.get("icd10", {})
    return GroupRequest(
        name=group["name"],
        icd10_any=tuple(codes.get("any", ())),
        icd10_none=tuple(codes.get("none", ())),
        number=group.get("number"),
        without_clinical_record=group.get("without_clinical_record", False),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _mapping(value: Json) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value
