"""What the service is told beside the document: its inputs' values, workers by name, and how machines are configured.

RADL is the service's own language. The document itself has no implementations: `plays` has them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from voxpop.appliance.tosca import types
from voxpop.appliance.tosca.cluster import IMAGE, WORKERS

NAME = "infra_name"
_SINCE = "voxpop_since"
_FRONT, _WORKER = "voxpop_front", "voxpop_worker"
_GROUP = re.compile(rf"^system {types.WORKER_NAME} \((.*?)^\)", re.MULTILINE | re.DOTALL)
_CONNECTION = re.compile(r"\.connection = '([\w.-]+)'")
_NAMED = re.compile(r"(\.dns_name = |\.dns\.0\.name = |instance_name = )'[^']*'")


def at_site(document: str, name: str, image: str) -> str:
    """Give a document's inputs the values that they have at this site, and the infrastructure a name.

    Notes
    -----
    Workers are added one by one, since each has a name of its own; the document's group begins empty.
    """
    yaml = YAML()
    yaml.width = 4096
    content = yaml.load(document)
    content["metadata"][NAME] = name
    inputs = content["topology_template"]["inputs"]
    inputs[IMAGE]["default"] = image
    inputs[WORKERS]["default"] = 0
    text = StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def name_in(document: str) -> str:
    """Return the name that `at_site` gave; empty where it was somebody else's."""
    content = YAML(typ="safe", pure=True).load(document) if document else None
    metadata = content.get("metadata") if isinstance(content, dict) else None
    return str(metadata.get(NAME, "")) if isinstance(metadata, dict) else ""


@dataclass(frozen=True, slots=True)
class Plays:
    """How the front end and the workers are configured: plays of Ansible."""

    front: str
    worker: str


def configuration(plays: Plays) -> str:
    """Say how the front end is configured, and how workers will be."""
    return "\n".join([*_configures(plays), _steps([(types.FRONT_END_NAME, _FRONT, 1)])])


def workers(made: str, names: Sequence[str], now: datetime, plays: Plays | None = None) -> str:
    """Add workers of these names: each is a system of its own, like the one that the service made of the document.

    Parameters
    ----------
    made : str
        What the service made of the document.
    now : datetime
        Kept with each worker, since the service does not tell how old a machine is.
    plays : Plays, optional
        None where the service was told of them.
    """
    found = _GROUP.search(made)
    if found is None:
        raise ValueError("the service made no group of workers of the document")
    like = found[1]
    # what is not made now is named too: the service looks no further than into what it gets
    networks = sorted(set(_CONNECTION.findall(made)))
    first = [(types.FRONT_END_NAME, _FRONT, 1)] if plays else []
    return "\n".join(
        [
            *(f"network {network}" for network in networks),
            f"system {types.FRONT_END_NAME}",
            *(_configures(plays) if plays else [f"configure {_WORKER}"]),
            *(_system(like, name, now) for name in names),
            _steps([*first, *((name, _WORKER, 2) for name in names)]),
            *(f"deploy {name} 1" for name in names),
        ]
    )


def since(system: Mapping[str, Any]) -> datetime:
    """Read when a worker was asked for; long ago where nobody wrote it down."""
    tags = dict(tag.partition("=")[::2] for tag in str(system.get("instance_tags", "")).split(","))
    seconds = tags.get(_SINCE, "")
    return datetime.fromtimestamp(int(seconds) if seconds.isascii() and seconds.isdigit() else 0, UTC)


def system_of(machine: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the part of a machine's description that says what it is; empty where there is none."""
    return next((dict(part) for part in machine if part.get("class") == "system"), {})


def kind(machine: Sequence[Mapping[str, Any]]) -> str:
    """Return which of our machines it is: the front end's node, or a worker's name."""
    return str(system_of(machine).get("id", ""))


def _system(like: str, name: str, now: datetime) -> str:
    named = _NAMED.sub(lambda found: f"{found[1]}'{name}'", like).strip()
    return f"system {name} (\n{named} and\ninstance_tags = '{_SINCE}={int(now.timestamp())}'\n)"


def _configures(plays: Plays) -> list[str]:
    return [
        f"configure {name} (\n@begin\n{play}@end\n)" for name, play in ((_FRONT, plays.front), (_WORKER, plays.worker))
    ]


def _steps(items: Sequence[tuple[str, str, int]]) -> str:
    lines = "\n".join(f"system {system} configure {configure} step {step}" for system, configure, step in items)
    return f"contextualize (\n{lines}\n)"
