"""Recipes that people add: only what was approved, by another, is asked for and built."""

import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from tests.unit.test_recipe_checking import DESCRIPTION, TASKS

from voxpop.appliance.additions import Added, AddedState
from voxpop.appliance.errors import (
    RecipeAddedAbsent,
    RecipeArchiveInvalid,
    RecipeChanged,
    RecipeFaulty,
    RecipeFixed,
    RecipeOfOnesOwn,
    RecipeShips,
)
from voxpop.appliance.images import plan_image
from voxpop.appliance.parcel import packed, unpacked
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import IllegalMove
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

ADA, TESS = "Ada Example", "Tess Technical"


class Bench:
    def __init__(self, root: Path) -> None:
        work = open_work(root / "bank", create=True)
        self.system = System(work, read_settings(work.root, TESS), SystemClock())
        self.book = self.system.recipe_book
        self.kept = work.recipes
        self.folder = root / "my-tool"
        self.write()

    def write(self, version: str = "1.0.0", tasks: str = TASKS) -> Path:
        for name, text in (
            ("recipe.yaml", DESCRIPTION.replace("1.0.0", version)), ("tasks/main.yml", tasks),
            ("meta/main.yml", "---\ndependencies: []\n"),
        ):  # fmt: skip
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.folder

    def states(self) -> list[tuple[str, str]]:
        return [(one.version, one.state.value) for one in self.book.every()]

    def events(self, version: str = "1.0.0") -> Sequence[str]:
        return [link.event.action for link in self.system.ledger.links(f"recipe:my-tool@{version}")]

    def approved(self) -> Added:
        self.book.add(self.folder, ADA)
        return self.book.approve("my-tool", "1.0.0", TESS, "read")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_is_added_is_not_offered_until_another_person_approves_it(bench: Bench) -> None:
    added = bench.book.add(bench.folder, ADA)
    assert bench.book.add(bench.folder, ADA) == added
    assert "my-tool" not in bench.system.recipes()
    assert bench.system.recipes_waiting() == ("my-tool",)
    for own in (ADA, " ada  EXAMPLE"):
        with pytest.raises(RecipeOfOnesOwn, match="another technical manager has to approve it"):
            bench.book.approve("my-tool", "1.0.0", own)
    assert bench.book.approve("my-tool", "1.0.0", TESS, "read").state is AddedState.APPROVED
    assert "my-tool" in bench.system.recipes()
    assert bench.system.recipes_waiting() == ()
    assert bench.system.sites._ground.recipes["my-tool"].digest == added.digest
    bench.book.withdraw("my-tool", "1.0.0", ADA, "a fault")
    assert "my-tool" not in bench.system.recipes()
    assert bench.events() == ["recipe.added", "recipe.approved", "recipe.withdrawn"]
    assert bench.system.ledger.verify() == []


def test_a_recipe_is_kept_under_its_content_and_the_copy_is_what_counts(bench: Bench) -> None:
    added = bench.approved()
    assert {path.name for path in bench.kept.iterdir()} == {added.digest}
    bench.write(tasks=TASKS.replace("hello", "goodbye"))
    assert bench.book.described(added).folder == bench.kept / added.digest / "my-tool"
    assert "hello" in bench.book.texts(added)["tasks/main.yml"]


def test_approved_content_is_not_changed_under_its_version(bench: Bench) -> None:
    bench.approved()
    bench.write(tasks=TASKS.replace("hello", "goodbye"))
    with pytest.raises(RecipeFixed, match="give the changed one a new version"):
        bench.book.add(bench.folder, ADA)
    bench.write("1.1.0", TASKS.replace("hello", "goodbye"))
    bench.book.add(bench.folder, ADA)
    assert bench.states() == [("1.0.0", "approved"), ("1.1.0", "added")]
    assert bench.system.offered["my-tool"].version == "1.0.0"
    bench.book.approve("my-tool", "1.1.0", TESS)
    assert bench.states() == [("1.0.0", "withdrawn"), ("1.1.0", "approved")]
    assert bench.system.offered["my-tool"].version == "1.1.0"


def test_a_version_keeps_its_content_approved_or_not_so_that_what_is_approved_is_what_was_read(bench: Bench) -> None:
    assert bench.book.add(bench.folder, ADA).state is AddedState.ADDED
    bench.write(tasks=TASKS.replace("hello", "goodbye"))
    with pytest.raises(RecipeFixed):
        bench.book.add(bench.folder, ADA)
    bench.book.approve("my-tool", "1.0.0", TESS)
    bench.book.withdraw("my-tool", "1.0.0", TESS)
    with pytest.raises(RecipeFixed):
        bench.book.add(bench.folder, ADA)


def test_files_that_were_lost_or_changed_are_put_back_by_adding_them_again(bench: Bench) -> None:
    added = bench.approved()
    tasks = bench.kept / added.digest / "my-tool" / "tasks" / "main.yml"
    tasks.write_text("changed")
    assert bench.book.add(bench.folder, ADA) == added
    assert tasks.read_text() == TASKS
    assert plan_image(("my-tool",), bench.system.offered).recipes[-1].name == "my-tool"


def test_files_that_were_changed_after_approval_are_neither_built_nor_approved(bench: Bench) -> None:
    added = bench.approved()
    assert plan_image(("my-tool",), bench.system.offered).recipes[-1].name == "my-tool"
    tasks = bench.kept / added.digest / "my-tool" / "tasks" / "main.yml"
    tasks.write_text(TASKS.replace("hello", "evil"))
    with pytest.raises(RecipeChanged, match="are not those that were looked at"):
        plan_image(("my-tool",), bench.system.offered)
    bench.book.withdraw("my-tool", "1.0.0", TESS)
    with pytest.raises(RecipeChanged):
        bench.book.approve("my-tool", "1.0.0", TESS)


def test_a_restored_bank_without_the_files_offers_what_it_has(bench: Bench) -> None:
    added = bench.approved()
    (bench.kept / added.digest).rename(bench.kept.parent / "away")
    assert "octave" in bench.system.recipes()
    assert "my-tool" not in bench.system.recipes()


def test_what_is_refused_is_not_kept(bench: Bench) -> None:
    bench.write(tasks=TASKS + "  delegate_to: localhost\n")
    with pytest.raises(RecipeFaulty, match=r"\(one thing\): tasks/main.yml:5: 'delegate_to' leaves the machine"):
        bench.book.add(bench.folder, ADA)
    own = bench.write().rename(bench.folder.parent / "octave")
    (own / "recipe.yaml").write_text(DESCRIPTION.replace("my-tool", "octave"))
    with pytest.raises(RecipeShips, match="give yours another name"):
        bench.book.add(own, ADA)
    for missing in (bench.book.approve, bench.book.withdraw):
        with pytest.raises(RecipeAddedAbsent):
            missing("my-tool", "9.0.0", TESS)
    assert (bench.book.every(), list(bench.kept.iterdir())) == ([], [])


def test_a_decision_is_made_once(bench: Bench) -> None:
    bench.approved()
    with pytest.raises(IllegalMove):
        bench.book.approve("my-tool", "1.0.0", TESS)
    bench.book.withdraw("my-tool", "1.0.0", TESS)
    with pytest.raises(IllegalMove):
        bench.book.withdraw("my-tool", "1.0.0", TESS)


def test_a_folder_is_sent_as_one_file_and_comes_out_the_same(bench: Bench, tmp_path: Path) -> None:
    area = tmp_path / "area"
    area.mkdir()
    assert bench.book.add(unpacked(packed(bench.folder), area), ADA) == bench.book.add(bench.folder, ADA)


@pytest.mark.parametrize("names", [["a/x", "b/y"], ["x"], ["../a/x"], ["/a/x"], []])
def test_an_archive_that_is_no_folder_is_refused(tmp_path: Path, names: list[str]) -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(RecipeArchiveInvalid):
        unpacked(made.getvalue(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_archive_or_swells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeArchiveInvalid, match="can't be read"):
        unpacked(b"PK no", tmp_path)
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/x", b"\0" * 10_000_001)
    with pytest.raises(RecipeArchiveInvalid, match="holds too much"):
        unpacked(made.getvalue(), tmp_path)
