"""Writes a Provenance Run Crate.

Notes
-----
RO-Crate 1.1; Process, Workflow and Provenance Run Crate 0.5; Workflow RO-Crate 1.0. The same facts make the same bytes.
"""

import shutil
from pathlib import Path

from voxpop.kernel.digests import sha256_file
from voxpop.provenance.actions import CWL, ORGANISATION, add_chain, add_run, add_software
from voxpop.provenance.data import PIPELINE, DataEntities, media_type
from voxpop.provenance.facts import CrateFacts
from voxpop.provenance.graph import DESCRIPTOR, ROOT, Graph, moment, ref, refs

README = "README.md"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    _WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}


def write_crate(folder: Path, facts: CrateFacts) -> Path:
    """Write a crate as a folder, whole or not at all; one that was there before goes.

    Parameters
    ----------
    folder : Path
        The crate's own folder; its parent must be there.

    Returns
    -------
    Path
        The crate's ``ro-crate-metadata.json``.
    """
    building = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for path in facts.workflow.files:
        _copy(facts.workflow.folder / path, building / PIPELINE / path)
    for document in facts.documents:
        _copy(document.source, building / document.path)
    for path in {file.path for files in facts.run.outputs.values() for file in files}:
        _link(facts.run.folder / path, building / path)
    (building / README).write_text(_readme(facts), encoding="utf-8")
    (building / DESCRIPTOR).write_text(metadata(facts), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    building.replace(folder)
    return folder / DESCRIPTOR


def metadata(facts: CrateFacts) -> str:
    """Return the text of a crate's ``ro-crate-metadata.json``."""
    graph = Graph()
    _add_root(graph, facts)
    data = DataEntities(graph, facts)
    packages = add_software(graph, facts)
    _add_pipeline(graph, facts, data)
    actions = [*add_run(graph, facts, data, packages), *add_chain(graph, facts, data)]
    _add_documents(graph, facts, data)
    data.top.add(graph.add(README, "File", name=README, about=ref(ROOT), encodingFormat="text/markdown"))
    graph.add(ROOT, "Dataset", hasPart=refs(data.top), mentions=refs(actions))
    return graph.text()


def _add_root(graph: Graph, facts: CrateFacts) -> None:
    graph.add(
        DESCRIPTOR,
        "CreativeWork",
        about=ref(ROOT),
        conformsTo=refs(["https://w3id.org/ro/crate/1.1", _WORKFLOW_CRATE]),
    )
    for profile, (name, version) in _PROFILES.items():
        graph.add(profile, "CreativeWork", name=name, version=version)
    graph.add(
        facts.licence, "CreativeWork", name=facts.licence.rstrip("/").rsplit("/", 1)[-1], identifier=facts.licence
    )
    graph.add(
        ROOT,
        "Dataset",
        name=facts.name,
        description=facts.description,
        datePublished=moment(facts.run.ended_at),
        license=ref(facts.licence),
        author=ref(ORGANISATION),
        publisher=ref(ORGANISATION),
        conformsTo=refs(_PROFILES),
        mainEntity=ref(f"{PIPELINE}/{facts.workflow.document}"),
    )


def _add_pipeline(graph: Graph, facts: CrateFacts, data: DataEntities) -> None:
    workflow = facts.workflow
    for path in workflow.files:
        source = workflow.folder / path
        entity = f"{PIPELINE}/{path}"
        main = path == workflow.document
        tool = any(execution.tool == path for execution in facts.run.executions)
        kinds = ["File", "SoftwareSourceCode"]
        if main:
            kinds += ["ComputationalWorkflow", "HowTo"]
        elif tool:
            kinds += ["SoftwareApplication"]
        graph.add(
            entity,
            kinds if main or tool else "File",
            name=workflow.title if main else path,
            sha256=sha256_file(source),
            contentSize=str(source.stat().st_size),
            encodingFormat=media_type(path),
            programmingLanguage=ref(CWL) if main or tool else None,
            version=workflow.version if main or tool else None,
            conformsTo=ref(_BIOSCHEMAS) if main else None,
            license=workflow.licence if main else None,
            identifier=f"{workflow.name}/{workflow.version}, content sha256 {workflow.digest}" if main else None,
        )
        data.top.add(entity)


def _add_documents(graph: Graph, facts: CrateFacts, data: DataEntities) -> None:
    for document in facts.documents:
        graph.add(
            document.path,
            "File",
            name=document.title,
            sha256=sha256_file(document.source),
            contentSize=str(document.source.stat().st_size),
            encodingFormat=document.media_type,
        )
        data.top.add(document.path)


def _readme(facts: CrateFacts) -> str:
    run = facts.run
    return (
        f"# {facts.name}\n\n{facts.description}\n\n"
        f"A Provenance Run Crate 0.5: `{DESCRIPTOR}` says what made what. `{PIPELINE}/` holds the pipeline "
        f"{facts.workflow.name} {facts.workflow.version}, all other files are what run {run.id} left. The volume "
        f"{facts.volume} (sha256 of its manifest {facts.volume_digest}) is named and not copied, as are the files "
        f"between the steps: a name that begins with `ni:///sha-256;` is a digest in base64url (RFC 6920).\n\n"
        f"Each file's `sha256` can be checked by `sha256sum`.\n"
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)  # outputs may be large, and belong to the same run
    except OSError:
        shutil.copyfile(source, target)
