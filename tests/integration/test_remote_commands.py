"""``voxpop --server``: the same commands, options, JSON and exit codes on a bank that is somewhere else."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.api import ADDRESS, Wired, token
from tests.bank import APPLIANCE, PROJECT, RUN, VOLUME, Bank, bank_with_results, document

from voxpop import client
from voxpop.cli import remote
from voxpop.cli.commands import app
from voxpop.cli.remote_table import TABLE
from voxpop.client import Bank as RemoteBank
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId, RunId, VolumeId

NOT_TOLD = ("path", "results", "settings")
"""Where things lie on a server, and its archives' settings, are not told."""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


class Commands:
    """Runs commands in this process, on a bank here or over its API."""

    def __init__(self, bank: Bank, tokens: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.bank = bank
        self._tokens = tokens
        self._capture = capture

    def there(self, name: str, *words: str) -> Said:
        file = self._tokens / f"{name}.token"
        file.write_text(token(self.bank, name))
        return self._run(["--server", ADDRESS, "--token-file", str(file), *words])

    def here(self, *words: str) -> Said:
        return self._run([*words, "--work", str(self.bank.system.work.root)])

    def _run(self, words: Sequence[str]) -> Said:
        self._capture.readouterr()
        try:
            code = app(list(words), standalone_mode=False) or 0
        except VoxpopError as refusal:
            return Said(1, refusal.sentence)
        finally:
            remote.choose(None)
        return Said(int(code), self._capture.readouterr().out)


@pytest.fixture
def commands(
    bank: Bank, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Commands:
    def opened(url: str, secret: str) -> RemoteBank:
        return RemoteBank(url, secret, transport=Wired(bank), sleep=lambda _: _work(bank))

    monkeypatch.setattr(client, "Bank", opened)
    monkeypatch.setattr(sys, "argv", ["voxpop"])
    return Commands(bank, tmp_path, capsys)


def _work(bank: Bank) -> None:
    """Do what was asked for, as the foreman would; only what needs no runtime."""
    for operation in iter(bank.system.operations.claim, None):
        name = operation.subject.partition(":")[2]
        sentence = ""
        try:
            if operation.work == "verify":
                bank.system.volumes.verify_volume(VolumeId(name), operation.actor)
            elif operation.work == "deploy":
                bank.system.durable_work.deploy(VolumeId(name))
            elif operation.work == "set-up":
                bank.system.durable_work.set_up(ApplianceId(name))
            elif operation.work == "report":
                bank.system.run_records.get(RunId(name))
            else:
                sentence = f"{operation.work} cannot be done here"
        except VoxpopError as refusal:
            sentence = refusal.sentence
        bank.system.operations.end(operation.id, sentence)


def test_every_command_is_mapped_or_says_why_not() -> None:
    known = list(remote.commands(app))
    assert len(known) > 70
    nowhere = [name for name in known if name not in TABLE and name not in remote.HERE and not remote.why_local(name)]
    assert nowhere == []
    assert [name for name in (*TABLE, *remote.HERE) if name not in known] == []
    assert [name for name in TABLE if remote.why_local(name)] == []


SAME = [
    ("dolores", "application list"),
    ("ada", f"application show {PROJECT}"),
    ("ada", "volume list"),
    ("ada", f"volume show {VOLUME}"),
    ("dolores", f"volume verify {VOLUME}"),
    ("ada", f"volume diff {VOLUME} {VOLUME}"),
    ("ada", "appliance list"),
    ("ada", f"appliance show {APPLIANCE}"),
    ("teo", f"appliance deploy {VOLUME}"),
    ("iker", f"appliance plan {PROJECT}"),
    ("ada", "site list"),
    ("ada", "site show local"),
    ("teo", f"site quota local {PROJECT} --workers 4"),
    ("ada", "run list"),
    ("ada", f"run show {RUN}"),
    ("ada", f"run logs {RUN}"),
    ("ada", "result list"),
    ("ada", f"result show {RUN}"),
    ("ada", f"result check {RUN} outputs/report.json"),
    ("ada", "result releases"),
    ("dolores", "archive list"),
    ("teo", "user list"),
    ("teo", "group list"),
]


@pytest.mark.parametrize(("name", "words"), SAME, ids=[words for _, words in SAME])
def test_a_command_says_the_same_there_as_here(commands: Commands, name: str, words: str) -> None:
    there = commands.there(name, *words.split(), "--json")
    here = commands.here(*words.split(), "--json")
    assert (there.code, here.code) == (0, 0), (there.out, here.out)
    assert _told(there.json) == _told(here.json)
    assert commands.there(name, *words.split()).code == 0


@pytest.mark.parametrize("words", ["recipe list", "pipeline list", "pipeline show bone-density/1.0.0"])
def test_what_is_installed_is_said_the_same(commands: Commands, words: str) -> None:
    there = commands.there("ada", *words.split(), "--json")
    assert there.json == commands._run([*words.split(), "--json"]).json


def test_the_audit_log_is_the_same(commands: Commands) -> None:
    subject = f"volume:{VOLUME}"
    there = commands.there("aurora", "audit", "list", "--subject", subject, "--json")
    assert there.json == commands.here("audit", "list", "--subject", subject, "--json").json
    assert commands.there("aurora", "audit", "verify", "--json").json["whole"] is True  # type: ignore[index]


def test_a_refusal_is_the_same_sentence_and_exit_code(commands: Commands) -> None:
    for words in ("run show nothing-r1", f"appliance remove {APPLIANCE} --reason x", f"volume remove {VOLUME}"):
        there = commands.there("olga", *words.split())
        assert there.code == 1, words
        assert there.out.count("\n") == 0
    gone = commands.here("run", "show", "nothing-r1")
    assert commands.there("ada", "run", "show", "nothing-r1") == gone


def test_an_application_goes_from_a_file_to_a_decision(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(document("from-afar"))
    assert commands.there("ada", "application", "check", str(file)).code == 0
    counted = commands.there("ada", "cohort", "count", str(file), "--json")
    assert counted.json == commands.here("cohort", "count", str(file), "--json").json
    handed_in = commands.there("ada", "application", "submit", str(file), "--json")
    assert handed_in.json == {"application": "from-afar", "state": "submitted"}
    assert "Trabecular" in commands.there("carmen", "application", "review", "from-afar").out
    refused = commands.there("carmen", "application", "approve", "from-afar")
    assert "give a reason" in refused.out
    approved = commands.there("carmen", "application", "approve", "from-afar", "--reason", "sound", "--json")
    assert approved.json == {"application": "from-afar", "state": "approved"}
    staged = commands.there("dolores", "stage", "from-afar")
    assert (staged.code, staged.out) == (1, "stage cannot be done here")
    assert commands.there("ada", "application", "close", "from-afar", "--reason", "over").code == 0
    assert commands.there("ada", "application", "archive", "from-afar").code == 0


def test_a_run_that_cannot_be_done_ends_with_its_sentence(commands: Commands) -> None:
    for words in (f"run start {PROJECT}", f"run repeat {RUN}", f"run resume {RUN}"):
        ended = commands.there("ada", *words.split())
        assert ended.code == 1, words
        assert "cannot be done here" in ended.out
    newest = commands.bank.system.run_records.of_application(PROJECT)[-1].id
    assert "cancelled" in commands.there("ada", "run", "cancel", newest, "--reason", "no").out


def test_grants_releases_and_reports_are_done_there(commands: Commands, tmp_path: Path) -> None:
    assert commands.there("dolores", "volume", "grant", VOLUME, "iker", "--json").json["person"] == "Iker Example"  # type: ignore[index]
    assert commands.there("dolores", "volume", "revoke", VOLUME, "Iker Example").code == 0
    asked = commands.there("ada", "result", "ask", RUN, "outputs/report.json", "--purpose", "paper", "--json").json
    name = asked["release"]  # type: ignore[index]
    assert "released" in commands.there("dolores", "result", "release", name, "--reason", "sound").out
    asked = commands.there("ada", "result", "ask", RUN, "outputs/group.json", "--purpose", "talk", "--json").json
    assert "withdrawn" in commands.there("ada", "result", "withdraw", asked["release"]).out  # type: ignore[index]
    asked = commands.here("result", "ask", RUN, "outputs/group.json", "--purpose", "talk", "--as", "Ada", "--json").json
    withdraw = ("result", "withdraw", asked["release"], "--as")  # type: ignore[index]
    assert "only whoever asked" in commands.here(*withdraw, "Bo").out
    assert commands.here(*withdraw, "Ada", "--json").json["state"] == "withdrawn"  # type: ignore[index]
    target = tmp_path / "out.zip"
    assert commands.there("ada", "result", "fetch", name, str(target)).code == 0
    assert target.read_bytes().startswith(b"PK")
    assert commands.there("ada", "result", "fetch", name, str(target)).code == 1
    assert commands.there("ada", "report", RUN).out.split() == ["report.pdf", "crate"]
    file = commands.bank.system.result_records.of_run(RUN)[0]
    traced = commands.there("ada", "trace", file.sha256, "--json")
    assert traced.code == 1  # the bank of tests has no staging report
    assert traced == commands.here("trace", file.sha256, "--json")


def test_people_and_tokens_are_kept_there(commands: Commands) -> None:
    made = commands.there("teo", "user", "add", "nora", "--person", "Nora N", "--role", "auditor", "--json").json
    assert made["password"]  # type: ignore[index]
    assert commands.there("teo", "user", "roles", "nora", "committee", "--json").json["roles"] == ["committee"]  # type: ignore[index]
    for word in ("disable", "enable", "password"):
        assert commands.there("teo", "user", word, "nora").code == 0
    assert commands.there("teo", "group", "keep", "lab", "nora", "--title", "Lab").out.strip() == "group 'lab': nora"
    made = commands.there("ada", "token", "make", "--scope", "read", "--until", "2000-01-01")
    assert made.code == 1
    token_ = commands.there("ada", "token", "list", "--json").json[0]["token"]  # type: ignore[index]
    assert commands.there("ada", "token", "revoke", token_).code == 0
    assert "leave --account out" in commands.there("ada", "token", "list", "--account", "teo").out


@pytest.mark.parametrize("where", ["here", "there"])
def test_webhooks_are_kept(commands: Commands, where: str) -> None:
    commands.bank.system.settings.web.webhook_private = True

    def run(*words: str) -> Said:
        if where == "there":
            return commands.there("ada", "webhook", *words)
        return commands.here("webhook", *words, "--account", "ada")

    url = "https://127.0.0.1/" if where == "there" else "https://93.184.215.14/"  # a command reads the settings anew
    made = run("add", url, "--action", "run.", "--json").json
    assert made["secret"]  # type: ignore[index]
    assert [one["webhook"] for one in run("list", "--json").json] == [made["webhook"]]  # type: ignore[index, attr-defined]
    assert run("remove", made["webhook"]).code == 0  # type: ignore[index]
    assert run("remove", made["webhook"]).code == 1  # type: ignore[index]
    assert run("list", "--json").json == []


def test_people_and_tokens_are_kept_here(commands: Commands, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("a good long password\n")
    added = commands.here("user", "add", "lena", "--person", "Lena L", "--password-file", str(secret), "--json")
    assert added.json["password"] is None  # type: ignore[index]
    made = commands.here("token", "make", "--account", "lena", "--scope", "read", "--json").json
    assert made["secret"].startswith("vxp_")  # type: ignore[index]
    assert commands.here("token", "revoke", made["token"], "--account", "lena").code == 0  # type: ignore[index]
    assert commands.here("token", "list").out == "say whose it is: --account USER"
    assert commands.here("user", "password", "lena", "--password-file", str(tmp_path / "none")).code == 1
    for word in ("disable", "enable", "roles"):
        assert commands.here("user", word, "lena").code == 0
    assert commands.here("group", "keep", "readers", "lena").code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("demo", "it makes a bank of its own; leave --server out"),
        ("worker", "leave --server out"),
        ("deid a b", "folders of this machine"),
        ("profile list", "leave --server out"),
        (f"appliance shell {APPLIANCE}", "in the portal"),
        (f"run cancel {RUN} --as Somebody", "leave --as out"),
        ("archive harvest a --clinical x.csv", "leave --clinical out"),
        ("archive add a --kind folder --set path=/etc", "is connected there"),
        ("user add x --person y --password-file z", "leave --password-file out"),
        ("trace no-such-file.pdf", "no-such-file.pdf"),
    ],
)
def test_what_cannot_be_done_from_afar_says_so(commands: Commands, words: str, sentence: str) -> None:
    said = commands.there("dolores", *words.split())
    assert said.code == 1
    assert sentence in said.out


def test_a_server_wants_a_token_and_never_as_an_argument(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(remote.TOKEN, raising=False)
    assert "wants a token" in commands._run(["--server", ADDRESS, "volume", "list"]).out
    monkeypatch.setenv(remote.TOKEN, token(commands.bank, "ada"))
    assert commands._run(["--server", ADDRESS, "volume", "list"]).code == 0
    unread = commands._run(["--server", ADDRESS, "--token-file", "/nonexistent", "volume", "list"])
    assert "token's file cannot be read" in unread.out
    assert "must begin with https" in commands._run(["--server", "http://10.1.2.3", "volume", "list"]).out


def _told(value: object) -> object:
    """Return an answer without what a server does not tell."""
    if isinstance(value, list):
        return [_told(one) for one in value]
    if isinstance(value, dict):
        return {key: None if key in NOT_TOLD else _told(one) for key, one in value.items() if key != "odd"}
    return value
