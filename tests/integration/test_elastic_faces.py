"""An appliance's workers by command, by API and on its page: the same, over one use case."""

import re
from pathlib import Path

import pytest
from tests.api import caller, remote
from tests.bank import APPLIANCE, Bank, bank_with_results

from voxpop.appliance.elastic.fakes import MemoryCluster
from voxpop.appliance.elastic.ports import Sum
from voxpop.appliance.elastic.sizing import Cluster
from voxpop.appliance.errors import SizeInvalid, SizeRefused
from voxpop.appliance.model import Workers
from voxpop.cli.commands import app
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import ApplianceId
from voxpop.wiring.elastic import Clusters

PATH = f"/appliances/{APPLIANCE}"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def cluster(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> MemoryCluster:
    """Put a cluster in memory behind the appliance: two workers, one of them at work."""
    found = MemoryCluster()
    known = Cluster(APPLIANCE, Workers(0, 4, 2, 4), found, found, "htcondor")
    monkeypatch.setattr(Clusters, "find", lambda _, name: known if name == APPLIANCE else None)
    bank.system.scaling.write(APPLIANCE, Sum(7200.0, None, 2, 3, 1, 5, 3))
    found.add_machines(APPLIANCE, ["w1", "w2"])
    found.submit(1, 600)
    found.turn(20)
    return found


def test_the_api_tells_of_workers_jobs_hours_and_cost(bank: Bank, cluster: MemoryCluster) -> None:
    told = caller(bank, "ada").get(f"{PATH}").json()["workers"]
    assert {key: told[key] for key in ("queue", "least", "granted", "waiting", "running")} == {
        "queue": "htcondor", "least": 0, "granted": 4, "waiting": 0, "running": 1,
    }  # fmt: skip
    assert sorted((one["worker"], one["up"], one["state"]) for one in told["here"]) == [
        ("w1", True, "busy"),
        ("w2", True, "idle"),
    ]
    assert (told["worker_hours"], told["cost"], told["currency"]) == (2.0, 0.08, "EUR")
    assert told["events"][-1]["action"].startswith("appliance.")
    cluster.queue_away = cluster.site_away = True
    told = caller(bank, "ada").get(f"{PATH}").json()["workers"]
    assert (told["here"], told["waiting"], told["running"]) == (None, None, None)


def test_an_appliance_without_a_queue_has_no_workers(bank: Bank) -> None:
    assert caller(bank, "ada").get(f"{PATH}").json()["workers"] is None
    assert "Jobs that wait" not in bank.client("ada").get(PATH).text


def test_the_page_tells_the_same_and_a_size_is_chosen_there(bank: Bank, cluster: MemoryCluster) -> None:
    page = bank.client("iker")
    text = page.get(PATH).text
    assert re.search(r'<th scope="row">w1</th><td>yes</td><td><span class="state state-busy">busy', text)
    assert "0.08 EUR" in text
    bank.post(page, f"{PATH}/resize", least="1", most="3")
    assert bank.system.scaling.size(APPLIANCE) == (1, 3)
    link = bank.system.ledger.links(f"appliance:{APPLIANCE}")[-1]
    assert (link.event.action, link.event.facts) == ("appliance.resized", {"least": 1, "most": 3})
    assert "it was granted 4 workers" in bank.post(page, f"{PATH}/resize", least="1", most="9").text
    assert "0 or more" in bank.post(page, f"{PATH}/resize", least="x", most="2").text
    cluster.site_away = True
    assert "which workers are there is unknown" in page.get(PATH).text
    assert "Change how many" not in bank.client("aurora").get(PATH).text


def test_the_api_chooses_a_size_for_those_who_may(bank: Bank, cluster: MemoryCluster) -> None:
    resized = remote(bank, "teo").appliances.resize(APPLIANCE, 0, 2)
    assert (resized.least, resized.most) == (0, 2)
    cluster.submit(1, 600)
    cluster.turn(2)
    with pytest.raises(Refused, match="2 of its workers have jobs"):
        remote(bank, "teo").appliances.resize(APPLIANCE, 0, 1)
    assert caller(bank, "mia").post(f"{PATH}/resize", json={"least": 0, "most": 1}).status_code == 403


def test_a_command_chooses_a_size(bank: Bank, cluster: MemoryCluster, capsys: pytest.CaptureFixture[str]) -> None:
    work = ["--work", str(bank.system.work.root)]
    app(["appliance", "resize", APPLIANCE, "--min", "1", "--max", "2", *work], standalone_mode=False)
    assert "has 1 to 2 workers from now on" in capsys.readouterr().out
    app(["appliance", "show", APPLIANCE, *work], standalone_mode=False)
    assert "'worker_hours': 2.0" in capsys.readouterr().out
    for numbers, refusal in ((("2", "1"), SizeInvalid), (("0", "5"), SizeRefused)):
        with pytest.raises(refusal):
            app(
                ["appliance", "resize", APPLIANCE, "--min", numbers[0], "--max", numbers[1], *work],
                standalone_mode=False,
            )
    assert cluster.names()


def test_metrics_count_workers_and_name_nobody(bank: Bank, cluster: MemoryCluster) -> None:
    text = bank.client().get("/metrics").text
    found = dict(re.findall(r"^(voxpop_(?:workers|worker_seconds|jobs)\w*) (\S+)$", text, re.MULTILINE))
    assert found["voxpop_workers"] == "2.0"
    assert found["voxpop_worker_seconds_total"] == "7200.0"
    assert (found["voxpop_jobs_waiting"], found["voxpop_jobs_running"]) == ("3.0", "1.0")
    assert (found["voxpop_workers_added_total"], found["voxpop_workers_removed_total"]) == ("5.0", "3.0")
    assert APPLIANCE not in text
    assert cluster.names()


def test_what_workers_came_to_stays_with_the_size_that_was_chosen(bank: Bank, tmp_path: Path) -> None:
    del tmp_path
    scaling = bank.system.scaling
    scaling.write(APPLIANCE, Sum(5.0, None, 1, 0, 0, 1, 0))
    assert scaling.sum(APPLIANCE) == Sum(5.0, None, 1, 0, 0, 1, 0)
    assert scaling.sum(ApplianceId("nobody-a1")) == Sum()
    assert scaling.size(ApplianceId("nobody-a1")) is None
