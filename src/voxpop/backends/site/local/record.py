"""The file in which site local keeps what it deployed."""

import json
from pathlib import Path
from typing import Any

from voxpop.appliance.model import Deployment
from voxpop.kernel.ids import ApplianceId

RECORD = "deployment.json"
_FORMAT = 1


def write(folder: Path, deployment: Deployment) -> None:
    """Write the record whole, or not at all."""
    content = {
        "format": _FORMAT,
        "appliance": deployment.appliance,
        "site": deployment.site,
        "volume": str(deployment.volume),
        "results": str(deployment.results),
        "sandbox": deployment.sandbox,
        "network": deployment.network,
        "cores": deployment.cores,
        "memory_gb": deployment.memory_gb,
        "days": deployment.days,
        "pipelines": list(deployment.pipelines),
        "recipes": list(deployment.recipes),
        "not_given": list(deployment.not_given),
        "document_sha256": deployment.document_digest,
    }
    draft = folder / f".{RECORD}.new"
    draft.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(folder / RECORD)


def read(folder: Path) -> Deployment | None:
    """Read the record; None where it can't be read, whatever the reason."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return _deployment(content) if content["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _deployment(content: dict[str, Any]) -> Deployment:
    return Deployment(
        appliance=ApplianceId(_as(str, content["appliance"])),
        site=_as(str, content["site"]),
        volume=Path(_as(str, content["volume"])),
        results=Path(_as(str, content["results"])),
        sandbox=_as(str, content["sandbox"]),
        network=_as(bool, content["network"]),
        cores=_as(int, content["cores"]),
        memory_gb=_as(int, content["memory_gb"]),
        pipelines=_texts(content["pipelines"]),
        not_given=_texts(content["not_given"]),
        recipes=_texts(content["recipes"]),
        days=_as(int, content["days"]),
        document_digest=_as(str, content["document_sha256"]),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_as(str, item) for item in _as(list, value))


def _as(kind: type[Any], value: object) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value
