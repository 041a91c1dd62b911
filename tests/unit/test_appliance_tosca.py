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
from voxpop.appliance.model import Environment
from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.tosca import document, read

DIGEST = "0123456789abcdef" * 4
RECIPES = {
    "portal": Recipe("portal", "1.0.0", "pages", "Apache-2.0", RecipeKind.PORTAL),
    "htcondor": Recipe("htcondor", "1.0.0", "a queue", "Apache-2.0", RecipeKind.BATCH_QUEUE),
    "octave": Recipe("octave", "1.0.0", "GNU Octave", "GPL-3.0-or-later", RecipeKind.TOOL, programs=("octave-cli",)),
}
ENVIRONMENT = Environment("bone-density", ("portal", "htcondor", "octave"), 16, 32, 1, 50, 90, "bone-density/1.0.0")

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


@st.composite
def environments(draw: st.DrawFn) -> tuple[Environment, dict[str, Recipe]]:
    recipes = draw(recipe_lists)
    environment = Environment(
        name=draw(names),
        recipes=tuple(recipe.name for recipe in recipes),
        cores=draw(sizes),
        memory_gb=draw(sizes),
        gpus=draw(st.integers(min_value=0, max_value=64)),
        storage_gb=draw(sizes),
        days=draw(sizes),
        pipeline=f"{draw(names)}/{draw(versions)}",
    )
    return environment, {recipe.name: recipe for recipe in recipes}


def written(environment: Environment = ENVIRONMENT) -> str:
    return document(environment, application="bone-density", volume_digest=DIGEST, recipes=RECIPES)


def altered(change: Callable[[dict[str, Any]], object]) -> str:
    content = YAML(typ="safe", pure=True).load(written())
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
