"""When an appliance has to go, and that a wrong clock removes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from voxpop.appliance.errors import SiteUnreachable
from voxpop.appliance.fakes import MemoryAppliances, MemorySite
from voxpop.appliance.model import Appliance, Environment, Workers
from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.service import ApplianceService
from voxpop.appliance.states import ApplianceState
from voxpop.application.states import ApplicationState
from voxpop.flow.history import CoreHours
from voxpop.flow.lifetimes import PATIENCE_S, Ended, Lifetimes, end
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import ApplianceId, ApplicationId, VolumeId
from voxpop.kernel.ledger import Event

BEGAN = datetime(2027, 1, 1, 12, tzinfo=UTC)
PROJECT = ApplicationId("words")
DAYS = 30
ENVIRONMENT = Environment("words", ("octave",), 4, 8, 0, 10, DAYS, "words/1.0.0")
RECIPES = {"octave": Recipe("octave", "1.0.0", "GNU Octave", "GPL-3.0-or-later", RecipeKind.TOOL)}


@dataclass(frozen=True)
class Line:
    at: str
    event: Event


@dataclass
class Bench:
    """A bank in memory with a clock of its own; ``at`` is the wall clock, ``steady`` what no setting changes."""

    at: datetime = BEGAN
    steady: float = 0.0
    written: datetime = BEGAN
    state: ApplicationState = ApplicationState.ACTIVE
    ends_on: date | None = None
    lines: list[Line] = field(default_factory=list)
    kept: MemoryAppliances = field(default_factory=MemoryAppliances)
    site: MemorySite = field(default_factory=lambda: MemorySite("local"))
    unread: bool = False

    def __post_init__(self) -> None:
        self.service = ApplianceService(self.kept, {"local": self.site}, self.kept, self, RECIPES)
        facts = Ended(self, lambda _: self.ends_on, self._state, self)
        self.lifetimes = Lifetimes(facts, self.service, self, lambda: self.steady)

    def now(self) -> datetime:
        return self.at

    def every(self) -> Sequence[Appliance]:
        return self.kept.of_application(PROJECT)

    def document(self, appliance: ApplianceId) -> str:
        return self.kept.document(appliance)

    def links(self, subject: str | None = None) -> Sequence[Line]:
        return [line for line in self.lines if line.event.subject == subject]

    def newest(self) -> datetime | None:
        return self.written

    def _state(self, application: ApplicationId) -> ApplicationState:
        if self.unread:
            raise Unavailable("the database is away")
        return self.state

    def deployed(self) -> ApplianceId:
        one = self.service.plan(PROJECT, ENVIRONMENT, VolumeId("words-v1"), "a" * 64, "local", "ada")
        self.service.deploy(one.id, Path("/volumes/v1"), Path("/results"), "ada")
        self.lines.append(Line(self.at.isoformat(), Event("appliance.deployed", f"appliance:{one.id}", "voxpop")))
        return one.id

    def passes(self, span: timedelta, *, works: bool = True) -> list[ApplianceId]:
        """Let time pass as it does, with a look every minute of the last two hours, and somebody at work in between."""
        looks = 120
        self.at += span - timedelta(minutes=looks)
        self.steady += span.total_seconds() - 60 * looks
        due: list[ApplianceId] = []
        for _ in range(looks):
            self.at += timedelta(minutes=1)
            self.steady += 60
            if works:
                self.written = self.at
            due = self.lifetimes.look()
        return due

    def stands(self, appliance: ApplianceId) -> bool:
        return self.kept.get(appliance).state is ApplianceState.DEPLOYED


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_appliance_stays_for_its_days_and_goes_then(bench: Bench) -> None:
    one = bench.deployed()
    assert bench.passes(timedelta(days=DAYS - 1)) == []
    assert bench.passes(timedelta(days=1, hours=3)) == [one]
    bench.lifetimes.end(one)
    assert not bench.stands(one)
    assert (bench.kept.events[-1].actor, bench.kept.events[-1].reason) == ("voxpop", "its 30 days are over")
    bench.lifetimes.end(one)
    assert bench.lifetimes.look() == []


def test_the_volumes_last_day_ends_it_too(bench: Bench) -> None:
    one = bench.deployed()
    bench.ends_on = date(2027, 1, 5)
    ending = bench.lifetimes.ending(bench.kept.get(one))
    assert ending is not None
    assert ending.at == datetime(2027, 1, 6, tzinfo=UTC)
    assert bench.passes(timedelta(days=4)) == []
    assert bench.passes(timedelta(days=1)) == [one]
    assert bench.lifetimes.over(bench.kept.get(one)) == "its volume's last day has passed"


def test_it_is_told_from_seven_days_before(bench: Bench) -> None:
    one = bench.kept.get(bench.deployed())
    bench.passes(timedelta(days=DAYS - 8))
    ending = bench.lifetimes.ending(one)
    assert ending is not None
    assert (ending.soon, ending.warning) == (False, "")
    bench.passes(timedelta(days=1))
    ending = bench.lifetimes.ending(one)
    assert ending is not None
    assert ending.warning == "it is removed after 2027-01-31 12:00 UTC, when its 30 days are over; results stay"


def test_deployed_again_it_is_granted_no_longer(bench: Bench) -> None:
    one = bench.deployed()
    first = bench.lifetimes.ending(bench.kept.get(one))
    bench.passes(timedelta(days=10))
    bench.lines.append(Line(bench.at.isoformat(), Event("appliance.deployed", f"appliance:{one}", "voxpop")))
    again = bench.lifetimes.ending(bench.kept.get(one))
    assert first is not None
    assert again is not None
    assert first.at == again.at


def test_nothing_goes_at_the_first_look_that_finds_it_over(bench: Bench) -> None:
    bench.deployed()
    bench.at = bench.written = BEGAN + timedelta(days=DAYS + 1)
    bench.steady = (bench.at - BEGAN).total_seconds()
    assert bench.lifetimes.look() == []
    bench.steady += PATIENCE_S - 1
    bench.at += timedelta(seconds=PATIENCE_S - 1)
    assert bench.lifetimes.look() == []


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=365 * 30)])
def test_a_clock_that_jumps_ahead_removes_nothing(bench: Bench, jump: timedelta) -> None:
    one = bench.deployed()
    assert bench.lifetimes.look() == []
    bench.at += jump
    for _ in range(200):
        bench.at += timedelta(minutes=1)
        bench.steady += 60
        assert bench.lifetimes.look() == []
    assert bench.stands(one)


def test_a_clock_that_was_wrong_before_the_start_removes_nothing_while_nobody_works(bench: Bench) -> None:
    bench.deployed()
    assert bench.passes(timedelta(days=365), works=False) == []


def test_a_clock_behind_what_is_written_down_removes_nothing(bench: Bench) -> None:
    bench.deployed()
    bench.written = BEGAN + timedelta(days=DAYS + 10)
    assert bench.passes(timedelta(days=DAYS + 2), works=False) == []
    bench.at = BEGAN - timedelta(days=10_000)
    assert bench.lifetimes.look() == []


def test_a_clock_that_jumps_while_it_waits_begins_anew(bench: Bench) -> None:
    one = bench.deployed()
    bench.at = bench.written = BEGAN + timedelta(days=DAYS + 1)
    bench.lifetimes.look()
    bench.steady += PATIENCE_S
    bench.at = bench.written = bench.at + timedelta(days=1)
    assert bench.lifetimes.look() == []
    assert bench.passes(timedelta(hours=3)) == [one]


def test_what_cannot_be_read_is_not_removed(bench: Bench) -> None:
    one = bench.deployed()
    bench.unread = True
    assert bench.passes(timedelta(days=DAYS + 2)) == []
    with pytest.raises(Unavailable):
        bench.lifetimes.end(one)
    assert bench.stands(one)


@pytest.mark.parametrize("state", [ApplicationState.CLOSED, ApplicationState.ARCHIVED, ApplicationState.REFUSED])
def test_the_appliances_of_a_project_that_is_over_go_at_once_whatever_the_clock_says(
    bench: Bench, state: ApplicationState
) -> None:
    one = bench.deployed()
    bench.state = state
    bench.at = BEGAN - timedelta(days=10_000)
    assert bench.lifetimes.look() == [one]
    end(bench.lifetimes, f"application:{PROJECT}")
    assert not bench.stands(one)
    assert bench.kept.events[-1].reason == f"its project is {state.value}"


def test_one_whose_site_is_away_stays_and_does_not_hold_up_the_others(bench: Bench) -> None:
    first = bench.deployed()
    other = replace(ENVIRONMENT, cores=8)
    second = bench.service.plan(PROJECT, other, VolumeId("words-v1"), "a" * 64, "local", "ada").id
    bench.state = ApplicationState.CLOSED
    bench.site.away = SiteUnreachable("local", "no answer")
    with pytest.raises(SiteUnreachable):
        end(bench.lifetimes, f"application:{PROJECT}")
    assert bench.stands(first)
    assert bench.kept.get(second).state is ApplianceState.REMOVED
    bench.site.away = None
    end(bench.lifetimes, f"appliance:{first}")
    assert not bench.stands(first)


def test_core_hours_are_counted_from_the_deployment_to_the_removal(bench: Bench) -> None:
    one = bench.deployed()
    bench.passes(timedelta(hours=10))
    assert CoreHours(bench, bench).of(bench.kept.get(one), ENVIRONMENT) == pytest.approx(40)
    bench.lines.append(Line(bench.at.isoformat(), Event("appliance.removed", f"appliance:{one}", "ada")))
    bench.passes(timedelta(hours=10))
    assert CoreHours(bench, bench).of(bench.kept.get(one), ENVIRONMENT) == pytest.approx(40)


def test_the_core_hours_of_workers_are_those_that_were_counted(bench: Bench) -> None:
    one = bench.kept.get(bench.deployed())
    queued = replace(ENVIRONMENT, workers=Workers(1, 4, 2, 4))
    bench.passes(timedelta(hours=10))
    assert CoreHours(bench, bench).of(one, queued) == pytest.approx(40)  # as if all had been there
    counting = CoreHours(bench, bench, lambda _: 7.5)
    assert counting.of(one, queued) == 15
    assert counting.of(one, ENVIRONMENT) == pytest.approx(40)
