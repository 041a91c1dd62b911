"""Recipes: those that ship, and those that are refused."""

from pathlib import Path

import pytest

from voxpop.appliance.errors import RecipeAbsent, RecipeAlone, RecipeInvalid, RecipesConflict
from voxpop.appliance.recipes import (
    Gpu,
    Recipe,
    RecipeKind,
    check_recipes,
    find_recipes,
    in_order,
    load_recipe,
)

GOOD = """\
name: octave
version: 1.0.0
purpose: GNU Octave.
licence: GPL-3.0-or-later
needs: []
provides:
  kind: tool
  programs: [octave-cli]
gives_on: [local]
"""


def test_every_recipe_that_ships_is_right_and_the_first_project_finds_its_own(repo: Path) -> None:
    recipes = find_recipes(repo / "recipes")
    asked = ("portal", "htcondor", "octave", "python-imaging", "caffe-models", "notebook")
    check_recipes(asked, recipes)
    assert set(asked) <= set(recipes)
    assert recipes["htcondor"].kind is RecipeKind.BATCH_QUEUE
    assert recipes["portal"].gives_on == ()
    assert all(recipe.licence and recipe.purpose for recipe in recipes.values())
    assert all(recipe.health for recipe in recipes.values() if recipe.has_role)


def test_a_recipe_says_ports_gpu_conflicts_and_how_it_is_seen_to_work(tmp_path: Path) -> None:
    path = tmp_path / "octave" / "recipe.yaml"
    path.parent.mkdir()
    ports = "ports:\n- {port: 80, purpose: pages, on: appliance}\n"
    path.write_text(f"{GOOD}conflicts: [matlab]\n{ports}gpu: required\nhealth: octave-cli --version\n")
    read = load_recipe(path)
    assert (read.conflicts, read.gpu, read.health) == (("matlab",), Gpu.REQUIRED, "octave-cli --version")
    assert read.ports == (80,)
    path.write_text(GOOD)
    read = load_recipe(path)
    assert (read.conflicts, read.ports, read.gpu, read.health) == ((), (), Gpu.NO, "")


def test_an_unknown_recipe_is_refused_with_what_to_do() -> None:
    with pytest.raises(RecipeAbsent, match=r"there is no recipe 'matlab': `voxpop recipe list`"):
        check_recipes(["matlab"], {})


def test_a_recipe_that_needs_another_is_not_given_alone() -> None:
    recipes = {
        "notebook": Recipe("notebook", "1.0.0", "pages", "MIT", RecipeKind.TOOL, needs=("python",)),
        "python": Recipe("python", "1.0.0", "Python", "PSF-2.0", RecipeKind.TOOL),
    }
    with pytest.raises(RecipeAlone, match="recipe 'notebook' needs 'python'"):
        check_recipes(["notebook"], recipes)
    check_recipes(["notebook", "python"], recipes)


@pytest.mark.parametrize("asked", [["slurm", "htcondor"], ["htcondor", "slurm"]])
def test_recipes_that_conflict_are_not_given_together(asked: list[str]) -> None:
    recipes = {
        "slurm": Recipe("slurm", "1.0.0", "a queue", "MIT", RecipeKind.BATCH_QUEUE, conflicts=("htcondor",)),
        "htcondor": Recipe("htcondor", "1.0.0", "a queue", "MIT", RecipeKind.BATCH_QUEUE),
    }
    with pytest.raises(RecipesConflict, match=r"'(slurm|htcondor)' can't be had together .*: leave one of them out"):
        check_recipes(asked, recipes)
    check_recipes(["slurm"], recipes)


def test_two_recipes_on_one_port_are_not_given_together() -> None:
    recipes = {name: Recipe(name, "1.0.0", "pages", "MIT", RecipeKind.TOOL, ports=(8042,)) for name in ("one", "two")}
    with pytest.raises(RecipesConflict, match="both listen on port 8042"):
        check_recipes(["one", "two"], recipes)
    check_recipes(["one", "one"], recipes)


def test_what_is_needed_is_applied_before_what_needs_it() -> None:
    recipes = {
        name: Recipe(name, "1.0.0", "x", "MIT", RecipeKind.TOOL, needs=needs)
        for name, needs in (("a", ("c",)), ("b", ()), ("c", ("d", "c")), ("d", ("a",)))
    }
    assert [one.name for one in in_order(["a", "b", "c"], recipes)] == ["c", "a", "b"]
    assert {one.name for one in in_order(["a", "b", "c", "d"], recipes)} == set("abcd")  # a ring ends


def test_slurm_and_htcondor_are_not_given_together(repo: Path) -> None:
    recipes = find_recipes(repo / "recipes")
    with pytest.raises(RecipesConflict, match="recipes 'slurm' and 'htcondor' can't be had together"):
        check_recipes(["octave", "slurm", "htcondor"], recipes)
    check_recipes(["octave", "slurm"], recipes)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: octave", "name: Octave", "name is wrong"),
        ("name: octave", "name: other", "give the folder and the recipe one name"),
        ("version: 1.0.0", "version: newest", "version is wrong"),
        ("version: 1.0.0", "version: 1.0", "version is wrong"),
        ("licence: GPL-3.0-or-later\n", "", "'licence' is a required property"),
        ("kind: tool", "kind: toy", "provides.kind is wrong"),
        ("[octave-cli]", "['rm -rf /']", "provides.programs.0 is wrong"),
        ("needs: []", "needs: [", "no readable YAML"),
        ("needs: []", "needs: []\nport: 80", "'port' was unexpected"),
        ("needs: []", "needs: []\ngpu: maybe", "gpu is wrong"),
        ("needs: []", "needs: []\nports:\n- {port: 99999, purpose: x}", "ports.0.port is wrong"),
        ("needs: []", "needs: []\nhealth: ''", "health is wrong"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "octave" / "recipe.yaml"
    path.parent.mkdir()
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(RecipeInvalid) as refused:
        load_recipe(path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_recipe_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeInvalid, match=r"recipe\.yaml is not there"):
        load_recipe(tmp_path / "octave" / "recipe.yaml")
