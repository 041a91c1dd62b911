"""What the portal does to those who try to misuse it, and for those whom others try to lock out."""

import html
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.bank import APPLIANCE, PASSWORD, PROJECT, RUN, VOLUME, Bank, bank_with_results, document, empty_bank

from voxpop.access import credentials
from voxpop.access.credentials import Safe
from voxpop.access.entrance import Books, Entrance, Knock, Patience
from voxpop.access.errors import SecondFactorWanted, SignInRefused, TokenInvalid, TooManyTries
from voxpop.access.model import Role
from voxpop.access.service import AccessService
from voxpop.application.document import read_document
from voxpop.application.states import ApplicationState
from voxpop.flow.work import ProjectOver
from voxpop.kernel.ids import ApplicationId, RunId, VolumeId
from voxpop.staging.model import Fate, StudyOutcome
from voxpop.store.engine import open_engine
from voxpop.store.people import SqlPeople
from voxpop.store.sessions import SqlSessions, SqlTokens
from voxpop.web.app import create_app
from voxpop.web.shield import MOST_BYTES
from voxpop.wiring.errors import SettingsInvalid

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def wait(self, **much: int) -> None:
        self.time += timedelta(**much)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a password's hash cheap, for tests that try hundreds."""
    monkeypatch.setattr(credentials, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    credentials._decoy.cache_clear()
    yield
    credentials._decoy.cache_clear()


@pytest.fixture
def entrance(tmp_path: Path, watch: Watch) -> Entrance:
    system = empty_bank(tmp_path).system
    engine, ledger = system._engine, system.ledger
    books = Books(SqlPeople(engine, ledger), SqlSessions(engine), SqlTokens(engine, ledger))
    return Entrance(books, system._safe, ledger, watch, Patience(timedelta(minutes=30), timedelta(hours=12)))


HOME, STRANGER = Knock("192.0.2.1"), Knock("203.0.113.9")


def test_five_wrong_passwords_from_one_address_end_the_patience_with_it(entrance: Entrance, watch: Watch) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            entrance.sign_in("ada", "wrong", "", STRANGER)
    with pytest.raises(TooManyTries):
        entrance.sign_in("ada", PASSWORD, "", STRANGER)
    watch.wait(minutes=16)
    assert entrance.sign_in("ada", PASSWORD, "", STRANGER).name == "ada"


def test_a_stranger_who_guesses_does_not_lock_the_owner_out(entrance: Entrance) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            entrance.sign_in("ada", "wrong", "", STRANGER)
    assert entrance.sign_in("ada", PASSWORD, "", HOME).name == "ada"


@pytest.mark.usefixtures("quick_hashes")
def test_a_known_browser_goes_on_while_many_addresses_guess_together(entrance: Entrance) -> None:
    known = Knock("192.0.2.1", entrance.device_cookie("ada"))
    for number in range(100):
        with pytest.raises(SignInRefused):
            entrance.sign_in("ada", "wrong", "", Knock(f"203.0.113.{number}"))
    with pytest.raises(TooManyTries):
        entrance.sign_in("ada", PASSWORD, "", Knock("198.51.100.1"))
    assert entrance.sign_in("ada", PASSWORD, "", known).name == "ada"
    for _ in range(5):
        with pytest.raises(SignInRefused):
            entrance.sign_in("carmen", "wrong", "", known)
    with pytest.raises(TooManyTries):  # a cookie for one account helps with no other
        entrance.sign_in("carmen", PASSWORD, "", known)


def test_failed_sign_ins_are_forgotten_when_they_no_longer_count(tmp_path: Path, watch: Watch) -> None:
    sessions = SqlSessions(open_engine(f"sqlite:///{tmp_path / 'voxpop.db'}"))
    for number in range(10):
        sessions.failed(f"old-{number}", watch.now())
    watch.wait(minutes=30)
    sessions.failed("younger", watch.now())
    watch.wait(minutes=31)
    sessions.failed("new", watch.now())
    ever = datetime.min.replace(tzinfo=UTC)
    assert [sessions.failures(f"old-{number}", ever)[0] for number in range(10)] == [0] * 10
    assert [sessions.failures(key, ever)[0] for key in ("younger", "new")] == [1, 1]


@pytest.mark.usefixtures("quick_hashes")
def test_what_still_counts_is_not_forgotten_by_another_failure(entrance: Entrance, watch: Watch) -> None:
    for number in range(100):
        with pytest.raises(SignInRefused):
            entrance.sign_in("ada", "wrong", "", Knock(f"203.0.113.{number}"))
    watch.wait(minutes=59)
    with pytest.raises(SignInRefused):
        entrance.sign_in("carmen", "wrong", "", HOME)
    with pytest.raises(TooManyTries):
        entrance.sign_in("ada", PASSWORD, "", HOME)


def test_an_unknown_name_is_answered_as_a_wrong_password(entrance: Entrance) -> None:
    with pytest.raises(SignInRefused) as unknown:
        entrance.sign_in("nobody", PASSWORD, "", HOME)
    with pytest.raises(SignInRefused) as wrong:
        entrance.sign_in("ada", "wrong", "", HOME)
    assert unknown.value.sentence == wrong.value.sentence


def test_a_code_of_the_second_factor_counts_once(tmp_path: Path, entrance: Entrance, watch: Watch) -> None:
    from voxpop.access.service import AccessService

    secret = pyotp.random_base32()
    access = AccessService(entrance._people, entrance._safe, watch)
    access.set_second_factor("ada", secret, pyotp.TOTP(secret).at(watch.now()))
    with pytest.raises(SecondFactorWanted):
        entrance.sign_in("ada", PASSWORD, "", HOME)
    with pytest.raises(SignInRefused):  # the code that turned it on was used
        entrance.sign_in("ada", PASSWORD, pyotp.TOTP(secret).at(watch.now()), HOME)
    watch.wait(seconds=30)
    code = pyotp.TOTP(secret).at(watch.now())
    assert entrance.sign_in("ada", PASSWORD, code, HOME).name == "ada"
    with pytest.raises(SignInRefused):
        entrance.sign_in("ada", PASSWORD, code, HOME)


def test_a_code_counts_once_for_many_who_come_with_it_in_the_same_instant(entrance: Entrance, watch: Watch) -> None:
    secret = pyotp.random_base32()
    AccessService(entrance._people, entrance._safe, watch).set_second_factor(
        "ada", secret, pyotp.TOTP(secret).at(watch.now())
    )
    watch.wait(seconds=30)
    code = pyotp.TOTP(secret).at(watch.now())

    def sign_in(address: str) -> bool:
        try:
            return entrance.sign_in("ada", PASSWORD, code, Knock(address)).name == "ada"
        except SignInRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sign_in, ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"))) == 1


def test_an_account_that_is_changed_in_many_places_at_once_loses_none_of_it(tmp_path: Path) -> None:
    access = empty_bank(tmp_path).system.access
    roles = frozenset({Role.RESEARCHER, Role.AUDITOR})
    changes: list[Callable[[], None]] = [
        lambda: access.set_language("ada", "es"),
        lambda: access.enable("ada", "tester", enabled=False),
        lambda: access.set_roles("ada", roles, "tester"),
        lambda: access.reset_password("ada", "another battery staple", "tester"),
    ]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(change) for _ in range(5) for change in changes]:
            done.result()
    ada = access.get("ada")
    assert (ada.language, ada.enabled, ada.roles) == ("es", False, roles)


def test_a_sign_in_beside_a_reset_does_not_bring_the_old_password_back(tmp_path: Path) -> None:
    system = empty_bank(tmp_path).system
    people = system.entrance._people
    before = people.kept("ada")
    system.access.reset_password("ada", "another battery staple", "tester")
    assert people.use_step("ada", 7)  # of somebody who had read the account before
    assert not people.use_step("ada", 7)
    assert people.kept("ada").password not in ("", before.password)


def test_a_session_ends_without_use_and_in_any_case(entrance: Entrance, watch: Watch) -> None:
    account = entrance.sign_in("ada", PASSWORD, "", HOME)
    secret, _ = entrance.begin(account)
    for _ in range(3):
        watch.wait(minutes=20)
        assert entrance.session(secret) is not None
    watch.wait(minutes=31)
    assert entrance.session(secret) is None
    lasting, _ = entrance.begin(account)
    for _ in range(36):
        watch.wait(minutes=20)
        entrance.session(lasting)
    assert entrance.session(lasting) is None


def test_a_token_ends_on_its_day_and_when_it_is_revoked(entrance: Entrance, watch: Watch) -> None:
    account = entrance.sign_in("ada", PASSWORD, "", HOME)
    today = watch.now().date()
    secret, token = entrance.make_token(account, "laptop", frozenset({"read"}), today + timedelta(days=2))
    assert entrance.token(secret)[1] == account
    watch.wait(days=3)
    with pytest.raises(TokenInvalid):
        entrance.token(secret)
    secret, token = entrance.make_token(account, "laptop", frozenset({"read"}), today + timedelta(days=30))
    entrance.revoke_token(account, token.id)
    with pytest.raises(TokenInvalid):
        entrance.token(secret)


def test_no_secret_of_a_session_or_token_is_in_the_database(tmp_path: Path) -> None:
    system = empty_bank(tmp_path).system
    account = system.access.get("ada")
    cookie, _ = system.entrance.begin(account)
    token, _ = system.entrance.make_token(
        account, "laptop", frozenset({"read"}), datetime.now(UTC).date() + timedelta(days=2)
    )
    system._engine.dispose()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "work").glob("voxpop.db*"))
    assert cookie.encode() not in stored
    assert token.encode() not in stored
    assert PASSWORD.encode() not in stored


def test_signing_in_gives_a_new_session_and_a_cookie_that_scripts_cannot_read(bank: Bank) -> None:
    client = bank.client()
    client.cookies.set("voxpop", "chosen-by-someone-else")
    answer = client.post("/sign-in", data={"name": "ada", "password": PASSWORD, "next": "//evil.example"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("voxpop="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "chosen-by-someone-else" not in cookie


VIEW = f"/volumes/{VOLUME}/participants/sub-aaaa?beside=sub-bbbb&window=bone&slice=axial&mm=1.50%2C-2.00%2C0.00"


def test_a_link_to_a_view_leads_there_after_a_sign_in_however_it_goes(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    secret = pyotp.random_base32()
    bank.system.access.set_second_factor(
        "ada", secret, pyotp.TOTP(secret).at(datetime.now(UTC) - timedelta(seconds=30))
    )
    client = bank.client()
    page = client.get(client.get(VIEW).headers["location"]).text
    page = client.get(client.post("/language", data={"language": "es", "back": kept(page, "back")}).headers["location"])
    sent = {"name": "ada", "password": "wrong", "next": kept(page.text, "next")}
    page = client.post("/sign-in", data=sent)
    page = client.get(
        client.post("/language", data={"language": "en", "back": kept(page.text, "back")}).headers["location"]
    )
    sent = {"name": "ada", "password": PASSWORD, "next": kept(page.text, "next")}
    page = client.post("/sign-in", data=sent)
    assert "second factor: enter the six digits" in page.text
    sent |= {"next": kept(page.text, "next"), "code": pyotp.TOTP(secret).now()}
    answer = client.post("/sign-in", data=sent)
    assert answer.headers["location"] == VIEW
    assert client.get(VIEW).status_code == 200


def kept(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found.group(1))


def test_a_form_of_another_page_is_refused(bank: Bank) -> None:
    client = bank.client("ada")
    fields = {"csrf": client.headers["x-test-csrf"], "remark": "hello"}
    path = f"/applications/{PROJECT}/remarks"
    assert client.post(path, data={"remark": "hello"}).status_code == 403
    assert client.post(path, data={**fields, "csrf": "another"}).status_code == 403
    assert client.post(path, data=fields, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post(path, data=fields, headers={"origin": "null"}).status_code == 403
    assert client.post(path, data=fields, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post(path, data=fields, headers={"origin": "http://127.0.0.1"}).status_code == 303


def test_every_answer_carries_the_headers_that_protect_it(bank: Bank) -> None:
    client = bank.client("ada")
    for path in ("/", "/sign-in", "/no-such-page", f"/volumes/{VOLUME}", "/healthz", "/static/voxpop.css"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_no_page_has_inline_script_or_style(bank: Bank) -> None:
    client = bank.client("ada")
    for path in ("/", "/applications/new", f"/applications/{PROJECT}", f"/results/{RUN}/trace", "/account"):
        text = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", text), path


def test_free_text_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    system = bank.system
    written = read_document(document("evil-one", title=EVIL), "application")
    system.projects.draft(written, system.access.get("ada"))
    system.applications.remark(PROJECT, "Ada Example", EVIL)
    system.access.add(_account(), PASSWORD, "tester")
    cells = system.work.results / RUN / "outputs" / "report.json"
    cells.write_text(cells.read_text().replace("All is well.", EVIL.replace('"', '\\"')))
    for person, path in (
        ("ada", "/"), ("ada", "/applications"), ("ada", "/applications/evil-one"),
        ("ada", "/applications/evil-one/edit"),
        ("ada", f"/applications/{PROJECT}"), ("ada", f"/results/{RUN}"), ("teo", "/people"), ("aurora", "/audit"),
        ("ada", f"/catalogue?q={EVIL}"), ("aurora", f"/audit?actor={EVIL}"),
    ):  # fmt: skip
        text = bank.client(person).get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


def _account() -> object:
    from voxpop.access.model import Account

    return Account("evil", EVIL[:120])


def test_a_body_without_end_is_cut_off(bank: Bank) -> None:
    client = bank.client("ada")
    fields = {"csrf": client.headers["x-test-csrf"], "remark": "x" * (MOST_BYTES + 1)}
    answer = client.post(f"/applications/{PROJECT}/remarks", data=fields)
    assert answer.status_code == 413


def test_another_host_name_is_not_served(bank: Bank) -> None:
    assert bank.client().get("/sign-in", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["../../voxpop.db", "..%2f..%2fvoxpop.db", "%2e%2e/%2e%2e/work.json", "/etc/passwd", "sub-aaaa/../../../work.json"],
)
def test_no_path_leads_out_of_a_volume_or_of_results(bank: Bank, path: str) -> None:
    client = bank.client("ada")
    for start in (f"/volumes/{VOLUME}/files/", f"/results/{RUN}/files/"):
        assert client.get(start + path).status_code == 404


def test_an_image_is_for_whom_it_was_granted_to_and_comes_in_ranges(bank: Bank) -> None:
    path = f"/volumes/{VOLUME}/files/sub-aaaa/ses-x/ct/sub-aaaa_ses-x_ct.nii.gz"
    client = bank.client("ada")
    whole = client.get(path)
    assert whole.status_code == 200
    part = client.get(path, headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, whole.content[:10])
    assert client.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    assert "no-cache" in whole.headers["cache-control"]
    assert bank.client("carmen").get(path).status_code == 404
    assert "sub-aaaa" in bank.client("mia").get(f"/volumes/{VOLUME}").text
    bank.system.volumes.revoke(VOLUME, "Mia Example", "tester")
    assert bank.client("mia").get(path).status_code == 409
    without = bank.client("mia").get(f"/volumes/{VOLUME}")
    assert without.status_code == 200
    assert "sub-aaaa" not in without.text


def test_a_websocket_from_another_page_is_not_accepted(bank: Bank) -> None:
    path = f"/appliances/{APPLIANCE}/terminal/socket"
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        with pytest.raises(WebSocketDisconnect), bank.client("ada").websocket_connect(path, headers=headers):
            pass
    for person in ("", "carmen", "olga", "dolores"):
        with (
            pytest.raises(WebSocketDisconnect),
            bank.client(person).websocket_connect(path, headers={"origin": "http://127.0.0.1"}),
        ):
            pass


@pytest.mark.needs("bubblewrap")
def test_a_terminal_types_and_answers_and_ends_with_the_session(bank: Bank) -> None:
    client = bank.client("ada")
    path = f"ws://127.0.0.1/appliances/{APPLIANCE}/terminal/socket"
    with client.websocket_connect(path, headers={"origin": "http://127.0.0.1"}) as socket:
        socket.send_text('{"resize": [30, 100]}')
        socket.send_bytes(b"echo $((6 * 7)) $(id -u) $(stty size)\n")
        seen = b""
        while b"42 1000 30 100" not in seen:
            seen += socket.receive_bytes()
        bank.system.entrance.sign_out_everywhere("ada")
        said = ""
        while "signed out" not in said:
            message = socket.receive()
            said = message.get("text") or ""
    actions = [link.event.action for link in bank.system.ledger.links(f"appliance:{APPLIANCE}")]
    assert actions[-2:] == ["terminal.opened", "terminal.closed"]


def test_the_log_names_routes_and_nobody(bank: Bank) -> None:
    bank.client("ada").get(f"/volumes/{VOLUME}/participants/sub-aaaa?beside=sub-bbbb")
    log = (bank.system.work.logs / "voxpop.log").read_text()
    assert "/volumes/{volume}/participants/{participant}" in log
    assert "sub-aaaa" not in log
    assert "Ada" not in log


def test_looking_at_images_is_in_the_audit_log(bank: Bank) -> None:
    bank.client("ada").get(f"/volumes/{VOLUME}/participants/sub-bbbb")
    viewed = [
        link.event for link in bank.system.ledger.links(f"volume:{VOLUME}") if link.event.action == "volume.viewed"
    ]
    assert viewed[-1].actor == "Ada Example"
    assert viewed[-1].facts == {"participants": ["sub-bbbb"]}


def test_an_applicant_named_by_e_mail_or_by_account_decides_nothing_of_their_own(tmp_path: Path) -> None:
    from voxpop.access.model import Role

    bank = empty_bank(tmp_path)
    bank.system.access.set_roles("olga", [Role.COMMITTEE], "tester")
    text = document("a-trial").replace("name: Ada Ferrer", "name: O. E.").replace("ada.ferrer@", "olga@")
    written = read_document(text, "application")
    bank.system.projects.draft(written, bank.system.access.get("ada"))
    bank.system.applications.submit(ApplicationId("a-trial"), "Ada Example")
    olga = bank.client("olga")
    bank.post(olga, "/applications/a-trial/review")
    answer = bank.post(olga, "/applications/a-trial/decide", decision="approve", reason="mine")
    assert answer.status == 409
    assert "cannot decide about it" in answer.text


def test_pages_speak_spanish_to_those_who_ask(bank: Bank) -> None:
    client = bank.client("ada")
    answer = client.get("/", headers={"accept-language": "es-ES,es;q=0.9"})
    assert '<html lang="es">' in answer.text
    assert "Aplicaciones" in answer.text or "Solicitudes" in answer.text


def test_health_tells_nothing_but_health(bank: Bank) -> None:
    client: TestClient = bank.client()
    assert client.get("/healthz").text == "ok\n"
    ready = client.get("/readyz")
    assert ready.json() == {"database": True, "work_folder": True, "worker": False}
    assert ready.status_code == 503
    assert "voxpop_requests_total" in client.get("/metrics").text


def test_a_list_that_goes_on_after_anothers_run_answers_as_after_one_that_is_not_there(bank: Bank) -> None:
    unknown = RUN.replace("r1", "r9")
    for name, status in (("olga", 404), ("ada", 200), ("aurora", 200)):
        client = bank.client(name)
        here, nowhere = (client.get("/runs", params={"before": run}) for run in (RUN, unknown))
        assert (here.status_code, nowhere.status_code) == (status, 404), name
        if status == nowhere.status_code:
            assert here.text.replace(RUN, unknown) == nowhere.text


def test_who_sends_too_many_requests_is_told_to_wait_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "voxpop.toml").write_text("[web]\nrequests_per_minute = 10\n")
    (tmp_path / "work" / "work.json").write_text('{"format": 1, "voxpop": "0.1.0"}')
    bank = empty_bank(tmp_path)
    eager, calm = bank.client("ada"), bank.client("carmen")
    assert [eager.get("/catalogue").status_code for _ in range(10)] == [200] * 10
    late = eager.get("/catalogue")
    assert (late.status_code, late.headers["retry-after"]) == (429, "60")
    assert calm.get("/catalogue").status_code == 200


def test_a_password_that_somebody_else_set_ends_sessions_and_tokens(tmp_path: Path) -> None:
    bank = empty_bank(tmp_path)
    olga = bank.client("olga")
    day = datetime.now(UTC).date() + timedelta(days=9)
    secret, _ = bank.system.entrance.make_token(bank.system.access.get("olga"), "old", frozenset({"read"}), day)
    assert bank.post(bank.client("teo"), "/people/olga/password").status == 200
    assert olga.get("/").headers["location"].startswith("/sign-in")
    with pytest.raises(TokenInvalid):
        bank.system.entrance.token(secret)


def test_a_project_that_has_ended_runs_shows_and_opens_nothing_any_more(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    ada = bank.client("ada")
    path = f"/volumes/{VOLUME}/participants/sub-aaaa"
    assert ada.get(path).status_code == 200
    assert bank.post(ada, f"/applications/{PROJECT}/close", reason="done").status == 303
    for asked in (f"/applications/{PROJECT}/run", f"/runs/{RUN}/resume", f"/runs/{RUN}/repeat"):
        assert bank.post(ada, asked).status == 409
    for work in (bank.system.durable_work.begin_repeat, lambda run: bank.system.durable_work.execute(run, print)):
        with pytest.raises(ProjectOver):
            work(RunId(RUN))
    with pytest.raises(ProjectOver):
        bank.system.durable_work.deploy(VolumeId(VOLUME))
    assert ada.get(path).status_code == 409
    assert ada.get(f"/results/{RUN}").status_code == 200


def test_a_form_that_closes_sent_twice_closes_once(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    ada = bank.client("ada")
    page = ada.get(f"/applications/{PROJECT}").text
    assert '<input type="hidden" name="to" value="closed">' in page
    for _ in range(2):
        assert bank.post(ada, f"/applications/{PROJECT}/close", to="closed", reason="done").status == 303
    assert bank.system.applications.state(ApplicationId(PROJECT)) is ApplicationState.CLOSED
    assert bank.post(ada, f"/applications/{PROJECT}/close", to="archived", reason="put away").status == 303
    assert bank.system.applications.state(ApplicationId(PROJECT)) is ApplicationState.ARCHIVED


def test_two_first_starts_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        closed = list(pool.map(lambda number: Safe(tmp_path).close(str(number)), range(8)))
    assert [Safe(tmp_path).open(one) for one in closed] == [str(number) for number in range(8)]
    assert (tmp_path / "web.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [None, "a page of something else"])
def test_a_folder_that_holds_no_ohif_is_told_at_the_start(bank: Bank, tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "index.html").write_text(content)
    settings = bank.system.settings.web
    settings.ohif = tmp_path
    try:
        with pytest.raises(SettingsInvalid, match=r"web\.ohif"):
            create_app(bank.system)
    finally:
        settings.ohif = None


def test_a_run_that_nobody_carries_out_can_be_taken_up_and_one_in_hand_cannot(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    run = bank.system.durable_work.start_run(ApplicationId(PROJECT), None, "Ada Lovelace")
    ada = bank.client("ada")
    button = f'action="/runs/{run.id}/resume"'
    assert button in ada.get(f"/runs/{run.id}").text  # whoever made it was ended before it asked for the work
    assert bank.post(ada, f"/runs/{run.id}/resume").status == 303
    assert button not in ada.get(f"/runs/{run.id}").text


def test_an_error_is_told_where_the_database_cannot_say_who_asks(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = bank.client("ada")

    def away(*_: object) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(bank.system.entrance, "session", away)
    answer = ada.get("/runs")
    assert answer.status_code == 500
    assert "nothing was lost" in answer.text


def test_the_last_applicant_stays(bank: Bank) -> None:
    ada = bank.client("ada")
    answer = bank.post(ada, f"/applications/{PROJECT}/members", who="ada", role="applicant", leave="yes")
    assert answer.status == 409
    assert ada.get(f"/applications/{PROJECT}").status_code == 200


def test_a_request_for_release_is_withdrawn_on_its_page_by_whoever_asked(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    asked = bank.system.releases.ask(RunId(RUN), ["outputs/group.json"], "Ada Example", "a talk")
    path, form = f"/releases/{asked.id}", f'action="/releases/{asked.id}/withdraw"'
    ada, mia, dolores = (bank.client(name) for name in ("ada", "mia", "dolores"))
    assert [form in client.get(path).text for client in (ada, mia, dolores)] == [True, False, False]
    assert bank.post(mia, f"{path}/withdraw").status == 409
    assert bank.post(dolores, f"{path}/withdraw").status == 403
    assert bank.post(ada, f"{path}/withdraw", reason="a wrong figure").status == 303
    page = ada.get(path).text
    assert form not in page
    assert 'class="state state-withdrawn"' in page
    assert "Decide about a release" not in dolores.get("/").text


def test_small_counts_of_refused_studies_are_for_the_data_manager_alone(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    fates = [(Fate.STAGED, "")] * 14 + [(Fate.REFUSED, "burned in")] * 13 + [(Fate.REFUSED, "cut")] * 12
    for number, (fate, reason) in enumerate([*fates, (Fate.REFUSED, "no key"), (Fate.REFUSED, "no key")]):
        bank.system.staging_records.study_finished(VOLUME, StudyOutcome(number, fate, reason))
    exact, told = (bank.client(name).get(f"/volumes/{VOLUME}").text for name in ("dolores", "ada"))
    assert [row[1:] for row in counts(exact)] == [
        ("burned in", "13"), ("cut", "12"), ("no key", "2"), ("\u2013", "14"),
    ]  # fmt: skip
    assert [row[1:] for row in counts(told)] == [("\u2013", "14"), ("burned in", "13"), ("other reasons", "\u2013")]
    assert "Studies with a reason" in exact
    assert "Studies with a reason" not in told
    assert "no key" not in told
    assert "A dash hides a count below 10" in told
    assert counts(bank.client("aurora").get(f"/volumes/{VOLUME}").text) == counts(told)
    pages = [bank.client(name).get(f"/applications/{PROJECT}").text for name in ("dolores", "ada")]
    assert ["studies selected" in page for page in pages] == [True, False]


def counts(page: str) -> list[tuple[str, ...]]:
    """Return the rows of the table of studies."""
    table = page[page.index("What became of the studies") :].partition("</table>")[0]
    return re.findall(r'<tr><td>(.*?)</td><td>(.*?)</td><td class="number">(.*?)</td></tr>', table)


def test_a_request_without_a_file_asks_for_nothing(bank: Bank) -> None:
    before = len(bank.system.releases.every())
    assert bank.post(bank.client("ada"), f"/results/{RUN}/releases", purpose="a talk").status == 422
    assert len(bank.system.releases.every()) == before
