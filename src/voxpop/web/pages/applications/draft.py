"""An application as a form: from the document to its fields, and back."""

import io
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from ruamel.yaml import YAML

from voxpop.application.document import read_document, template
from voxpop.application.model import NIFTI, Application, GroupRequest
from voxpop.web.ask import Ask, number

GROUPS = 3
INVESTIGATORS = 2
_WORDS = re.compile(r"[,;\s]+")
_PARTS = re.compile(r"[,;\n]+")
_PLAIN = (
    "name", "title", "purpose", "ethics", "modality", "body_parts", "from", "until", "age_min", "age_max",
    "icd10_codes", "pipeline", "may_leave",
)  # fmt: skip
_COMPUTE = ("cores", "memory_gb", "gpus", "storage_gb", "days")
_WORKERS = {"workers_min": "min", "workers_max": "max"}

Fields = Mapping[str, Any]


def empty(ask: Ask) -> Fields:
    """Return the fields of a new application: the one who asks is its first investigator."""
    person = {"name": ask.someone.person, "email": ask.someone.email, "institution": "", "role": ""}
    return {
        **dict.fromkeys(("name", "title", "purpose", "ethics", "from", "until", "age_min", "age_max", "may_leave"), ""),
        "investigators": _filled([person], INVESTIGATORS),
        "modality": "CT",
        "body_parts": "ABDOMEN",
        "sex": (),
        "groups": _filled([], GROUPS),
        "clinical_fields": ("age", "sex", "weight", "height", "icd10"),
        "icd10_codes": "3",
        "formats": (NIFTI,),
        "software": ("python-imaging",),
        "pipeline": next(iter(ask.system.pipelines()), ""),
        "cores": "4",
        "memory_gb": "8",
        "gpus": "0",
        "storage_gb": "20",
        "days": "30",
        **dict.fromkeys(_WORKERS, ""),
    }


def example(ask: Ask) -> Fields:
    """Return the fields of the bone density project under a name that is free, asked for by who asks."""
    written = read_document(template(), "example")
    taken = {one.id for one, _ in ask.system.applications.every()}
    free = next(name for number in count(1) if (name := f"{written.id}-{number}") not in taken)
    return {**of_application(written), "name": free, "investigators": empty(ask)["investigators"]}


def of_application(written: Application) -> Fields:
    """Return the fields of an application that is written already."""
    request, compute = written.request, written.compute
    people = [
        {"name": one.name, "email": one.email, "institution": one.institution, "role": one.role}
        for one in written.investigators
    ]
    return {
        "name": written.id,
        "title": written.title,
        "purpose": written.purpose,
        "ethics": written.ethics_reference,
        "investigators": _filled(people, INVESTIGATORS),
        "modality": request.modality,
        "body_parts": ", ".join(request.body_parts),
        "from": request.study_from.isoformat() if request.study_from else "",
        "until": request.study_until.isoformat() if request.study_until else "",
        "age_min": _shown(request.age_min),
        "age_max": _shown(request.age_max),
        "sex": request.sex,
        "groups": _filled([_group_fields(group) for group in request.groups], GROUPS),
        "clinical_fields": request.clinical_fields,
        "icd10_codes": str(request.icd10_codes),
        "formats": request.formats,
        "may_leave": ", ".join(request.may_leave),
        "software": written.software,
        "pipeline": written.pipeline,
        **{key: str(getattr(compute, key)) for key in _COMPUTE},
        "workers_min": _shown(compute.workers.least if compute.workers else None),
        "workers_max": _shown(compute.workers.most if compute.workers else None),
    }


def of_form(ask: Ask) -> Fields:
    """Return the fields as they were sent, to be shown again."""
    columns = ("name", "email", "institution", "role")
    people = _rows({column: ask.texts(f"investigator_{column}") for column in columns})
    groups = _rows({column: ask.texts(f"group_{column}") for column in ("name", "any", "none", "number", "who")})
    return {
        **{key: ask.text(key) for key in (*_PLAIN, *_COMPUTE, *_WORKERS)},
        **{key: tuple(ask.texts(key)) for key in ("sex", "clinical_fields", "formats", "software")},
        "investigators": _filled(people, INVESTIGATORS),
        "groups": _filled(groups, GROUPS),
    }


def document_of(fields: Fields) -> str:
    """Write the document that says what the fields say; what is wrong with it, its reader will name."""
    data: dict[str, Any] = {
        "modality": fields["modality"],
        "body_parts": [part.strip().upper() for part in _PARTS.split(fields["body_parts"]) if part.strip()],
        **_range("dates", {"from": fields["from"], "until": fields["until"]}),
        **_range("age", {"min": _number(fields["age_min"]), "max": _number(fields["age_max"])}),
        **({"sex": list(fields["sex"])} if fields["sex"] else {}),
        "groups": [_group(group) for group in fields["groups"] if group.get("name")],
        "clinical_fields": list(fields["clinical_fields"]),
        **({"icd10_codes": _number(fields["icd10_codes"])} if fields["icd10_codes"] else {}),
        "formats": list(dict.fromkeys((NIFTI, *fields["formats"]))),
        **({"may_leave": _WORDS.split(fields["may_leave"].strip().upper())} if fields["may_leave"].strip() else {}),
    }
    document = {
        "name": fields["name"],
        "title": fields["title"],
        "investigators": [
            {key: value for key, value in one.items() if value} for one in fields["investigators"] if one.get("name")
        ],
        "purpose": fields["purpose"],
        "ethics": {"reference": fields["ethics"]},
        "data": data,
        "software": list(fields["software"]),
        "pipeline": fields["pipeline"],
        "compute": {
            **{key: _number(fields[key]) for key in _COMPUTE},
            **_range("workers", {key: _number(fields[name]) for name, key in _WORKERS.items()}),
        },
    }
    stream = io.StringIO()
    yaml = YAML()
    yaml.width = 100
    yaml.dump(document, stream)
    return stream.getvalue()


def _group(group: Mapping[str, str]) -> dict[str, Any]:
    written: dict[str, Any] = {"name": group["name"]}
    codes = {key: _WORDS.split(group[key].strip().upper()) for key in ("any", "none") if group.get(key)}
    if group.get("who") == "unlisted":
        written["without_clinical_record"] = True
    if codes:
        written["icd10"] = codes
    if group.get("number"):
        written["number"] = _number(group["number"])
    return written


def _group_fields(group: GroupRequest) -> dict[str, str]:
    return {
        "name": group.name,
        "any": ", ".join(group.icd10_any),
        "none": ", ".join(group.icd10_none),
        "number": _shown(group.number),
        "who": "unlisted" if group.without_clinical_record else "listed",
    }


def _range(name: str, ends: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in ends.items() if value not in ("", None)}
    return {name: given} if given else {}


def _number(text: str) -> int | str:
    """Return a whole number, or the text as it is: the document's reader says what is wrong with it."""
    read = number(text)
    return text if read is None else read


def _rows(columns: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    number = max((len(values) for values in columns.values()), default=0)
    rows = [
        {name: values[index] if index < len(values) else "" for name, values in columns.items()}
        for index in range(number)
    ]
    return [row for row in rows if any(value and value != "listed" for value in row.values())]


def _filled(rows: Sequence[Mapping[str, str]], least: int) -> list[Mapping[str, str]]:
    return [*rows, *({} for _ in range(max(1, least - len(rows))))]


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)
