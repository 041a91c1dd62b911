"""What is kept of one work folder, opened: the database's records, the audit log, and who does the work."""

import logging
import logging.handlers
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from voxpop.access.credentials import Safe
from voxpop.kernel.clock import Clock
from voxpop.store.answers import SqlAnswers
from voxpop.store.appliances import SqlAppliances
from voxpop.store.archives import SqlArchives
from voxpop.store.chain import SignedHead
from voxpop.store.cohorts import SqlCohorts
from voxpop.store.engine import database_url, open_engine
from voxpop.store.ledger import SqlLedger
from voxpop.store.operations import SqlOperations
from voxpop.store.people import SqlPeople
from voxpop.store.releases import SqlReleases
from voxpop.store.results import SqlResults
from voxpop.store.runs import SqlRuns
from voxpop.store.scaling import SqlScaling
from voxpop.store.staging import SqlStagingRecords
from voxpop.store.webhooks import SqlWebhooks
from voxpop.store.workers import SqlWorkers
from voxpop.wiring.errors import SettingsInvalid
from voxpop.wiring.settings import Settings
from voxpop.wiring.work import WorkFolder

STAYING = ("serve", "worker --stay")
"""The commands that take the work that is asked for, until they are stopped."""


class Kept:
    """What is kept of one work folder; parts are opened when they are first used.

    Parameters
    ----------
    work : WorkFolder
    settings : Settings
    clock : Clock
    """

    def __init__(self, work: WorkFolder, settings: Settings, clock: Clock) -> None:
        self.work = work
        self.settings = settings
        self._clock = clock
        _log_to(work.logs / "voxpop.log")

    @property
    def person(self) -> str:
        """Who acts."""
        return self.settings.person

    @property
    def jobs_url(self) -> str:
        """The database of durable work: the same server's, in a schema of its own, where that is PostgreSQL."""
        if self.workers.several:
            return database_url(self.database_url).render_as_string(hide_password=False)
        return self.work.jobs_url

    @cached_property
    def workers(self) -> SqlWorkers:
        """Who does durable work."""
        return SqlWorkers(self._engine)

    def attended(self) -> bool:
        """Say whether somebody stays to take the work that is asked for."""
        return bool(self.workers.staying()) if self.workers.several else self.work.holder() in STAYING

    @cached_property
    def ledger(self) -> SqlLedger:
        """The audit log, the moves and the outbox."""
        ledger = SqlLedger(self._engine, SignedHead(self.work.protected), self._clock)
        ledger.open()
        return ledger

    @cached_property
    def archive_records(self) -> SqlArchives:
        """How archives were connected."""
        return SqlArchives(self._engine, self.ledger, self._clock)

    @cached_property
    def operations(self) -> SqlOperations:
        """The pieces of durable work that were asked for."""
        return SqlOperations(self._engine, self._clock)

    @cached_property
    def answers(self) -> SqlAnswers:
        """What calls of the API were answered, by idempotency key."""
        return SqlAnswers(self._engine, self._safe, self._clock)

    @cached_property
    def webhooks(self) -> SqlWebhooks:
        """Where accounts want to be told of events."""
        return SqlWebhooks(self._engine, self.ledger, self._safe, self._clock)

    @cached_property
    def cohort_records(self) -> SqlCohorts:
        """Frozen cohorts."""
        return SqlCohorts(self._engine, self.ledger, self.work.protected / "cohorts")

    @cached_property
    def staging_records(self) -> SqlStagingRecords:
        """What became of each series and study."""
        return SqlStagingRecords(self._engine)

    @cached_property
    def appliance_records(self) -> SqlAppliances:
        """Appliances and their documents."""
        return SqlAppliances(self._engine, self.ledger)

    @cached_property
    def scaling(self) -> SqlScaling:
        """How many workers appliances may have, and what their workers came to."""
        return SqlScaling(self._engine, self.ledger)

    @cached_property
    def run_records(self) -> SqlRuns:
        """Runs and the files that they left."""
        return SqlRuns(self._engine, self.ledger, self.work.results)

    @cached_property
    def result_records(self) -> SqlResults:
        """Which files runs left."""
        return SqlResults(self._engine)

    @cached_property
    def release_records(self) -> SqlReleases:
        """What was asked to leave, and the decisions on it."""
        return SqlReleases(self._engine, self.ledger)

    def database_answers(self) -> bool:
        """Say whether the database answers."""
        try:
            with self._engine.connect() as connection:
                return connection.execute(text("SELECT 1")).scalar() == 1
        except SQLAlchemyError:
            return False

    @cached_property
    def _people(self) -> SqlPeople:
        return SqlPeople(self._engine, self.ledger)

    @cached_property
    def _safe(self) -> Safe:
        return Safe(self.work.protected)

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self.database_url)

    @property
    def database_url(self) -> str:
        """The database's URL, which may hold a password."""
        return read_database_url(self.work, self.settings)


def read_database_url(work: WorkFolder, settings: Settings) -> str:
    """Return the URL of a work folder's database, which may hold a password.

    Raises
    ------
    SettingsInvalid
        If the file that the settings name cannot be read.
    """
    file = settings.database_url_file
    if file is None:
        return work.database_url
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise SettingsInvalid("database_url_file", "the file it names cannot be read") from unreadable


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that says nothing where it can't be written: a full disk is told by whoever meets it, in one sentence."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's own name
        """Drop the line."""
        del record


def _log_to(file: Path) -> None:
    """Send our own log lines, which never quote a value, to one rotating file."""
    log = logging.getLogger("voxpop")
    if any(getattr(handler, "baseFilename", None) == str(file) for handler in log.handlers):
        return
    handler = _LogFile(file, maxBytes=2**20, backupCount=3, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
