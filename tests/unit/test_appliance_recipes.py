"""Recipes: those that ship, and those that are refused."""

from pathlib import Path

import pytest

from voxpop.appliance.errors import RecipeAbsent, RecipeAlone, RecipeInvalid, RecipesConflict
from voxpop.appliance.recipes import Recipe, RecipeKind, check_recipes, find_recipes, load_recipe

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
