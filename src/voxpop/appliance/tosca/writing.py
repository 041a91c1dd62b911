"""Writing an environment as a TOSCA document."""

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from voxpop.appliance.model import Environment
from voxpop.appliance.recipes import Recipe
from voxpop.appliance.tosca import cluster, types
from voxpop.appliance.tosca.parts import SoftwareNode, mounts

# words that YAML 1.1, which most TOSCA orchestrators read, or 1.2 takes for a number, a date, a truth or nothing
_MISREAD = re.compile(r"(?i)[-+.\d]\S*|y|n|yes|no|on|off|true|false|null|~")


def document(
    environment: Environment,
    *,
    application: str,
    volume_digest: str,
    recipes: Mapping[str, Recipe],
) -> str:
    """Write an environment as one self-contained TOSCA document.

    Parameters
    ----------
    volume_digest : str
        SHA-256 of the sealed volume's manifest, hexadecimal.
    recipes : mapping of name to Recipe
        Must hold all that the environment names; see `check_recipes`.

    Returns
    -------
    str
        YAML; the same arguments give the same bytes.

    Notes
    -----
    TOSCA Simple Profile in YAML 1.3. Cores and memory stand where the profile has them, in the host capability of the
    worker; the right to write stands in the relationship between the worker and each volume. An environment without
    workers of its own is one machine; one with them is a cluster, see `cluster`.
    """
    content = {
        "tosca_definitions_version": types.VERSION,
        "metadata": {
            "template_name": application,
            "template_author": "voxpop",
            "environment": environment.name,
        },
        "description": f"Virtual appliance of the application {application}.",
        **_parts(environment, volume_digest, [recipes[name] for name in environment.recipes]),
    }
    yaml = YAML(pure=True)
    yaml.default_flow_style = False
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda _: True
    text = StringIO()
    yaml.dump(_quoted(content), text)
    return text.getvalue()


def _parts(environment: Environment, volume_digest: str, recipes: list[Recipe]) -> dict[str, Any]:
    if environment.workers is not None:
        software = [SoftwareNode.of(recipe) for recipe in recipes]
        return {
            **types.cluster_type_sections(),
            "topology_template": cluster.topology(environment, volume_digest, software, cluster.granted(environment)),
        }
    return {
        **types.type_sections(),
        "topology_template": {
            "node_templates": _nodes(environment, volume_digest, recipes),
            "policies": [_lifetime(environment.days)],
            "outputs": _outputs(),
        },
    }


def _quoted(content: Any) -> Any:
    """Put texts that could be misread in quotes."""
    if isinstance(content, dict):
        return {_quoted(key): _quoted(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_quoted(item) for item in content]
    return SingleQuotedScalarString(content) if isinstance(content, str) and _MISREAD.fullmatch(content) else content


def _nodes(environment: Environment, volume_digest: str, recipes: list[Recipe]) -> dict[str, Any]:
    software = {recipe.name: SoftwareNode.of(recipe).node_template(types.WORKER_NAME) for recipe in recipes}
    front_end = any(node["type"] in types.ON_FRONT_END for node in software.values())
    return {
        **({types.FRONT_END_NAME: {"type": types.FRONT_END}} if front_end else {}),
        types.WORKER_NAME: _worker(environment),
        types.DATA_NAME: {"type": types.DATA_VOLUME, "properties": {"sha256": volume_digest}},
        types.RESULTS_NAME: {"type": types.RESULTS_VOLUME, "properties": {"size": f"{environment.storage_gb} GB"}},
        **software,
        types.PIPELINE_NAME: {
            "type": types.PIPELINE,
            "properties": {"pipeline": environment.pipeline},
            "requirements": [{"host": types.WORKER_NAME}],
        },
    }


def _worker(environment: Environment) -> dict[str, Any]:
    return {
        "type": types.WORKER,
        "properties": {"gpus": environment.gpus},
        "capabilities": {
            "host": {"properties": {"num_cpus": environment.cores, "mem_size": f"{environment.memory_gb} GB"}}
        },
        "requirements": mounts(),
    }


def _lifetime(days: int) -> dict[str, Any]:
    return {"lifetime": {"type": types.LIFETIME, "targets": [types.WORKER_NAME], "properties": {"days": days}}}


def _outputs() -> dict[str, Any]:
    return {
        "cores": {
            "description": "Cores that jobs may use.",
            "value": {"get_property": [types.WORKER_NAME, "host", "num_cpus"]},
        },
        "memory": {
            "description": "Memory that jobs may use.",
            "value": {"get_property": [types.WORKER_NAME, "host", "mem_size"]},
        },
        "data": {
            "description": "SHA-256 of the manifest of the volume that jobs read.",
            "value": {"get_property": [types.DATA_NAME, "sha256"]},
        },
    }
