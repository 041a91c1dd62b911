"""The plan before anything starts: which site, at what cost, what would change; by command, API and page."""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from argon2 import PasswordHasher
from tests.api import caller
from tests.bank import APPLIANCE, PROJECT, VOLUME, Bank, bank_with_results, document
from typer.testing import CliRunner

from voxpop.access import credentials
from voxpop.appliance.errors import NoSiteServes, SiteRefuses, SiteSettingInvalid, SiteUnreachable
from voxpop.appliance.fakes import MemorySite
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terms import Quota
from voxpop.application.document import read_document
from voxpop.application.errors import ApplicationInvalid
from voxpop.cli.commands import app
from voxpop.flow.brokering import Fit
from voxpop.flow.rules import Work
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplianceId
from voxpop.store.sites import ConnectedSite
from voxpop.volume.errors import VolumeOver
from voxpop.wiring.errors import SettingsInvalid
from voxpop.wiring.settings import read_settings
from voxpop.wiring.sites import LOCAL, Sites
from voxpop.wiring.system import System
from voxpop.worker.foreman import Foreman
from voxpop.worker.runtime import Runtime

open_site = Sites._open


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, MemorySite]:
    """Let sites of the kind `memory` be connected, and return them by name once they were opened."""
    opened: dict[str, MemorySite] = {}

    def open_(sites: Sites, one: ConnectedSite) -> Any:
        if one.kind != "memory":
            return open_site(sites, one)
        return opened.setdefault(one.name, MemorySite(one.name))

    monkeypatch.setattr(Sites, "_open", open_)
    return opened


@pytest.fixture
def bank(tmp_path: Path, memory: Mapping[str, MemorySite], monkeypatch: pytest.MonkeyPatch) -> Bank:
    del memory
    # nobody signs in by a password here
    monkeypatch.setattr(credentials, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return bank_with_results(tmp_path)


def connect(bank: Bank, name: str, **terms: str) -> None:
    bank.system.sites.connect(name, "memory", {}, "Teo Example", terms)


def again(bank: Bank, **settings: str) -> System:
    """Return the same bank as another process opens it, with settings."""
    work = bank.system.work
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (work.root / "voxpop.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return System(work, read_settings(work.root, "tester"), SystemClock())


def said(bank: Bank, *words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--work", str(bank.system.work.root), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_cheapest_site_that_gives_all_comes_first_and_is_planned_on(bank: Bank) -> None:
    connect(bank, "dear", core_hour="0.5")
    connect(bank, "cheap", core_hour="0.01")
    connect(bank, "small", cores="4", core_hour="0.001")
    plan = said(bank, "appliance", "plan", PROJECT)
    assert [(one["site"], one["fit"]) for one in plan["sites"]] == [
        ("cheap", "whole"), ("dear", "whole"), (LOCAL, "less"), ("small", "refused"),
    ]  # fmt: skip
    assert (plan["site"], plan["appliance"]) == ("cheap", "bone-density-a2")
    assert plan["sites"][-1]["reason"] == "has 4 cores, and 16 are asked for"
    assert plan["document"].startswith("tosca_definitions_version")
    assert plan["volumes"][0] == f"data: volume {VOLUME}, read-only"
    assert plan["sites"][0]["cost_least"] < plan["sites"][0]["cost_most"] < plan["sites"][1]["cost_most"]


def test_what_stands_already_stays_where_it_is_and_a_new_one_takes_the_first_site(bank: Bank) -> None:
    connect(bank, "cheap", core_hour="0.01")
    assert bank.system.planning.place(VOLUME) == LOCAL
    bank.system.appliances.remove(APPLIANCE, "tester", "over")
    assert said(bank, "appliance", "deploy", VOLUME)["site"] == "cheap"


def test_looking_keeps_nothing(bank: Bank) -> None:
    connect(bank, "cheap", core_hour="0.01")
    teo = bank.client("teo")
    before = len(bank.system.ledger.links())
    sheet = bank.system.planning.look(PROJECT)
    assert sheet.chosen is not None
    assert sheet.chosen.site == "cheap"
    assert teo.get(f"/applications/{PROJECT}/plan").status_code == 200
    assert len(bank.system.ledger.links()) == before


def test_a_change_of_the_environment_is_told_against_what_stands(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = bank.system.planning.look(PROJECT)
    assert (sheet.compared_with, sheet.changes) == (APPLIANCE, ())
    wider = replace(sheet.environment, recipes=("octave",), days=120, workers=None)
    monkeypatch.setattr(bank.system.durable_work, "environment", lambda *_: wider)
    assert "days 90 -> 120" in bank.system.planning.look(PROJECT).changes
    page = bank.client("ada").get(f"/applications/{PROJECT}/plan").text
    assert "<li>recipe htcondor removed</li>" in page
    assert "one machine instead of a queue" in page


def test_data_do_not_leave_their_jurisdiction_and_nothing_is_left_of_the_attempt(bank: Bank) -> None:
    connect(bank, "far", jurisdiction="PT", core_hour="0.001")
    connect(bank, "nowhere", core_hour="0.001")
    connect(bank, "near", jurisdiction="ES", core_hour="0.01")
    system = again(bank, jurisdiction="ES")
    plan = {one.site: one for one in system.planning.look(PROJECT).bids}
    assert plan["near"].fit is Fit.WHOLE
    assert plan["far"].reason == "is in PT, and the data may not leave ES"
    assert plan["nowhere"].reason.startswith("is in a jurisdiction that nobody has said")
    with pytest.raises(SiteRefuses, match="site 'far' is in PT"):
        system.planning.plan(PROJECT, "tester", "far")
    with pytest.raises(SiteRefuses):
        system.durable_work.deploy(VOLUME, "far")
    assert [one.id for one in system.appliance_records.every()] == [APPLIANCE]


def test_a_site_is_held_to_its_terms_when_an_appliance_is_deployed_later(bank: Bank) -> None:
    connect(bank, "far")
    planned = bank.system.durable_work.plan(PROJECT, "tester", "far")
    connect(bank, "far", data="none")
    with pytest.raises(SiteRefuses, match="site 'far' takes no data"):
        bank.system.durable_work.set_up(planned.id)
    assert bank.system.appliance_records.get(planned.id).state is ApplianceState.PLANNED


def test_a_quota_is_set_kept_audited_and_lifted(bank: Bank) -> None:
    connect(bank, "cheap", core_hour="0.01")
    api = caller(bank, "teo")
    assert said(bank, "site", "quota", "cheap", PROJECT, "--workers", "0")["workers"] == 0
    with pytest.raises(SiteRefuses, match="gives this project 0 workers by its quota"):
        bank.system.planning.plan(PROJECT, "tester", "cheap")
    asked = {"application": PROJECT, "core_hours": 5, "workers": 64}
    assert api.post("/sites/cheap/quota", json=asked).json() == {"site": "cheap", **asked}
    assert bank.system.broker.limits(PROJECT, "cheap").core_hours_left == 5
    page = bank.client("teo").get("/sites/cheap").text
    assert "5 core hours, 64 workers" in page
    answer = bank.post(bank.client("teo"), "/sites/cheap/quota", application=PROJECT, core_hours="", workers="")
    assert answer.status == 303
    assert bank.system.market.quota("cheap", PROJECT) == Quota()
    actions = [link.event.action for link in bank.system.ledger.links("site:cheap")]
    assert actions == ["site.connected", "site.quota-set", "site.quota-set", "site.quota-lifted"]


def test_a_site_that_is_down_and_one_that_hangs_do_not_stop_the_ranking(
    bank: Bank, memory: Mapping[str, MemorySite], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("down", "hangs", "well"):
        connect(bank, name)
    memory["down"].fault = SiteUnreachable("down", "no route")
    released = threading.Event()
    monkeypatch.setattr(memory["hangs"], "foretell", lambda _: (released.wait(), ())[1])
    monkeypatch.setattr(bank.system.market._foretold, "_patience_s", 1.0)
    try:
        plan = {one.site: one for one in bank.system.planning.look(PROJECT).bids}
    finally:
        released.set()
    assert (plan["well"].fit, plan["down"].fit, plan["hangs"].fit) == (Fit.WHOLE, Fit.REFUSED, Fit.REFUSED)
    assert "does not answer (no route)" in plan["down"].reason
    assert plan["hangs"].reason == "it did not answer within 1 s"


def test_where_no_site_can_serve_the_plan_says_why_and_keeps_nothing(bank: Bank) -> None:
    bank.system.appliances.remove(APPLIANCE, "tester", "over")
    bank.system.market.set_quota(LOCAL, PROJECT, Quota(core_hours=0), "tester")
    plan = said(bank, "appliance", "plan", PROJECT)
    assert (plan["site"], plan["appliance"], plan["sites"][0]["fit"]) == (None, None, "refused")
    with pytest.raises(NoSiteServes, match="site 'local' has no core hours left"):
        bank.system.planning.place(VOLUME)
    assert "No site can serve it" in bank.client("teo").get(f"/applications/{PROJECT}/plan").text


def test_the_page_deploys_on_the_site_that_was_chosen(bank: Bank) -> None:
    connect(bank, "cheap", core_hour="0.01")
    answer = bank.post(bank.client("iker"), f"/applications/{PROJECT}/plan", site="cheap")
    assert (answer.status, answer.headers["location"]) == (303, "/appliances/bone-density-a2")
    asked = bank.system.operations.of_subjects(["appliance:bone-density-a2"])
    assert [one.work for one in asked] == [Work.SET_UP]
    refused = bank.post(bank.client("iker"), f"/applications/{PROJECT}/plan", site="moon")
    assert "no site 'moon'" in refused.text.lower().replace("&#39;", "'")


def test_the_api_ranks_without_keeping_and_plans(bank: Bank) -> None:
    connect(bank, "cheap", core_hour="0.01")
    api = caller(bank, "iker")
    looked = api.get(f"/applications/{PROJECT}/plan").json()
    assert (looked["appliance"], looked["site"]) == (None, "cheap")
    planned = api.post(f"/applications/{PROJECT}/appliances").json()
    assert (planned["appliance"], planned["site"]) == ("bone-density-a2", "cheap")
    assert {key: looked[key] for key in ("sites", "document")} == {key: planned[key] for key in ("sites", "document")}


def test_sites_are_listed_with_whether_they_answer_and_their_own_prices(bank: Bank) -> None:
    connect(bank, "cheap", core_hour="0.01", jurisdiction="PT", hours="20-06")
    rows = {one["site"]: one for one in said(bank, "site", "list")}
    assert (rows[LOCAL]["answers"], rows[LOCAL]["core_hour"]) == (True, 0.02)
    assert (rows["cheap"]["core_hour"], rows["cheap"]["gpu_hour"], rows["cheap"]["hours"]) == (0.01, 0.6, "20-06")
    assert "PT" in bank.client("teo").get("/sites").text
    assert caller(bank, "ada").get("/sites/cheap").json()["jurisdiction"] == "PT"
    assert said(bank, "site", "show", LOCAL)["appliances"] == [APPLIANCE]


def test_a_term_that_is_not_named_stays_and_an_empty_one_is_taken_back(bank: Bank) -> None:
    connect(bank, "far", jurisdiction="PT", cores="8")
    connect(bank, "far", cores="")
    assert bank.system.sites.connected()[1].terms == {"jurisdiction": "PT"}
    with pytest.raises(SiteSettingInvalid, match="'hours' must be"):
        connect(bank, "far", hours="noon")
    assert bank.system.sites.connected()[1].terms == {"jurisdiction": "PT"}


def test_an_application_says_where_its_data_may_go_and_the_approval_records_it(bank: Bank) -> None:
    text = document("abroad").replace("# may_leave: [PT] #", "may_leave: [PT] #")
    written = read_document(text, "application")
    assert written.request.may_leave == ("PT",)
    bank.system.projects.draft(written, bank.system.access.get("ada"))
    page = bank.client("ada").get("/applications/abroad/edit").text
    assert 'name="may_leave" type="text" value="PT"' in page
    bank.system.applications.submit(written.id, "Ada Example")
    bank.system.applications.take_up(written.id, "Carmen Example")
    bank.system.applications.approve(written.id, "Carmen Example", "sound")
    approved = bank.system.ledger.links("application:abroad")[-1].event
    assert (approved.action, approved.facts["may_leave"]) == ("application.approved", ["PT"])
    with pytest.raises(ApplicationInvalid, match="write a country's two letters"):
        read_document(text.replace("[PT]", "[Portugal]"), "application")


def test_the_end_of_an_appliance_is_shown_and_told_when_it_is_near(bank: Bank) -> None:
    shown = said(bank, "appliance", "show", APPLIANCE)
    assert (shown["ends_at"] is not None, shown["warning"]) == (True, "")
    later = again(bank)
    later.lifetimes._clock = Later(timedelta(days=85))
    ending = later.lifetimes.ending(later.appliance_records.get(APPLIANCE))
    assert ending is not None
    assert "results stay" in ending.warning
    bank.system.lifetimes._clock = Later(timedelta(days=85))
    assert "It is removed after" in bank.client("ada").get(f"/appliances/{APPLIANCE}").text
    assert "results stay" in caller(bank, "ada").get(f"/appliances/{APPLIANCE}").json()["warning"]


class Later:
    """A clock that is ahead."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> Any:
        """Return the present moment and some more."""
        return SystemClock().now() + self._by


def foreman(bank: Bank) -> Foreman:
    return Foreman(bank.system, cast("Runtime", object()))


def done(foreman: Foreman) -> Iterator[tuple[Work, str]]:
    """Do what the outbox and the calendar ask for, and yield what it was."""
    foreman._look_at_calendar()
    while (operation := foreman._next()) is not None:
        foreman._free.acquire()
        foreman._carry_out(operation)
        yield operation.work, operation.subject


def test_the_appliances_of_a_project_that_is_closed_are_removed_by_rule(bank: Bank) -> None:
    bank.system.applications.close(PROJECT, "Ada Example", "it is over")
    works = [work for work, _ in done(foreman(bank)) if work is Work.END]
    assert works
    assert bank.system.appliances.get(APPLIANCE).state is ApplianceState.REMOVED
    event = bank.system.ledger.links(f"appliance:{APPLIANCE}")[-1].event
    assert (event.actor, event.action, event.reason) == ("voxpop", "appliance.removed", "its project is closed")
    assert bank.system.volumes.get(VOLUME).path.is_dir()


ENDS = (Work.END, f"appliance:{APPLIANCE}")


def test_the_foreman_removes_what_the_calendar_says_is_over(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank.system.lifetimes, "look", lambda: [ApplianceId(APPLIANCE)])
    bank.system.lifetimes._clock = Later(timedelta(days=91))
    assert ENDS in list(done(foreman(bank)))
    assert bank.system.appliances.get(APPLIANCE).state is ApplianceState.REMOVED


def test_what_the_calendar_asks_for_is_looked_at_again(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank.system.lifetimes, "look", lambda: [ApplianceId(APPLIANCE)])
    assert ENDS in list(done(foreman(bank)))
    assert bank.system.appliances.get(APPLIANCE).state is ApplianceState.DEPLOYED


def test_nothing_is_deployed_over_a_volume_whose_last_day_has_passed(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = replace(bank.system.volumes.get(VOLUME), ends_on=date(2020, 1, 1))
    monkeypatch.setattr(bank.system.durable_work._volumes, "get", lambda _: ended)
    for deploys in (bank.system.durable_work.plan_on, lambda *_: bank.system.durable_work.set_up(APPLIANCE)):
        with pytest.raises(VolumeOver, match="was for use until 2020-01-01"):
            deploys(VOLUME, "Ada Example")


def test_a_jurisdiction_that_is_no_country_is_told(bank: Bank) -> None:
    with pytest.raises(SettingsInvalid, match="jurisdiction"):
        again(bank, jurisdiction="Spain")
