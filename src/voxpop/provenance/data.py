"""Files, values and parameters as entities of a crate."""

import base64
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from voxpop.kernel.digests import Json, canonical_json, sha256_json
from voxpop.provenance.facts import CrateFacts, FileRef, PortFacts
from voxpop.provenance.graph import Graph, ref

PIPELINE = "workflow"
_MEDIA_TYPES = {
    ".cwl": "application/x-yaml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".nii": "application/x-nifti",
    ".nii.gz": "application/gzip",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}


def named_by_digest(sha256: str) -> str:
    """Name content by its digest (RFC 6920, section 3)."""
    encoded = base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()
    return f"ni:///sha-256;{encoded}"


def media_type(path: str) -> str:
    """Say what a file is, from its name."""
    name = PurePosixPath(path).name
    endings = [ending for ending in _MEDIA_TYPES if name.endswith(ending)]
    return _MEDIA_TYPES[max(endings, key=len)] if endings else "application/octet-stream"


class DataEntities:
    """Adds files and values to a graph, each content once.

    Parameters
    ----------
    facts : CrateFacts
        Its outputs lie in the crate: whatever has their content is that file.
    """

    def __init__(self, graph: Graph, facts: CrateFacts) -> None:
        self._graph = graph
        self._volume = named_by_digest(facts.volume_digest)
        self.top: set[str] = {self._volume}
        self._in_crate: dict[str, str] = {}
        for files in facts.run.outputs.values():
            for file in files:
                self._in_crate.setdefault(file.sha256, file.path)
        graph.add(
            self._volume,
            "Dataset",
            name=f"Volume {facts.volume}",
            description="The sealed volume that the run read; named by the digest of its manifest, not copied.",
            identifier=facts.volume,
            sha256=facts.volume_digest,
        )

    @property
    def volume(self) -> str:
        """The id of the volume."""
        return self._volume

    def file(self, file: FileRef) -> str:
        """Add a file and return its id."""
        entity = self._id_of(file)
        if entity not in self._graph:
            self._graph.add(
                entity,
                "File",
                name=file.path,
                sha256=file.sha256,
                contentSize=str(file.bytes),
                encodingFormat=media_type(file.path),
            )
        if entity.startswith("ni:") and file.root == "volume":
            self._graph.link(self._volume, "hasPart", entity)
        else:
            self.top.add(entity)
        return entity

    def output(self, file: FileRef) -> str:
        """Add a file that lies in the crate under its own path."""
        self.top.add(file.path)
        return self._graph.add(
            file.path,
            "File",
            name=PurePosixPath(file.path).name,
            sha256=file.sha256,
            contentSize=str(file.bytes),
            encodingFormat=media_type(file.path),
        )

    def port(self, owner: str, direction: str, name: str, value: PortFacts) -> list[str]:
        """Add what a port carried as examples of the owner's parameter; return the ids of what it carried."""
        parameter = f"{owner}{'/' if '#' in owner else '#'}{direction}/{name}"
        kind = _additional_type(value)
        self._graph.add(
            parameter,
            "FormalParameter",
            name=name,
            additionalType=kind,
            conformsTo=ref("https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"),
            valueRequired="True",
            multipleValues="True" if isinstance(value, tuple) and len(value) > 1 else None,
        )
        self._graph.link(owner, direction, parameter)
        carried = [self.file(file) for file in value] if isinstance(value, tuple) else [self._value(name, value)]
        for entity in carried:
            self._graph.link(entity, "exampleOfWork", parameter)
            self._graph.link(parameter, "workExample", entity)
        return carried

    def ports(self, owner: str, direction: str, values: Mapping[str, PortFacts]) -> list[str]:
        """Add what several ports carried."""
        return [entity for name in sorted(values) for entity in self.port(owner, direction, name, values[name])]

    def _value(self, name: str, value: Json) -> str:
        entity = f"#value/{name}/{sha256_json(value)[:16]}"
        return self._graph.add(entity, "PropertyValue", name=name, value=shown(value))

    def _id_of(self, file: FileRef) -> str:
        if file.root == "pipeline":
            return f"{PIPELINE}/{file.path}"
        if file.root == "results" and file.sha256 in self._in_crate:
            return self._in_crate[file.sha256]
        return named_by_digest(file.sha256)


def shown(value: Json) -> Any:
    """Write a value as JSON-LD can hold it: numbers, texts and truths as they are, all else as JSON."""
    if isinstance(value, bool | int | float | str) and value != "":
        return value
    return canonical_json(value).decode()


def _additional_type(value: PortFacts) -> str:
    if isinstance(value, tuple):
        return "File"
    if isinstance(value, bool):
        return "Boolean"
    kinds = {int: "Integer", float: "Float", str: "Text"}
    return kinds.get(type(value), "PropertyValue")
