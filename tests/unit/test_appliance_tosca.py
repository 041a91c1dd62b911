"""The TOSCA document: what it says, who accepts it, and what is refused in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from toscaparser.functions import get_function
from toscaparser.tosca_template import ToscaTemplate

from voxpop.appliance.errors import DocumentInvalid
from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.tosca import Elasticity, document, read

DIGEST = "0123456789abcdef" * 4
RECIPES = {
    "portal": Recipe("portal", "1.0.0", "pages", "Apache-2.0", RecipeKind.PORTAL),
    "htcondor": Recipe("htcondor", "1.0.0", "a queue", "Apache-2.0", RecipeKind.BATCH_QUEUE),
    "octave": Recipe("octave", "1.0.0", "GNU Octave", "GPL-3.0-or-later", RecipeKind.TOOL, programs=("octave-cli",)),
}
ENVIRONMENT = Environment("bone-density", ("portal", "htcondor", "octave"), 16, 32, 1, 50, 90, "bone-density/1.0.0")

CLUSTER = replace(ENVIRONMENT, gpus=4, workers=Workers(0, 4, 4, 8, 1))

words = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
names = words | st.sampled_from(
    ["yes", "no", "on", "off", "null", "true", "y", "n", "1e3", "0x1f", "12-30", "1", "2024-01-01"]
)
versions = st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}", fullmatch=True)
modules = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
recipe_lists = st.lists(
    st.builds(
        Recipe,
        name=names,
        version=versions,
        purpose=st.just("a purpose"),
        licence=st.just("MIT"),
        kind=st.sampled_from(RecipeKind),
        programs=st.lists(words, max_size=2).map(tuple),
        python_modules=st.lists(modules, max_size=2).map(tuple),
    ),
    max_size=4,
    unique_by=lambda recipe: recipe.name,
)
sizes = st.integers(min_value=1, max_value=10_000)
worker_groups = st.builds(
    Workers,
    least=st.integers(min_value=0, max_value=4),
    most=st.integers(min_value=4, max_value=10_000),
    cores=st.integers(min_value=1, max_value=256),
    memory_gb=sizes,
    gpus=st.integers(min_value=0, max_value=8),
)


@st.composite
def environments(draw: st.DrawFn) -> tuple[Environment, dict[str, Recipe]]:
    recipes = draw(recipe_lists)
    queues = [recipe for recipe in recipes if recipe.kind is RecipeKind.BATCH_QUEUE]
    workers = draw(worker_groups) if len(queues) == 1 and draw(st.booleans()) else None
    most = workers.most if workers else 1
    environment = Environment(
        name=draw(names),
        recipes=tuple(recipe.name for recipe in recipes),
        cores=most * (workers.cores if workers else draw(sizes)),
        memory_gb=most * (workers.memory_gb if workers else draw(sizes)),
        gpus=most * (workers.gpus if workers else draw(st.integers(min_value=0, max_value=64))),
        storage_gb=draw(sizes),
        days=draw(sizes),
        pipeline=f"{draw(names)}/{draw(versions)}",
        workers=workers,
    )
    return environment, {recipe.name: recipe for recipe in recipes}


def written(environment: Environment = ENVIRONMENT) -> str:
    return document(environment, application="bone-density", volume_digest=DIGEST, recipes=RECIPES)


def altered(change: Callable[[dict[str, Any]], object], environment: Environment = ENVIRONMENT) -> str:
    content = YAML(typ="safe", pure=True).load(written(environment))
    change(content)
    return yaml.safe_dump(content, sort_keys=False)


def nodes(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["topology_template"]["node_templates"]
    return found


@settings(max_examples=25, deadline=None)
@given(environments(), names, st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
def test_what_is_written_is_read_back_as_it_was(
    asked: tuple[Environment, dict[str, Recipe]], application: str, digest: str
) -> None:
    environment, recipes = asked
    text = document(environment, application=application, volume_digest=digest, recipes=recipes)
    blueprint = read(text)
    assert blueprint.environment == environment
    assert (blueprint.application, blueprint.volume_digest) == (application, digest)
    assert [node.version for node in blueprint.software] == [recipes[name].version for name in environment.recipes]
    assert [node.programs for node in blueprint.software] == [recipes[name].programs for name in environment.recipes]


@settings(max_examples=25, deadline=None)
@given(environments())
def test_readers_of_yaml_1_1_and_1_2_read_the_same(asked: tuple[Environment, dict[str, Recipe]]) -> None:
    environment, recipes = asked
    text = document(environment, application="yes", volume_digest=DIGEST, recipes=recipes)
    assert yaml.safe_load(text) == YAML(typ="safe", pure=True).load(text)


def test_the_unmodified_tosca_parser_accepts_the_document_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "appliance.yaml"
    path.write_text(written())
    template = ToscaTemplate(str(path))
    assert template.version == "tosca_simple_yaml_1_3"
    worker = next(node for node in template.nodetemplates if node.type == "voxpop.nodes.Worker")
    assert worker.get_capabilities()["host"].get_property_value("num_cpus") == 16
    assert [output.name for output in template.outputs] == ["cores", "memory", "data"]
    cores = get_function(template.topology_template, template.outputs, template.outputs[0].value)
    assert cores.result() == 16


def test_the_same_environment_gives_the_same_bytes() -> None:
    assert written() == written()


def test_the_document_imports_nothing() -> None:
    assert "imports" not in yaml.safe_load(written())


def test_the_data_are_read_only_and_the_results_are_not() -> None:
    requirements = nodes(yaml.safe_load(written()))["worker_node"]["requirements"]
    rights = [
        mount["relationship"]["properties"]["read_only"]
        for requirement in requirements
        for mount in requirement.values()
    ]
    assert rights == [True, False]


def test_there_is_no_front_end_where_nothing_needs_one() -> None:
    assert "front_end" in nodes(yaml.safe_load(written()))
    assert "front_end" not in nodes(yaml.safe_load(written(replace(ENVIRONMENT, recipes=("octave",)))))


def _mount(content: dict[str, Any], place: int, name: str) -> dict[str, Any]:
    mount: dict[str, Any] = nodes(content)["worker_node"]["requirements"][place][name]
    return mount


def _host(content: dict[str, Any]) -> dict[str, Any]:
    host: dict[str, Any] = nodes(content)["worker_node"]["capabilities"]["host"]["properties"]
    return host


ALTERATIONS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an unknown node type": (
        lambda c: nodes(c)["octave"].update(type="tosca.nodes.Root"),
        "which voxpop does not know",
    ),
    "a volume to write to": (
        lambda c: _mount(c, 0, "data")["relationship"]["properties"].update(read_only=False),
        "right to write to the data",
    ),
    "no right said": (
        lambda c: _mount(c, 0, "data")["relationship"]["properties"].pop("read_only"),
        "",
    ),
    "results nobody can write to": (
        lambda c: _mount(c, 1, "results")["relationship"]["properties"].update(read_only=True),
        "no right to write to the results",
    ),
    "the data mounted as results": (lambda c: _mount(c, 1, "results").update(node="data_volume"), ""),
    "a mount without a relationship": (lambda c: _mount(c, 0, "data").pop("relationship"), "with which right"),
    "a third mount": (
        lambda c: nodes(c)["worker_node"]["requirements"].append({"results": _mount(c, 1, "results")}),
        "",
    ),
    "an import": (lambda c: c.update(imports=["https://example.org/types.yaml"]), "'imports'"),
    "a repository": (lambda c: c.update(repositories={"x": {"url": "https://example.org"}}), "'repositories'"),
    "an artifact": (lambda c: nodes(c)["octave"].update(artifacts={"x": "y"}), "'artifacts'"),
    "an interface": (
        lambda c: nodes(c)["octave"].update(interfaces={"Standard": {"create": "rm.sh"}}),
        "'interfaces'",
    ),
    "a type of ours defined otherwise": (
        lambda c: c["node_types"]["voxpop.nodes.Tool"].update(derived_from="tosca.nodes.Root"),
        "otherwise than voxpop",
    ),
    "a type that is not ours": (lambda c: c["node_types"].update({"example.Node": {}}), "'example.Node'"),
    "no types": (lambda c: c.pop("policy_types"), "lacks the section"),
    "inputs": (lambda c: c["topology_template"].update(inputs={"x": {"type": "string"}}), "'inputs'"),
    "no worker": (lambda c: nodes(c).pop("worker_node"), ""),
    "two pipelines": (lambda c: nodes(c).update(second=nodes(c)["analysis_pipeline"]), "has 2 nodes"),
    "no lifetime": (lambda c: c["topology_template"].pop("policies"), "its lifetime"),
    "days that are a text": (
        lambda c: c["topology_template"]["policies"][0]["lifetime"]["properties"].update(days="many"),
        "",
    ),
    "no cores": (lambda c: _host(c).pop("num_cpus"), ""),
    "half a core": (lambda c: _host(c).update(num_cpus=0.5), ""),
    "zero cores": (lambda c: _host(c).update(num_cpus=0), ""),
    "memory without a unit": (lambda c: _host(c).update(mem_size=32), ""),
    "a digest that is none": (lambda c: nodes(c)["data_volume"]["properties"].update(sha256="short"), ""),
    "an unknown property": (lambda c: nodes(c)["octave"]["properties"].update(image="x"), "tosca-parser"),
    "a node that is a text": (lambda c: nodes(c).update(octave="x"), "does not know"),
    "no topology": (lambda c: c.pop("topology_template"), "node templates"),
    "another version": (lambda c: c.update(tosca_definitions_version="tosca_simple_yaml_1_0"), "no TOSCA"),
    "no metadata": (lambda c: c.pop("metadata"), "metadata"),
    "no day": (
        lambda c: c["topology_template"]["policies"][0]["lifetime"]["properties"].update(days=0),
        "",
    ),
    "fewer than no GPUs": (lambda c: nodes(c)["worker_node"]["properties"].update(gpus=-1), ""),
    "hardly any memory": (lambda c: _host(c).update(mem_size="10 MB"), "'mem_size in GB'"),
    "a program that is a path": (lambda c: nodes(c)["octave"]["properties"].update(programs=["../x"]), "no plain name"),
    "a module below another": (
        lambda c: nodes(c)["octave"]["properties"].update(python_modules=["os.path"]),
        "no plain name",
    ),
    "programs that are a number": (lambda c: nodes(c)["octave"]["properties"].update(programs=3), ""),
    "programs that are numbers": (lambda c: nodes(c)["octave"]["properties"].update(programs=[3]), ""),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_document_is_refused_in_one_sentence(name: str) -> None:
    change, words = ALTERATIONS[name]
    with pytest.raises(DocumentInvalid) as refused:
        read(altered(change))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("the appliance's document ")


def _of_worker(content: dict[str, Any], capability: str) -> dict[str, Any]:
    properties: dict[str, Any] = nodes(content)["worker_node"]["capabilities"][capability]["properties"]
    return properties


def _policy(content: dict[str, Any], place: int, name: str) -> dict[str, Any]:
    properties: dict[str, Any] = content["topology_template"]["policies"][place][name]["properties"]
    return properties


CLUSTER_ALTERATIONS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a mount of the host": (
        lambda c: nodes(c)["worker_node"]["requirements"].append({"local_storage": {"node": "results_volume"}}),
        "once each and nothing else",
    ),
    "a volume that the front end may write to": (
        lambda c: nodes(c)["front_end"]["requirements"][1]["data"]["relationship"]["properties"].update(
            read_only=False
        ),
        "right to write to the data",
    ),
    "data at another place": (
        lambda c: _mount(c, 1, "data")["relationship"]["properties"].update(location="/etc"),
        "node_templates.worker_node.requirements",
    ),
    "an implementation on the type": (
        lambda c: c["node_types"]["voxpop.nodes.WorkerGroup"].update(
            interfaces={"Standard": {"configure": "https://example.org/x.yml"}}
        ),
        "otherwise than voxpop",
    ),
    "an artifact type": (lambda c: c.update(artifact_types={"x": {}}), "'artifact_types'"),
    "an artifact": (
        lambda c: nodes(c)["front_end"].update(artifacts={"role": {"file": "https://example.org/role.tar.gz"}}),
        "'artifacts'",
    ),
    "an interface": (
        lambda c: nodes(c)["front_end"].update(interfaces={"Standard": {"create": "x.sh"}}),
        "'interfaces'",
    ),
    "another machine": (lambda c: nodes(c).update(spare=nodes(c)["front_end"]), "has 2 nodes"),
    "a machine of a plain type": (lambda c: nodes(c)["front_end"].update(type="tosca.nodes.Compute"), "does not know"),
    "a worker in the open": (
        lambda c: _of_worker(c, "endpoint").update(network_name="PUBLIC"),
        "worker_node.capabilities.endpoint.properties.network_name",
    ),
    "ports that are opened": (lambda c: _of_worker(c, "endpoint").update(port=22), "endpoint.properties.port"),
    "an image of its own": (lambda c: _of_worker(c, "os").update(image="docker://evil"), "os.properties.image"),
    "no room between least and most": (lambda c: _of_worker(c, "scalable").update(min_instances=5), ""),
    "more workers than the policy says": (lambda c: _of_worker(c, "scalable").update(max_instances=0), ""),
    "no elasticity": (lambda c: c["topology_template"]["policies"].pop(), "two policies"),
    "no time to be idle": (lambda c: _policy(c, 1, "elasticity").update(idle_s=0), ""),
    "no queue": (
        lambda c: nodes(c)["htcondor"].update(type="voxpop.nodes.Tool"),
        "one node of type 'voxpop.nodes.BatchQueue'",
    ),
    "a third input": (lambda c: c["topology_template"]["inputs"].update(x={"type": "string"}), "inputs.x"),
    "an input of another kind": (
        lambda c: c["topology_template"]["inputs"]["workers"].update(default="many"),
        "",
    ),
    "inputs that are a list": (lambda c: c["topology_template"].update(inputs=[]), ""),
    "a secret output": (
        lambda c: c["topology_template"]["outputs"].update(key={"value": {"get_attribute": ["front_end", "networks"]}}),
        "outputs.key",
    ),
    "a network from elsewhere": (
        lambda c: nodes(c)["private_network"].update(properties={"network_name": "somebodys"}),
        "node_templates.private_network",
    ),
}


@pytest.mark.parametrize("name", CLUSTER_ALTERATIONS)
def test_an_altered_document_of_a_cluster_is_refused_in_one_sentence(name: str) -> None:
    change, words = CLUSTER_ALTERATIONS[name]
    with pytest.raises(DocumentInvalid) as refused:
        read(altered(change, CLUSTER))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_differs_by_site_are_the_inputs_of_one_document() -> None:
    def at_a_site(content: dict[str, Any]) -> None:
        content["topology_template"]["inputs"]["image"]["default"] = "ost://cloud.example.org/debian"
        content["topology_template"]["inputs"]["workers"]["default"] = 3

    assert read(altered(at_a_site, CLUSTER)) == read(written(CLUSTER))


def test_a_cluster_is_granted_all_its_workers_on_all_its_days() -> None:
    blueprint = read(written(CLUSTER))
    assert blueprint.queue == "htcondor"
    assert blueprint.elasticity == Elasticity(idle_s=60, jobs_per_worker=4, worker_hours=4 * 90 * 24)


def test_the_unmodified_tosca_parser_tells_an_operator_what_a_cluster_is() -> None:
    template = ToscaTemplate(yaml_dict_tpl=yaml.safe_load(written(CLUSTER)))
    told = {output.name: output.value for output in template.outputs}
    say = {
        name: get_function(template.topology_template, template.outputs, value).result()
        for name, value in told.items()
        if isinstance(value, dict) and "get_property" in value
    }
    assert say == {
        "queue": "htcondor",
        "workers_least": 0,
        "workers_most": 4,
        "cores": 4,
        "memory": "8 GB",
        "data": DIGEST,
    }
    assert "front_end" in told


def test_a_document_with_a_queue_from_before_there_were_workers_is_read_as_it_was() -> None:
    assert read(written()).environment.workers is None
    assert read(written()).queue == "htcondor"


@pytest.mark.parametrize("text", ["", "- a\n- list", "a: [", "just words", "a: 1\na: 2", "%TAG ! x", "\x00", "&a [*a]"])
def test_what_is_no_tosca_is_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid):
        read(text)


def test_a_document_without_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(DocumentInvalid, match="longer"):
        read("#" * 1_000_001)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid):
        read(text)
