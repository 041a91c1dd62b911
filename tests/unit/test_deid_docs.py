"""What the page on de-identification says is what the code does."""

from pathlib import Path

from tests.deid_objects import text_tags

from voxpop.staging.deid import Action, explain, load_profile


def test_the_page_has_the_figures_of_the_planting(repo: Path) -> None:
    page = (repo / "docs" / "explanation" / "de-identification.md").read_text()
    kept = [tag for tag in text_tags() if explain(load_profile(), tag).action is Action.KEEP]
    assert f"each of {len(text_tags())} standard text elements" in page
    assert f"| voxpop, default profile | {len(kept)} |" in page
    for tag in kept:
        first = explain(load_profile(), tag).name.replace("'s", "").split("/")[0].split()[0].lower()
        assert first in page.lower()
