"""The sites: the machine itself, and those that were connected; each is opened when it is first asked for."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from voxpop.appliance.errors import (
    QueueUnreachable,
    SiteAbsent,
    SiteBuildsNothing,
    SiteInUse,
    SiteKindUnknown,
    SiteNameInvalid,
)
from voxpop.appliance.images import Image, Rebuilt, Say
from voxpop.appliance.model import Ground
from voxpop.appliance.ports import HasFrontEnd, Queue, Said, Site
from voxpop.appliance.recipes import check_recipes
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terms import read_terms
from voxpop.kernel.ids import ApplianceId
from voxpop.run.ports import Batch, Sandbox
from voxpop.store.appliances import SqlAppliances
from voxpop.store.sites import ConnectedSite, SqlSites

LOCAL = "local"
"""The machine itself; it is always there."""

NO_TERMS: Mapping[str, str] = {}

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 30


@runtime_checkable
class HoldsRuns(Protocol):
    """A site whose runs and terminals are held by it, and not by a sandbox of this machine."""

    def sandbox(self, appliance: str, image: str) -> Sandbox:
        """Return what holds a run or a terminal of an appliance."""
        ...


@runtime_checkable
class KeptByOthers(Protocol):
    """A site with a queue that others keep: commands of runs are jobs of an account there."""

    def account(self) -> int:
        """Return the number of the account, which conducts runs here."""
        ...

    def batch(self, appliance: ApplianceId) -> Batch:
        """Return the queue, as runs of an appliance hand their commands to it."""
        ...


@runtime_checkable
class CanBeChecked(Protocol):
    """A site that can be asked whether it is there."""

    def check(self) -> Mapping[str, str]:
        """Return what it says of itself, or raise ``Unavailable``."""
        ...


@runtime_checkable
class BuildsImages(Protocol):
    """A site whose machines are made of images."""

    def build(self, recipes: tuple[str, ...], say: Say) -> Image:
        """Build the image of some recipes, or return the one that is there."""
        ...

    def rebuild(self, recipes: tuple[str, ...], say: Say) -> Rebuilt:
        """Build the image of some recipes a second time, and say what differs."""
        ...

    def bill(self, asked: str) -> str:
        """Return what an image holds, as CycloneDX; it is named by its digest, or by recipes joined by commas."""
        ...


class Sites(Mapping[str, Site]):
    """Sites by name.

    Parameters
    ----------
    records : SqlSites
        How each was connected.
    appliances : SqlAppliances
        What stands on them.
    ground : Ground
        What sites find on this machine.
    """

    def __init__(self, records: SqlSites, appliances: SqlAppliances, ground: Ground) -> None:
        self._records = records
        self._appliances = appliances
        self._ground = ground
        self._opened: dict[str, tuple[ConnectedSite, Site]] = {}
        self._turn = threading.Lock()

    def __getitem__(self, name: str) -> Site:
        found = next((one for one in self.connected() if one.name == name), None)
        if found is None:
            raise KeyError(name)
        with self._turn:
            if name not in self._opened or self._opened[name][0] != found:  # another process may have changed it
                self._opened[name] = (found, self._open(found))
            return self._opened[name][1]

    def __iter__(self) -> Iterator[str]:
        return iter([one.name for one in self.connected()])

    def __len__(self) -> int:
        return len(self.connected())

    def connected(self) -> list[ConnectedSite]:
        """Return how each is connected: this machine first, then the others by name."""
        return [ConnectedSite(LOCAL, LOCAL, {}), *self._records.every()]

    def connect(
        self, name: str, kind: str, settings: Mapping[str, str], actor: str, terms: Mapping[str, str] = NO_TERMS
    ) -> None:
        """Connect a site, or change its connection; it is not yet asked whether it is there.

        Parameters
        ----------
        terms : mapping
            What it is offered under. A term that is not named stays as it was, and an empty one is taken back.

        Raises
        ------
        SiteNameInvalid
            If the name is that of this machine, or no name.
        SiteKindUnknown
            If no back-end knows that kind.
        Invalid
            If a setting is missing, unknown or wrong.
        """
        if name == LOCAL or len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise SiteNameInvalid
        before = next((one.terms for one in self._records.every() if one.name == name), NO_TERMS)
        kept = {key: value for key, value in {**before, **terms}.items() if value}
        read_terms(name, kept)
        site = ConnectedSite(name, kind, dict(settings), kept)
        self._open(site)
        self._records.connect(site, actor)

    def named(self, name: str) -> Site:
        """Return a site.

        Raises
        ------
        SiteAbsent
            If none of that name is connected.
        """
        try:
            return self[name]
        except KeyError as absent:
            raise SiteAbsent(name) from absent

    def remove(self, name: str, actor: str) -> None:
        """Forget a site's connection.

        Raises
        ------
        SiteNameInvalid
            If it is this machine.
        SiteAbsent
            If none of that name is connected.
        SiteInUse
            If an appliance is there that was not removed.
        """
        if name == LOCAL:
            raise SiteNameInvalid
        if name not in self:
            raise SiteAbsent(name)
        for one in self._appliances.every():
            if one.site == name and one.state is not ApplianceState.REMOVED:
                raise SiteInUse(name, one.id)
        self._records.forget(name, actor)

    def build(self, name: str, asked: tuple[str, ...], say: Say) -> Image:
        """Build the image of some recipes for a site, or return the one that is there.

        Raises
        ------
        SiteAbsent
            If none of that name is connected.
        SiteBuildsNothing
            If its machines are not made of images.
        """
        site = self._builder(name)
        check_recipes(asked, self._ground.recipes)
        image = site.build(asked, say)
        site.bill(image.id)
        return image

    def rebuild(self, name: str, asked: tuple[str, ...], say: Say) -> Rebuilt:
        """Build the image of some recipes a second time, and say what differs; raises as ``build`` does."""
        site = self._builder(name)
        check_recipes(asked, self._ground.recipes)
        return site.rebuild(asked, say)

    def bill(self, name: str, asked: str) -> str:
        """Return what an image of a site holds.

        Raises
        ------
        SiteAbsent
            If none of that name is connected.
        SiteBuildsNothing
            If its machines are not made of images.
        ImageAbsent
            If it has no such image.
        """
        site = self._builder(name)
        if not asked.startswith("sha256:"):
            check_recipes(asked.split(","), self._ground.recipes)
        return site.bill(asked)

    def sandbox(self, name: str, appliance: str, image: str) -> Sandbox | None:
        """Return what holds a run or a terminal of an appliance; None where its site leaves that to this machine."""
        site = self.named(name)
        return site.sandbox(appliance, image) if isinstance(site, HoldsRuns) else None

    def account(self, name: str) -> int | None:
        """Return whose account conducts the runs of a site's appliances; None where it is our own."""
        site: object = self.get(name)
        return site.account() if isinstance(site, KeptByOthers) else None

    def queue(self, name: str, appliance: ApplianceId, kind: str) -> Queue | None:
        """Return the queue of an appliance, as who makes it grow asks it; None where it has none that grows.

        Raises
        ------
        SiteAbsent
            If none of that name is connected.
        """
        try:
            opened: object = self.batch(name, appliance, kind)
        except QueueUnreachable:
            return None
        return opened if isinstance(opened, Queue) else None

    def batch(self, name: str, appliance: ApplianceId, queue: str) -> Batch | None:
        """Return the batch queue of an appliance; None where it has none.

        Raises
        ------
        QueueUnreachable
            If it has one, and its site has no machine where it is asked.
        """
        if not queue:
            return None
        site = self.named(name)
        if isinstance(site, KeptByOthers):
            return site.batch(appliance)
        known = {point.name: point for point in entry_points(group="voxpop.batch")}
        if not isinstance(site, HasFrontEnd) or queue not in known:
            raise QueueUnreachable(name, queue)

        def ask(command: Sequence[str], stdin: str) -> Said:
            return site.on_front_end(appliance, command, stdin)

        opened: Batch = known[queue].load()(ask)
        return opened

    def check(self, name: str) -> Mapping[str, str]:
        """Ask a site whether it is there.

        Raises
        ------
        SiteAbsent
            If none of that name is connected.
        Unavailable
            If it does not answer.
        """
        site = self.named(name)
        return site.check() if isinstance(site, CanBeChecked) else {}

    def _builder(self, name: str) -> BuildsImages:
        site = self.named(name)
        if not isinstance(site, BuildsImages):
            raise SiteBuildsNothing(name)
        return site

    def _open(self, site: ConnectedSite) -> Site:
        known = {point.name: point for point in entry_points(group="voxpop.site")}
        if site.kind not in known or (site.kind == LOCAL and site.name != LOCAL):
            raise SiteKindUnknown(site.kind, ", ".join(sorted(known.keys() - {LOCAL})))
        opened: Site = known[site.kind].load()(site.name, site.settings, self._ground)
        return opened
