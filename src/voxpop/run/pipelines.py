"""Pipelines as folders: finding them, reading them, and giving them a volume's files."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voxpop.kernel.digests import Json, sha256_bytes, sha256_file
from voxpop.run.errors import ParameterInvalid, PipelineAbsent, PipelineInvalid, VolumeUnfit
from voxpop.run.model import Parameter, Pipeline

DOCUMENT = "pipeline.yaml"
ARRAY = "[]"
_TEXTS = ("name", "version", "title", "licence", "workflow")
_MAPPINGS = ("volume_inputs", "parameters")
_WHOLE = frozenset({"int", "long"})
_REAL = frozenset({"float", "double"})
_PLAIN = {
    **dict.fromkeys(_WHOLE, "whole number"),
    **dict.fromkeys(_REAL, "number"),
    "boolean": "true or false",
    "string": "text",
}
_CHOSEN = frozenset(_PLAIN)
_NOT_CONTENT = frozenset({"tests", "__pycache__"})


def find_pipelines(roots: Sequence[Path]) -> Mapping[str, Pipeline]:
    """Read every pipeline below some folders.

    Parameters
    ----------
    roots : sequence of Path
        Each holds ``<name>/<version>/pipeline.yaml``; where two hold the same, the first one counts.

    Returns
    -------
    mapping of ``name/version`` to Pipeline, in order of names

    Raises
    ------
    PipelineInvalid
        If one of them can't be read.
    """
    found: dict[str, Pipeline] = {}
    for root in roots:
        for document in sorted(root.glob(f"*/*/{DOCUMENT}")):
            pipeline = load_pipeline(document.parent)
            found.setdefault(f"{pipeline.name}/{pipeline.version}", pipeline)
    return dict(sorted(found.items()))


def pipeline_named(name: str, pipelines: Mapping[str, Pipeline]) -> Pipeline:
    """Return the pipeline ``name/version``; of ``name`` alone, the one with the highest version.

    Raises
    ------
    PipelineAbsent
        If there is none.
    """
    if name in pipelines:
        return pipelines[name]
    versions = [pipeline for pipeline in pipelines.values() if pipeline.name == name]
    if not versions:
        raise PipelineAbsent(name)
    return max(versions, key=lambda pipeline: _version_order(pipeline.version))


def load_pipeline(folder: Path) -> Pipeline:
    """Read one pipeline's folder.

    Raises
    ------
    PipelineInvalid
        If ``pipeline.yaml`` is missing, is no YAML, lacks a key, has one too many, or names a file that is not there.
    """
    folder = folder.resolve()
    document = _document(folder / DOCUMENT)
    texts = {key: _text(document, key, folder) for key in _TEXTS}
    volume_inputs = _mapping(document, "volume_inputs", folder)
    parameters = _mapping(document, "parameters", folder)
    unknown = sorted(set(document) - {*_TEXTS, *_MAPPINGS})
    if unknown:
        raise PipelineInvalid(f"{_place(folder)} has the unknown key '{unknown[0]}': remove it")
    workflow = folder / texts["workflow"]
    if not workflow.is_file():
        raise PipelineInvalid(f"{_place(folder)} names the workflow '{texts['workflow']}', which is not there")
    return Pipeline(
        name=texts["name"],
        version=texts["version"],
        title=texts["title"],
        folder=folder,
        workflow=workflow,
        volume_inputs=_globs(volume_inputs, parameters, folder),
        parameters=parameters,
        digest=folder_digest(folder),
        licence=texts["licence"],
    )


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 of a pipeline's content: of what ``sha256sum`` says of its files, sorted by path.

    Tests, caches and hidden files are no content.
    """
    lines = [f"{sha256_file(folder / path)}  {path}\n" for path in sorted(content_files(folder))]
    return sha256_bytes("".join(lines).encode())


def content_files(folder: Path) -> Iterator[str]:
    """Name the files that make a pipeline, relative to its folder."""
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part in _NOT_CONTENT or part.startswith(".") for part in relative.parts)
        if not hidden and path.is_file() and path.suffix != ".pyc":
            yield relative.as_posix()


def task_inputs(pipeline: Pipeline, volume: Path) -> dict[str, Json]:
    """Build the workflow's input object from a volume's files and the pipeline's own parameters.

    Raises
    ------
    VolumeUnfit
        If the volume has no match for an input, or more than one where one is meant.
    """
    inputs: dict[str, Json] = dict(pipeline.parameters)
    for name, pattern in pipeline.volume_inputs.items():
        matches = sorted(volume.resolve().glob(pattern))
        if not matches:
            raise VolumeUnfit(f"the volume holds nothing that matches '{pattern}', which {_named(pipeline)} needs")
        if name.endswith(ARRAY):
            inputs[name.removesuffix(ARRAY)] = [_cwl_object(path) for path in matches]
        elif len(matches) == 1:
            inputs[name] = _cwl_object(matches[0])
        else:
            raise VolumeUnfit(f"the volume holds {len(matches)} matches of '{pattern}', {_named(pipeline)} needs one")
    return inputs


def parameters_of(pipeline: Pipeline) -> tuple[Parameter, ...]:
    """Return the inputs of a pipeline that a person may choose, in the workflow's order.

    Notes
    -----
    CWL v1.2, 4.1.1 WorkflowInputParameter; both ways of writing ``inputs`` and the ``?`` of optional types.
    """
    document = YAML(typ="safe", pure=True).load(pipeline.workflow.read_text(encoding="utf-8"))
    inputs = document.get("inputs", {})
    listed = {one["id"]: one for one in inputs} if isinstance(inputs, list) else inputs
    taken = {name.removesuffix(ARRAY) for name in pipeline.volume_inputs}
    return tuple(
        _parameter(name, entry, pipeline.parameters)
        for name, entry in listed.items()
        if name not in taken and _kind(entry) in _CHOSEN
    )


def check_parameters(pipeline: Pipeline, chosen: Mapping[str, Json]) -> None:
    """Refuse a choice that the pipeline cannot take.

    Raises
    ------
    ParameterInvalid
        Naming the first parameter that is unknown or has a value of another type.
    """
    if not chosen:
        return
    known = {one.name: one for one in parameters_of(pipeline)}
    for name, value in chosen.items():
        if name not in known:
            names = ", ".join(known) or "none"
            raise ParameterInvalid(f"{_named(pipeline)} has no parameter '{name}': it has {names}")
        if not _fits(known[name].kind, value):
            raise ParameterInvalid(f"parameter '{name}' of {_named(pipeline)} must be a {_PLAIN[known[name].kind]}")


def parameter_value(kind: str, text: str) -> Json:
    """Return what a text means as a value of a CWL type; the text itself where it means none.

    Examples
    --------
    >>> parameter_value("double", "2.5"), parameter_value("int", "x"), parameter_value("boolean", "true")
    (2.5, 'x', True)
    """
    words = {"true": True, "false": False}
    try:
        if kind in _WHOLE:
            return int(text)
        if kind in _REAL:
            return float(text)
    except ValueError:
        return text
    return words.get(text.lower(), text) if kind == "boolean" else text


def chosen_parameters(pipeline: Pipeline, texts: Mapping[str, str]) -> dict[str, Json]:
    """Return what was chosen otherwise than the pipeline has it, from the texts of a form or a command."""
    known = {one.name: one for one in parameters_of(pipeline)}
    values = {name: parameter_value(known[name].kind, text) if name in known else text for name, text in texts.items()}
    return {name: value for name, value in values.items() if name not in known or value != known[name].default}


def _parameter(name: str, entry: Json, defaults: Mapping[str, Json]) -> Parameter:
    written = entry if isinstance(entry, dict) else {}
    doc = written.get("doc", "")
    return Parameter(
        name, _kind(entry), defaults.get(name, written.get("default")), doc if isinstance(doc, str) else ""
    )


def _kind(entry: Json) -> str:
    kind = entry.get("type") if isinstance(entry, dict) else entry
    return kind.removesuffix("?") if isinstance(kind, str) else ""


def _fits(kind: str, value: Json) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind in _WHOLE:
        return isinstance(value, int)
    if kind in _REAL:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return kind == "string" and isinstance(value, str)


def _cwl_object(path: Path) -> Json:
    return {"class": "Directory" if path.is_dir() else "File", "path": str(path)}


def _named(pipeline: Pipeline) -> str:
    return f"pipeline '{pipeline.name}/{pipeline.version}'"


def _place(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}/{DOCUMENT}"


def _document(path: Path) -> dict[str, Json]:
    place = _place(path.parent)
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise PipelineInvalid(f"{place} is not there: a pipeline's folder needs one") from missing
    except (YAMLError, UnicodeDecodeError) as broken:
        raise PipelineInvalid(f"{place} is no readable YAML: {_where(broken)}") from broken
    if not isinstance(document, dict):
        raise PipelineInvalid(f"{place} must be a mapping of keys to values")
    return {str(key): value for key, value in document.items()}


def _where(broken: Exception) -> str:
    mark = getattr(broken, "problem_mark", None)
    return f"see line {mark.line + 1}, column {mark.column + 1}" if mark else "check that it is UTF-8 text"


def _text(document: Mapping[str, Json], key: str, folder: Path) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise PipelineInvalid(f"{_place(folder)} needs the key '{key}' with a text (in quotes where it looks a number)")
    return value


def _mapping(document: Mapping[str, Json], key: str, folder: Path) -> dict[str, Json]:
    value = document.get(key)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise PipelineInvalid(f"{_place(folder)}: '{key}' must be a mapping")
    return {str(name): entry for name, entry in value.items()}


def _globs(volume_inputs: Mapping[str, Json], parameters: Mapping[str, Json], folder: Path) -> dict[str, str]:
    globs: dict[str, str] = {}
    for name, pattern in volume_inputs.items():
        if not isinstance(pattern, str) or not pattern or ".." in pattern or PurePosixPath(pattern).is_absolute():
            raise PipelineInvalid(f"{_place(folder)}: input '{name}' needs a glob relative to the volume")
        if name.removesuffix(ARRAY) in parameters:
            raise PipelineInvalid(f"{_place(folder)}: '{name}' is both an input from the volume and a parameter")
        globs[name] = pattern
    return globs


def _version_order(version: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part) if part.isdigit() else -1, part) for part in version.split("."))
