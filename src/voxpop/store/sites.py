"""Connected sites and quotas over SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from voxpop.appliance.terms import NO_QUOTA, Quota
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event
from voxpop.store.engine import reading
from voxpop.store.ledger import SqlLedger
from voxpop.store.schema import QuotaRow, SiteRow


@dataclass(frozen=True, slots=True)
class ConnectedSite:
    """A site as it was connected.

    Parameters
    ----------
    settings : mapping
        Of its kind; names files that hold secrets, never a secret.
    terms : mapping
        What it is offered under, as ``appliance.terms.read_terms`` reads it.
    """

    name: str
    kind: str
    settings: Mapping[str, str]
    terms: Mapping[str, str] = field(default_factory=dict)


class SqlSites:
    """Connected sites; the machine itself needs no connection and is none of them."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def connect(self, site: ConnectedSite, actor: str) -> None:
        """Keep a site's connection, or replace it; the same again is silent."""
        if site in self.every():
            return

        def change(session: Session) -> None:
            row = SiteRow(name=site.name, kind=site.kind, settings=dict(site.settings), terms=dict(site.terms))
            session.merge(row)

        facts: dict[str, Json] = {"kind": site.kind, "terms": dict(site.terms)}
        self._ledger.change(Event("site.connected", f"site:{site.name}", actor, facts=facts), change)

    def forget(self, name: str, actor: str) -> None:
        """Forget a site's connection and the quotas on it; twice is silent."""
        if not any(one.name == name for one in self.every()):
            return

        def change(session: Session) -> None:
            session.execute(delete(QuotaRow).where(QuotaRow.site == name))
            session.execute(delete(SiteRow).where(SiteRow.name == name))

        self._ledger.change(Event("site.removed", f"site:{name}", actor), change)

    def every(self) -> Sequence[ConnectedSite]:
        """Return all connected sites, by name."""
        with reading(self._engine) as session:
            rows = session.scalars(select(SiteRow).order_by(SiteRow.name))
            return [ConnectedSite(row.name, row.kind, row.settings, row.terms) for row in rows]


class SqlQuotas:
    """How much of each site each project may use."""

    def __init__(self, engine: Engine, ledger: SqlLedger) -> None:
        self._engine = engine
        self._ledger = ledger

    def get(self, site: str, application: ApplicationId) -> Quota:
        """Return a project's quota at a site; one without limits where none was set."""
        with reading(self._engine) as session:
            row = session.get(QuotaRow, (site, application))
            return NO_QUOTA if row is None else Quota(row.core_hours, row.workers)

    def put(self, site: str, application: ApplicationId, quota: Quota, actor: str) -> None:
        """Set a project's quota at a site, or lift it by one without limits; the same again is silent."""
        if quota == self.get(site, application):
            return

        def change(session: Session) -> None:
            if quota == NO_QUOTA:
                session.execute(delete(QuotaRow).where(QuotaRow.site == site, QuotaRow.application == application))
                return
            row = QuotaRow(site=site, application=application, core_hours=quota.core_hours, workers=quota.workers)
            session.merge(row)

        facts = {"application": application, "core_hours": quota.core_hours, "workers": quota.workers}
        action = "site.quota-lifted" if quota == NO_QUOTA else "site.quota-set"
        self._ledger.change(Event(action, f"site:{site}", actor, facts=facts), change)

    def of_site(self, site: str) -> Sequence[tuple[ApplicationId, Quota]]:
        """Return the quotas at a site, by project."""
        query = select(QuotaRow).where(QuotaRow.site == site).order_by(QuotaRow.application)
        with reading(self._engine) as session:
            return [
                (ApplicationId(row.application), Quota(row.core_hours, row.workers)) for row in session.scalars(query)
            ]
