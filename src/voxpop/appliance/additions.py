"""Recipes that people add: kept by their content, and asked for only once they are approved."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from voxpop.appliance.checking import Finding, check_folder
from voxpop.appliance.errors import (
    RecipeAddedAbsent,
    RecipeChanged,
    RecipeFaulty,
    RecipeFixed,
    RecipeOfOnesOwn,
    RecipeShips,
)
from voxpop.appliance.recipes import DOCUMENT, Recipe, content_digest, contents, load_recipe
from voxpop.kernel.clock import Clock
from voxpop.kernel.ledger import Event, Ledger
from voxpop.kernel.transitions import TransitionTable


class AddedState(StrEnum):
    """Where a recipe stands that was added."""

    ADDED = "added"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


_S = AddedState
LIFE_CYCLE = TransitionTable(
    {
        _S.ADDED: frozenset({_S.APPROVED, _S.WITHDRAWN}),
        _S.APPROVED: frozenset({_S.WITHDRAWN}),
        _S.WITHDRAWN: frozenset({_S.APPROVED}),
    }
)


@dataclass(frozen=True, slots=True)
class Added:
    """A recipe that somebody added.

    Parameters
    ----------
    digest : str
        SHA-256 over all its files: what was looked at, what is approved, and what is built.
    """

    name: str
    version: str
    digest: str
    state: AddedState
    added_by: str
    added_at: datetime

    @property
    def id(self) -> str:
        """Its name in the audit log."""
        return f"{self.name}@{self.version}"


class Additions(Protocol):
    """Where it is kept which recipes were added."""

    def keep(self, added: Added, actor: str) -> None:
        """Keep one that was added; one of the same name and version that is not approved is replaced."""
        ...

    def every(self) -> Sequence[Added]:
        """Return all, by name and version."""
        ...


@dataclass(frozen=True, slots=True)
class Measure:
    """What an added recipe is held against.

    Parameters
    ----------
    ships : mapping of name to Recipe
        Those that need no approval; none of their names is given to another.
    look : callable
        Says what is wrong with a recipe's folder.
    aliases : callable
        Returns all names by which a person may be known.
    """

    ships: Mapping[str, Recipe]
    look: Callable[[Path], Sequence[Finding]]
    aliases: Callable[[str], Sequence[str]] = lambda person: (person,)


class RecipeBook:
    """The use cases of recipes that people add.

    Parameters
    ----------
    folder : Path
        Holds each by its content: ``<folder>/<digest>/<name>``.
    """

    def __init__(self, folder: Path, kept: Additions, ledger: Ledger, clock: Clock, measure: Measure) -> None:
        self._folder = folder
        self._kept = kept
        self._ledger = ledger
        self._clock = clock
        self._measure = measure
        self._turn = threading.Lock()
        self._read: dict[str, Recipe] = {}

    def add(self, folder: Path, actor: str) -> Added:
        """Look at a recipe and keep a copy of it, to be approved; the same again is silent.

        Raises
        ------
        RecipeFaulty
            If anything is wrong with it.
        RecipeShips
            If one of that name ships with the bank.
        RecipeFixed
            If that version is there with other content: what is approved is what was read.
        """
        _refuse(folder.name, check_folder(folder))  # before it is copied: what is a link, or too much, is not
        with self._turn, tempfile.TemporaryDirectory(prefix=".new-", dir=self._made()) as area:
            copied = Path(area) / folder.name
            shutil.copytree(folder, copied, symlinks=True, copy_function=shutil.copyfile)
            _refuse(folder.name, self._measure.look(copied))
            recipe = load_recipe(copied / DOCUMENT)
            if recipe.name in self._measure.ships:
                raise RecipeShips(recipe.name)
            return self._keep(copied, recipe, actor)

    def approve(self, name: str, version: str, actor: str, reason: str = "") -> Added:
        """Let applications ask for a recipe; an earlier version of it that was approved is withdrawn.

        Raises
        ------
        RecipeAddedAbsent
            If it was not added.
        RecipeOfOnesOwn
            If who approves has added it.
        IllegalMove
            If it is approved already.
        RecipeChanged
            If its files are not what was added.
        """
        with self._turn:
            found = self.named(name, version)
            if self._is(actor, found.added_by):
                raise RecipeOfOnesOwn(found.id)
            if not self._is_whole(found):
                raise RecipeChanged(found.id)
            older = [one for one in self._kept.every() if one.name == name and one.state is _S.APPROVED]
            approved = self._move(found, _S.APPROVED, actor, reason)  # first: at no moment is none approved
            for one in older:
                self._move(one, _S.WITHDRAWN, actor, f"version {version} takes its place")
            return approved

    def withdraw(self, name: str, version: str, actor: str, reason: str = "") -> Added:
        """Let no application ask for it any more; what was built of it stays.

        Raises
        ------
        RecipeAddedAbsent
            If it was not added.
        IllegalMove
            If it is withdrawn already.
        """
        return self._move(self.named(name, version), _S.WITHDRAWN, actor, reason)

    def every(self) -> Sequence[Added]:
        """Return all that were added, by name and version."""
        return self._kept.every()

    def named(self, name: str, version: str) -> Added:
        """Return one that was added, or raise ``RecipeAddedAbsent``."""
        for one in self._kept.every():
            if (one.name, one.version) == (name, version):
                return one
        raise RecipeAddedAbsent(name, version)

    def described(self, added: Added) -> Recipe:
        """Return what an added recipe says of itself; it holds the digest that its files must have."""
        if added.digest not in self._read:
            self._read[added.digest] = load_recipe(self._place(added) / DOCUMENT, digest=added.digest)
        return self._read[added.digest]

    def texts(self, added: Added) -> Mapping[str, str]:
        """Return the files of an added recipe, as those read them who decide."""
        place = self._place(added)
        return {name: (place / name).read_bytes().decode("utf-8", errors="replace") for name in contents(place)}

    def approved(self) -> Mapping[str, Recipe]:
        """Return what applications may ask for, beside what ships; one whose files are gone is not among them."""
        asked = sorted(self.shown(), key=lambda pair: pair[0].added_at)  # of two that are approved, the newer
        return {one.name: recipe for one, recipe in asked if one.state is _S.APPROVED}

    def shown(self) -> Sequence[tuple[Added, Recipe]]:
        """Return all that were added and what they say of themselves, but those whose files are gone."""
        there = [one for one in self._kept.every() if (self._place(one) / DOCUMENT).is_file()]
        return [(one, self.described(one)) for one in there]

    def waiting(self) -> Sequence[str]:
        """Return the names of those that were added and may not be asked for."""
        approved = {one.name for one in self._kept.every() if one.state is _S.APPROVED}
        return sorted({one.name for one in self._kept.every()} - approved)

    def _keep(self, copied: Path, recipe: Recipe, actor: str) -> Added:
        digest = content_digest(copied)
        known = next((one for one in self._kept.every() if one.id == f"{recipe.name}@{recipe.version}"), None)
        if known is not None and known.digest != digest:
            raise RecipeFixed(known.id)
        added = known or Added(recipe.name, recipe.version, digest, _S.ADDED, actor, self._clock.now())
        if not self._is_whole(added):
            place = self._place(added)
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(exist_ok=True)
            copied.rename(place)
        if known is None:
            self._kept.keep(added, actor)
        return added

    def _is_whole(self, added: Added) -> bool:
        place = self._place(added)
        return place.is_dir() and content_digest(place) == added.digest

    def _place(self, added: Added) -> Path:
        return self._folder / added.digest / added.name

    def _made(self) -> Path:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return self._folder

    def _is(self, actor: str, other: str) -> bool:
        def known(person: str) -> set[str]:
            return {" ".join(name.split()).casefold() for name in (person, *self._measure.aliases(person))}

        return bool(known(actor) & known(other))

    def _move(self, found: Added, target: AddedState, actor: str, reason: str) -> Added:
        subject = f"recipe:{found.id}"
        LIFE_CYCLE.check(subject, found.state, target)
        event = Event(f"recipe.{target.value}", subject, actor, reason, {"sha256": found.digest})
        self._ledger.move(subject, found.state, target, event)
        return self.named(found.name, found.version)


def _refuse(name: str, found: Sequence[Finding]) -> None:
    if found:
        raise RecipeFaulty(name, len(found), str(found[0]))


class Offered(Mapping[str, Recipe]):
    """All that an application may ask for at this moment: what ships, and what is approved."""

    def __init__(self, ships: Mapping[str, Recipe], book: RecipeBook) -> None:
        self._ships = ships
        self._book = book

    def __getitem__(self, name: str) -> Recipe:
        return self._ships[name] if name in self._ships else self._book.approved()[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._ships, *self._book.approved()])

    def __len__(self) -> int:
        return len(self._ships) + len(self._book.approved())
