"""The use cases: harvest, load, count, freeze, open."""

from collections.abc import Mapping

from voxpop.cohort.criteria import check_criteria, criteria_json
from voxpop.cohort.errors import GroupTooSmall, NothingSelected, UnknownArchive
from voxpop.cohort.frozen import list_digest
from voxpop.cohort.model import Cohort, Criteria, Harvest, Selection, Tally
from voxpop.cohort.ports import Catalogue, ClinicalSource, Cohorts, Index
from voxpop.cohort.suppression import SMALLEST_SHOWN, Waterfall, suppressed
from voxpop.kernel.clock import Clock
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId, CohortId
from voxpop.kernel.ledger import Event, Ledger


class CohortService:
    """What a data manager and a reviewer do with cohorts.

    Parameters
    ----------
    catalogues : mapping of str to Catalogue
        The configured archives by name.
    """

    def __init__(
        self, catalogues: Mapping[str, Catalogue], index: Index, cohorts: Cohorts, ledger: Ledger, clock: Clock
    ) -> None:
        self._catalogues = catalogues
        self._index = index
        self._cohorts = cohorts
        self._ledger = ledger
        self._clock = clock

    def harvest(self, archive: str, actor: str) -> Harvest:
        """Ask an archive what it holds and replace what the index knows of it; an access to identity.

        Raises
        ------
        UnknownArchive
            If no archive of that name is configured.
        Unavailable
            If it does not answer, or not completely: then the index keeps what it knew.
        """
        if archive not in self._catalogues:
            raise UnknownArchive(archive)
        catalogue = self._catalogues[archive]
        subject = f"archive:{archive}"
        self._ledger.record(Event("identity.opened", subject, actor, "the archive's listing is harvested"))
        before = dict(catalogue.odd)
        studies, series, digest = self._index.write(archive, catalogue.studies())
        odd = {kind: count - before.get(kind, 0) for kind, count in catalogue.odd.items()}
        odd = {kind: count for kind, count in sorted(odd.items()) if count > 0}
        facts: dict[str, Json] = {"studies": studies, "series": series, "digest": digest, "odd": sum(odd.values())}
        self._ledger.record(Event("archive.harvested", subject, actor, facts=facts))
        return Harvest(archive, studies, series, digest, self._clock.now(), odd)

    def load_clinical(self, source: ClinicalSource, actor: str) -> tuple[int, str]:
        """Replace the clinical table; returns the number of records and their digest; an access to identity.

        Raises
        ------
        Invalid
            Naming file, line and column of what cannot be read: then the index keeps what it knew.
        """
        subject = "clinical:source"
        self._ledger.record(Event("identity.opened", subject, actor, "the clinical source is loaded"))
        records, digest = self._index.write_clinical(source.records())
        self._ledger.record(Event("clinical.loaded", subject, actor, facts={"records": records, "digest": digest}))
        return records, digest

    def tally(self, criteria: Criteria) -> Tally:
        """Return exact counts: for decisions of the program, never for people."""
        check_criteria(criteria)
        return self._index.tally(criteria)

    def count(self, criteria: Criteria) -> Waterfall:
        """Return counts that may be shown: those below ten are None."""
        return suppressed(self.tally(criteria))

    def shortfall(self, criteria: Criteria) -> tuple[str, ...]:
        """Return the names of the groups that ask for more participants than there are.

        A group of fewer than ten is named where ten or more are asked of it, whatever it has: its count is not told.
        """
        return _shortfall(criteria, self.tally(criteria).groups)

    def freeze(self, application: ApplicationId, criteria: Criteria, actor: str) -> Cohort:
        """Freeze the list of studies; the same criteria on the same index give the same cohort.

        Raises
        ------
        NothingSelected
            If no study fulfils the criteria.
        GroupTooSmall
            Naming the groups that ask for more participants than there are, as ``shortfall`` does; of a small group,
            what there is is taken.
        """
        check_criteria(criteria)
        query, index_digest = criteria_json(criteria), self._index.digest()
        earlier = self._cohorts.of_application(application)
        for cohort in earlier:
            if (cohort.query, cohort.index_digest) == (query, index_digest):
                return cohort
        selection = self._index.select(criteria)
        few = _shortfall(criteria, selection.counts)
        if few:
            raise GroupTooSmall(few)
        if not selection.selected:
            raise NothingSelected
        cohort = Cohort(
            id=CohortId(f"{application}-c{len(earlier) + 1}"),
            application=application,
            query=query,
            index_digest=index_digest,
            list_digest=list_digest(selection),
            counts=dict(selection.counts),
            selected=len(selection.selected),
            not_selected=len(selection.not_selected),
            frozen_at=self._clock.now(),
        )
        return self._cohorts.freeze(cohort, selection, actor)

    def selection(self, cohort: CohortId, actor: str, reason: str = "") -> Selection:
        """Open a frozen list; an access to identity, which the store audits."""
        return self._cohorts.selection(cohort, actor, reason)


def _shortfall(criteria: Criteria, available: Mapping[str, int]) -> tuple[str, ...]:
    """Name the groups that ask for too many, as far as it may be told: asking again and again must not find a count."""
    most = {name: max(number, SMALLEST_SHOWN - 1) for name, number in available.items()}
    return tuple(
        group.name for group in criteria.groups if (group.number or 0) > most.get(group.name, SMALLEST_SHOWN - 1)
    )
