"""The plan before anything starts: where an appliance could stand, what it would be, and what would change."""

from collections.abc import Sequence
from dataclasses import dataclass

from voxpop.appliance.brokering import Fit
from voxpop.appliance.changes import changes
from voxpop.appliance.errors import NoSiteServes, SiteAbsent
from voxpop.appliance.model import Appliance, Environment
from voxpop.appliance.ports import Appliances
from voxpop.appliance.service import ApplianceService
from voxpop.appliance.states import STANDS, ApplianceState
from voxpop.appliance.tosca import read
from voxpop.flow.brokering import Bid, Broker
from voxpop.flow.work import DurableWork
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.volume.model import Volume
from voxpop.volume.service import VolumeService


@dataclass(frozen=True, slots=True)
class PlanSheet:
    """What is to be known before an appliance is deployed.

    Parameters
    ----------
    document : str
        The TOSCA document; the same on every site.
    queue : str
        The recipe of its batch queue; empty where there is none.
    bids : tuple of Bid
        All sites, the first to be chosen first.
    chosen : Bid or None
        The site that was named, or the first that can serve; None where none can.
    compared_with : str
        The project's newest appliance that stands; empty where none does.
    changes : tuple of str
        What would be otherwise than in that one, a line each.
    """

    application: ApplicationId
    volume: VolumeId
    environment: Environment
    document: str
    queue: str
    bids: tuple[Bid, ...]
    chosen: Bid | None
    compared_with: str
    changes: tuple[str, ...]


class Planning:
    """The use cases of planning.

    Parameters
    ----------
    records : Appliances
        What was planned before.
    """

    def __init__(
        self,
        broker: Broker,
        work: DurableWork,
        volumes: VolumeService,
        appliances: ApplianceService,
        records: Appliances,
    ) -> None:
        self._broker = broker
        self._work = work
        self._volumes = volumes
        self._appliances = appliances
        self._records = records

    def look(self, application: ApplicationId, site: str = "", queue: str = "") -> PlanSheet:
        """Rank the sites for a project's newest sealed volume, and keep nothing.

        Raises
        ------
        NothingSealed
            If there is no such volume.
        SiteAbsent
            If the site that is named is not connected.
        """
        return self.look_at(self._work.newest_sealed(application), site, queue)

    def look_at(self, volume: Volume, site: str = "", queue: str = "") -> PlanSheet:
        """Rank the sites for a sealed volume, and keep nothing."""
        application = volume.application
        environment = self._work.environment(application, queue)
        document = self._appliances.written(application, environment, volume.digest)
        known = self._records.of_application(application)
        bids = self._broker.bids(application, environment, document, _same(known, document, volume.id))
        if site and all(one.site != site for one in bids):
            raise SiteAbsent(site)
        able = [one for one in bids if one.fit is not Fit.REFUSED]
        chosen = next((one for one in bids if one.site == site), None) if site else next(iter(able), None)
        old = next((one for one in reversed(known) if one.state in STANDS), None)
        return PlanSheet(
            application=application,
            volume=volume.id,
            environment=environment,
            document=document,
            queue=read(document).queue,
            bids=bids,
            chosen=chosen,
            compared_with=old.id if old else "",
            changes=self._changes(old, document, volume.id) if old else (),
        )

    def plan(
        self, application: ApplicationId, actor: str, site: str = "", queue: str = ""
    ) -> tuple[PlanSheet, Appliance | None]:
        """Plan the appliance of a project's newest sealed volume on the site that is named, or on the first.

        Parameters
        ----------
        queue : str
            The batch queue to take instead of the one that the application names; empty for that one.

        Returns
        -------
        sheet : PlanSheet
        planned : Appliance or None
            None where no site can serve: then nothing is kept.

        Raises
        ------
        SiteRefuses
            If the site that is named may not serve it.
        """
        sheet = self.look(application, site, queue)
        where = site or (sheet.chosen.site if sheet.chosen else "")
        return sheet, self._work.plan(application, actor, where, queue) if where else None

    def place(self, volume_id: VolumeId, site: str = "", queue: str = "") -> str:
        """Return the site that a sealed volume's appliance is to stand on.

        It is the one that is named; else the one where it stands already; else the first that can serve.

        Raises
        ------
        NoSiteServes
        """
        if site:
            return site
        volume = self._volumes.get(volume_id)
        sheet = self.look_at(volume, queue=queue)
        known = self._records.of_application(volume.application)
        same = _same([one for one in known if one.state in STANDS], sheet.document, volume_id)
        if same:
            return [*same][-1]
        if sheet.chosen is None:
            raise NoSiteServes(volume.application, sheet.bids[0].site, sheet.bids[0].reason)
        return sheet.chosen.site

    def _changes(self, old: Appliance, document: str, volume: VolumeId) -> tuple[str, ...]:
        before = self._records.document(old.id)
        if before == document and old.volume == volume:
            return ()
        return changes(read(before), read(document), (old.volume, volume))


def _same(known: Sequence[Appliance], document: str, volume: VolumeId) -> dict[str, ApplianceId]:
    """Return the appliances of the same document and volume that were not removed, by site; of two, the newer."""
    digest = sha256_bytes(document.encode())
    return {
        one.site: one.id
        for one in known
        if (one.document_digest, one.volume) == (digest, volume) and one.state is not ApplianceState.REMOVED
    }
