"""What happened, as actions: the run, its steps, and the chain that led to it."""

from datetime import datetime
from pathlib import PurePosixPath

from voxpop.provenance.data import PIPELINE, DataEntities, named_by_digest, shown
from voxpop.provenance.facts import ChainLink, CrateFacts, ExecutionFacts
from voxpop.provenance.graph import Graph, moment, ref, refs

ENGINE = "https://pypi.org/project/cwltool/"
PYTHON = "https://www.python.org/"
VOXPOP = "#software/voxpop"
ORGANISATION = "#organisation"
CWL = "https://w3id.org/workflowhub/workflow-ro-crate#cwl"
_COMPLETED = "http://schema.org/CompletedActionStatus"
_FAILED = "http://schema.org/FailedActionStatus"
_LINKS = {
    "application": "The application was decided on.",
    "cohort": "The list of studies was frozen, with the query that made it.",
    "staging": "The studies were retrieved, de-identified, scanned for what is left, and converted.",
    "volume": "The volume was sealed.",
    "appliance": "The environment was deployed from its document.",
}
_NOT_SOFTWARE = frozenset({"python", "implementation", "system", "machine", "voxpop", "cwltool", "image", "queue"})


def add_software(graph: Graph, facts: CrateFacts) -> list[str]:
    """Add who answers for the run and what software it used; return the ids of what tools stand on."""
    environment = facts.run.environment
    graph.add(ORGANISATION, "Organization", name=facts.organisation)
    graph.add(VOXPOP, "SoftwareApplication", name="voxpop", softwareVersion=facts.software_version)
    graph.add(
        CWL,
        "ComputerLanguage",
        name="Common Workflow Language",
        alternateName="CWL",
        version="v1.2",
        identifier=ref("https://w3id.org/cwl/v1.2/"),
        url=ref("https://www.commonwl.org/"),
    )
    _add_package(graph, "cwltool", environment.get("cwltool", ""), ENGINE)
    python = environment.get("python", "")
    graph.add(PYTHON, "SoftwareApplication", name="Python", softwareVersion=python, url=PYTHON)
    packages = {name: version for name, version in environment.items() if name not in _NOT_SOFTWARE}
    return [PYTHON, *(_add_package(graph, name, version) for name, version in sorted(packages.items()))]


def add_run(graph: Graph, facts: CrateFacts, data: DataEntities, packages: list[str]) -> list[str]:
    """Add the workflow, its run and every execution; return the ids of the actions."""
    workflow = f"{PIPELINE}/{facts.workflow.document}"
    run = facts.run
    outputs = [data.output(file) for files in run.outputs.values() for file in files]
    carried = data.ports(workflow, "input", run.inputs)
    data.ports(workflow, "output", run.outputs)
    action = graph.add(
        f"#run/{run.id}",
        "CreateAction",
        name=f"Run {run.id} of {facts.workflow.name} {facts.workflow.version}",
        description=f"{facts.workflow.title}: {len(run.executions)} executions over volume {facts.volume}.",
        instrument=ref(workflow),
        agent=ref(ORGANISATION),
        object=refs([*carried, data.volume]),
        result=refs(outputs),
        startTime=moment(run.started_at),
        endTime=moment(run.ended_at),
        actionStatus=_COMPLETED,
    )
    steps = _add_steps(graph, facts, workflow)
    image = _add_image(graph, run.environment.get("image", ""))
    controls, executions = [], []
    for execution in run.executions:
        execution_id = _add_execution(graph, execution, data, packages, image)
        executions.append(execution_id)
        control = f"{execution_id}/control"
        graph.add(
            control,
            "ControlAction",
            name=f"Orchestrate {execution.step}, execution {execution.position}",
            instrument=ref(steps[execution.step]),
            object=ref(execution_id),
        )
        controls.append(control)
    for tool in {_tool_id(execution) for execution in run.executions}:
        graph.link(workflow, "hasPart", tool)
    organise = graph.add(
        f"#run/{run.id}/organize",
        "OrganizeAction",
        name=f"Run of cwltool {run.environment.get('cwltool', '')}",
        description=_where(facts),
        agent=ref(ORGANISATION),
        instrument=ref(ENGINE),
        object=refs(controls),
        result=ref(action),
        startTime=moment(run.started_at),
        endTime=moment(run.ended_at),
        actionStatus=_COMPLETED,
    )
    return [organise, action, *controls, *executions]


def add_chain(graph: Graph, facts: CrateFacts, data: DataEntities) -> list[str]:
    """Add the chain that led to the run, each link made from the one before; return the ids of the actions."""
    actions: list[str] = []
    before = ""
    for link in facts.chain:
        made = _add_made(graph, link, facts, data)
        at = link.facts.get("at")
        action = graph.add(
            f"#chain/{link.kind}/{link.id}/action",
            "CreateAction",
            name=f"{link.kind.capitalize()} {link.id}",
            description=_LINKS.get(link.kind, "A step on the way to the run."),
            instrument=ref(VOXPOP),
            agent=ref(ORGANISATION),
            object=refs([before] if before else []),
            result=ref(made),
            endTime=moment(datetime.fromisoformat(at)) if isinstance(at, str) else None,
            actionStatus=_COMPLETED,
        )
        actions.append(action)
        before = made
    if before:
        graph.link(f"#run/{facts.run.id}", "object", before)
    return actions


def _add_package(graph: Graph, name: str, version: str, entity: str = "") -> str:
    page = f"https://pypi.org/project/{name}/"
    return graph.add(entity or f"{page}{version}/", "SoftwareApplication", name=name, softwareVersion=version, url=page)


def _add_made(graph: Graph, link: ChainLink, facts: CrateFacts, data: DataEntities) -> str:
    if link.kind == "volume" and link.id == facts.volume:
        made = data.volume
    else:
        made = graph.add(
            f"#chain/{link.kind}/{link.id}",
            "CreativeWork",
            name=f"{link.kind.capitalize()} {link.id}",
            identifier=named_by_digest(link.digest) if link.digest else link.id,
            sha256=link.digest,
        )
    for name, value in sorted(link.facts.items()):
        fact = f"#chain/{link.kind}/{link.id}/{name}"
        graph.add(fact, "PropertyValue", name=name, value=shown(value))
        graph.link(made, "additionalProperty", fact)
    return made


def _add_steps(graph: Graph, facts: CrateFacts, workflow: str) -> dict[str, str]:
    steps: dict[str, str] = {}
    for execution in facts.run.executions:
        if execution.step in steps:
            continue
        step = f"{workflow}#{execution.step}"
        graph.add(
            step,
            "HowToStep",
            name=execution.step,
            position=str(len(steps)),
            workExample=ref(_tool_id(execution)),
        )
        graph.link(workflow, "step", step)
        steps[execution.step] = step
    return steps


def _add_execution(graph: Graph, execution: ExecutionFacts, data: DataEntities, packages: list[str], image: str) -> str:
    tool = _tool_id(execution)
    graph.add(
        tool,
        ["File", "SoftwareSourceCode", "SoftwareApplication"],
        name=PurePosixPath(execution.tool).stem,
        softwareRequirements=refs(packages),
    )
    ended_well = execution.exit_code == 0
    return graph.add(
        f"#execution/{execution.step}/{execution.position}",
        "CreateAction",
        name=f"{execution.step}, execution {execution.position}",
        instrument=ref(tool),
        agent=ref(ORGANISATION),
        object=refs(data.ports(tool, "input", execution.inputs)),
        result=refs(data.ports(tool, "output", execution.outputs)),
        startTime=moment(execution.started_at),
        endTime=moment(execution.ended_at),
        actionStatus=_COMPLETED if ended_well else _FAILED,
        description=_how(execution),
        containerImage=ref(image) if image else None,
        resourceUsage=refs(_add_resources(graph, execution)),
    )


def _add_resources(graph: Graph, execution: ExecutionFacts) -> list[str]:
    """Add what an execution was given, as workflow-run-crate's ``resourceUsage`` tells it; return the ids."""
    given = {"cores": (execution.cores, None), "memory": (execution.memory_mb, "https://qudt.org/vocab/unit/MebiBYTE")}
    return [
        graph.add(
            f"#resource/{name}/{amount}",
            "PropertyValue",
            name=name,
            propertyID=f"#resource/{name}",
            unitCode=unit,
            value=str(amount),
        )
        for name, (amount, unit) in given.items()
        if amount
    ]


def _add_image(graph: Graph, digest: str) -> str:
    """Add the image that the machines were made of; return its id, empty where there was none."""
    if not digest:
        return ""
    return graph.add(
        f"#image/{digest}",
        "ContainerImage",
        name=f"Image {digest}",
        identifier=digest,
        sha256=digest.removeprefix("sha256:"),
    )


def _how(execution: ExecutionFacts) -> str:
    told = f"Ended with exit code {execution.exit_code}."
    if execution.queue:
        on = f" on worker '{execution.node}'" if execution.node else ""
        told += f" Done by the queue '{execution.queue}'{on}, begun {_times(execution.attempts)}."
    return told


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _tool_id(execution: ExecutionFacts) -> str:
    return f"{PIPELINE}/{execution.tool}"


def _where(facts: CrateFacts) -> str:
    environment = facts.run.environment
    return (
        f"Carried out in the sandbox '{facts.run.sandbox}' on {environment.get('system', 'an unknown system')} "
        f"({environment.get('machine', 'unknown machine')}), Python {environment.get('python', 'unknown')}."
        + (f" Commands were done by the queue '{environment['queue']}'." if environment.get("queue") else "")
    )
