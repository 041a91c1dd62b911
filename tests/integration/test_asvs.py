"""Misuse of the pages and the API, by OWASP ASVS 4.0.3; `docs/explanation/security.md` says which item each is for."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from tests.bank import APPLIANCE, PASSWORD, PROJECT, RUN, VOLUME, Bank, bank_with_results, document, image

from voxpop.access import credentials
from voxpop.access.entrance import Books, Entrance, Knock
from voxpop.access.errors import AccountInvalid, PasswordWeak, SignInRefused, TooManyTries
from voxpop.access.model import Account, Role
from voxpop.application.document import read_document
from voxpop.backends import process
from voxpop.backends.converter.dcm2niix import messages
from voxpop.flow.rules import Work
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event
from voxpop.result.egress import disclosure, opening, pdf
from voxpop.result.egress.patterns import SECRETS, names_of_persons, uids
from voxpop.result.model import ResultFile
from voxpop.staging.model import Fate, StudyOutcome
from voxpop.store.people import SqlPeople
from voxpop.store.schema import ApplianceRow
from voxpop.store.sessions import SqlSessions, SqlTokens

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
REMARKS = f"/applications/{PROJECT}/remarks"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank whose files and rows tests may spoil."""
    return bank_with_results(tmp_path_factory.mktemp("spoilt"))


def browser(bank: Bank, name: str = "") -> TestClient:
    """Return a browser to which a fault of ours is an answer, as it is to a real one."""
    known = bank.client(name)
    made = TestClient(bank.app, "http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False)
    made.cookies, made.headers = known.cookies, known.headers
    return made


def program(bank: Bank, name: str = "", *scopes: str) -> TestClient:
    """Return a caller of the API; one with a token where a name is given."""
    made = TestClient(bank.app, "http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False)
    if name:
        account, soon = bank.system.access.get(name), datetime.now(UTC).date() + timedelta(days=2)
        token, _ = bank.system.entrance.make_token(account, "test", frozenset(scopes), soon)
        made.headers["authorization"] = f"Bearer {token}"
    return made


def csrf(client: TestClient) -> str:
    return str(client.headers["x-test-csrf"])


# -- V2, V3: who comes in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ["x" * 3 + "yz" * 30 + "w ñ", "  four words and 😀 more  ", "ねこ と いぬ と とり と うま" * 5]
)
def test_long_passwords_of_any_character_are_taken_whole(password: str) -> None:
    credentials.check_strength(password, "ada")
    kept = credentials.password_hash(password)
    assert credentials.password_fits(password, kept)
    assert not credentials.password_fits(password[:-1], kept)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3")


@pytest.mark.parametrize("password", ["elevenchars", "x" * 129, "aaaaaaaaaaaaaaaa", "my name is Ada ok"])
def test_short_endless_and_guessable_passwords_are_refused(password: str) -> None:
    with pytest.raises(PasswordWeak):
        credentials.check_strength(password, "ada")


def test_a_row_of_spaces_does_not_make_a_password_longer() -> None:
    with pytest.raises(PasswordWeak):
        credentials.check_strength("abcd        e", "ada")


@pytest.mark.parametrize("password", ["qwertyuiop123", "password12345", "1q2w3e4r5t6y"])
def test_a_password_that_everyone_tries_is_refused(password: str) -> None:
    with pytest.raises(PasswordWeak):
        credentials.check_strength(password, "ada")


def test_a_new_password_needs_the_old_one_and_ends_every_other_session(spoilt: Bank) -> None:
    here, there = browser(spoilt, "iker"), browser(spoilt, "iker")
    fields = {"csrf": csrf(here), "new": "another horse entirely"}
    assert here.post("/account/password", data={**fields, "old": "wrong"}).status_code == 409
    assert there.get("/account").status_code == 200
    assert here.post("/account/password", data={**fields, "old": PASSWORD}).status_code == 303
    assert there.get("/account").headers["location"].startswith("/sign-in")
    assert here.get("/account").status_code == 200


def test_a_stolen_session_cannot_replace_the_second_factor(spoilt: Bank) -> None:
    secret, other = pyotp.random_base32(), pyotp.random_base32()
    spoilt.system.access.set_second_factor("mia", secret, pyotp.TOTP(secret).now())
    thief = browser(spoilt, "mia")
    signed = spoilt.system.entrance.signed(other, "otp")
    thief.post("/account/second-factor", data={"csrf": csrf(thief), "secret": signed, "code": pyotp.TOTP(other).now()})
    assert spoilt.system._safe.open(spoilt.system._people.kept("mia").otp) == secret


def test_wrong_codes_are_counted_as_wrong_passwords_are(spoilt: Bank) -> None:
    secret = pyotp.random_base32()
    spoilt.system.access.set_second_factor("olga", secret, pyotp.TOTP(secret).now())
    entrance, stranger = spoilt.system.entrance, Knock("203.0.113.77")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            entrance.sign_in("olga", PASSWORD, "000000", stranger)
    with pytest.raises(TooManyTries):
        entrance.sign_in("olga", PASSWORD, "000000", stranger)


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time


def test_no_account_bears_more_than_a_hundred_wrong_tries_in_an_hour(
    spoilt: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "password_fits", lambda password, kept: False)
    system, watch = spoilt.system, Watch()
    books = Books(
        SqlPeople(system._engine, system.ledger),
        SqlSessions(system._engine),
        SqlTokens(system._engine, system.ledger),
    )
    entrance, refused = Entrance(books, system._safe, system.ledger, watch), 0
    for number in range(150):
        watch.time += timedelta(seconds=20)
        try:
            entrance.sign_in("aurora", "wrong", "", Knock(f"198.51.100.{number}"))
        except SignInRefused:
            refused += 1
        except TooManyTries:
            continue
    assert refused <= 100


def test_an_unknown_name_takes_as_long_as_a_wrong_password(spoilt: Bank) -> None:
    def seconds(name: str) -> float:
        took = []
        for number in range(4):
            begun = time.perf_counter()
            with pytest.raises(SignInRefused):
                spoilt.system.entrance.sign_in(name, "wrong", "", Knock(f"192.0.2.{number}-{name}"))
            took.append(time.perf_counter() - begun)
        return min(took)

    seconds("warm-up")
    known, unknown = seconds("dolores"), seconds("nobody-here")
    assert 0.4 < known / unknown < 2.5


def test_under_tls_every_cookie_is_for_tls_alone_and_the_session_is_bound_to_the_host(bank: Bank) -> None:
    client = TestClient(bank.app, "https://127.0.0.1", follow_redirects=False)
    answer = client.post("/sign-in", data={"name": "carmen", "password": PASSWORD})
    answers = [answer, client.post("/language", data={"language": "es", "back": "/sign-in"})]
    cookies = [one for each in answers for one in each.headers.get_list("set-cookie")]
    assert any(one.startswith("__Host-voxpop=") and "Path=/;" in one and "Domain" not in one for one in cookies)
    assert all({"HttpOnly", "SameSite=lax", "Secure"} <= set(one.split("; ")) for one in cookies), cookies
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000; includeSubDomains")
    assert client.get("/").status_code == 200
    plain = TestClient(bank.app, "http://127.0.0.1", follow_redirects=False)
    plain.cookies.set("voxpop", client.cookies["__Host-voxpop"])
    assert "strict-transport-security" not in plain.get("/").headers


def test_signing_out_ends_the_session_on_the_server_and_empties_the_browsers_cache(bank: Bank) -> None:
    client = browser(bank, "mia")
    kept = dict(client.cookies)
    answer = client.post("/sign-out", data={"csrf": csrf(client)})
    assert answer.headers["clear-site-data"] == '"cache"'
    again = TestClient(bank.app, "http://127.0.0.1", follow_redirects=False, cookies=kept)
    assert again.get("/account").headers["location"].startswith("/sign-in")


def test_a_session_is_in_no_address_and_a_cookie_of_ours_holds_nothing_to_read(bank: Bank) -> None:
    client = browser(bank, "ada")
    secret = client.cookies["voxpop"]
    for path in ("/", "/account", f"/applications/{PROJECT}", "/sign-in?next=/account"):
        answer = client.get(path)
        assert secret not in answer.text
        assert secret not in answer.headers.get("location", "")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)


# -- V4: who may what ------------------------------------------------------------------------------------------------


def test_nobody_replaces_the_draft_of_another_project(spoilt: Bank) -> None:
    written = read_document(document("of-ada"), "application")
    spoilt.system.projects.draft(written, spoilt.system.access.get("ada"))
    stranger = browser(spoilt, "olga")
    fields = {"as": "document", "step": "keep", "csrf": csrf(stranger)}
    stranger.post("/applications/new", data={**fields, "document": document("of-ada", title="Mine now")})
    assert spoilt.system.applications.get(ApplicationId("of-ada")).title == written.title


def test_the_api_replaces_no_draft_of_another_project(spoilt: Bank) -> None:
    written = read_document(document("of-mia"), "application")
    spoilt.system.projects.draft(written, spoilt.system.access.get("ada"))
    text = document("of-mia", title="Mine now")
    answer = program(spoilt, "olga", "write").post(
        "/api/v1/applications", content=text, headers={"content-type": "application/yaml"}
    )
    assert answer.status_code in (403, 404, 409)
    assert spoilt.system.applications.get(ApplicationId("of-mia")).title == written.title


def test_fields_that_a_form_does_not_have_change_nothing(bank: Bank) -> None:
    client, before = browser(bank, "ada"), bank.system.access.get("ada")
    extra = {"roles": "auditor", "enabled": "no", "person": "Teo Example", "name": "teo", "issuer": "x", "actor": "teo"}
    assert client.post("/language", data={"csrf": csrf(client), "language": "en", **extra}).status_code == 303
    assert client.post(REMARKS, data={"csrf": csrf(client), "remark": "mine", **extra}).status_code == 303
    after = bank.system.access.get("ada")
    assert (after.roles, after.person, after.enabled, after.issuer) == (before.roles, before.person, True, "")
    assert bank.system.applications.remarks(PROJECT)[-1].actor == "Ada Example"


def test_nobody_gives_themselves_a_role(bank: Bank) -> None:
    client = browser(bank, "teo")
    answer = client.post("/people/teo/roles", data={"csrf": csrf(client), "roles": "data-manager", "enabled": "yes"})
    assert answer.status_code == 422
    assert bank.system.access.get("teo").roles == {Role.TECHNICAL_MANAGER}
    client = browser(bank, "mia")
    fields = {"csrf": csrf(client), "who": "mia", "role": "applicant"}
    assert client.post(f"/applications/{PROJECT}/members", data=fields).status_code == 403


def test_who_has_an_account_is_told_to_those_alone_who_keep_a_list_of_people(bank: Bank) -> None:
    for person in ("mia", "iker", "carmen", "olga"):
        client = browser(bank, person)
        for who in ("teo", "nobody"):
            fields = {"csrf": csrf(client), "who": who, "role": "member"}
            assert client.post(f"/applications/{PROJECT}/members", data=fields).status_code in (403, 404)
    known, unknown = (
        browser(bank).post("/sign-in", data={"name": name, "password": "wrong"}) for name in ("dolores", "nobody-x")
    )
    assert known.status_code == unknown.status_code
    assert known.text.replace("dolores", "N") == unknown.text.replace("nobody-x", "N")


def test_an_error_while_the_right_is_looked_up_lets_nobody_in(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser(bank, "ada")

    def broken(account: Account) -> None:
        raise RuntimeError

    monkeypatch.setattr(bank.system.access, "rights", broken)
    answer = client.get(f"/volumes/{VOLUME}")
    assert answer.status_code == 500
    assert "sub-aaaa" not in answer.text


@pytest.mark.parametrize("person", ["voxpop", "Unknown"])
def test_nobody_is_named_as_the_system_is(spoilt: Bank, person: str) -> None:
    with pytest.raises(AccountInvalid):
        spoilt.system.access.add(Account(f"ghost-{person.lower()}", person), PASSWORD, "tester")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "HEAD", "VOXPOP"])
def test_a_method_that_a_page_does_not_have_is_refused(bank: Bank, method: str) -> None:
    client = browser(bank, "ada")
    for path in (f"/applications/{PROJECT}", f"/volumes/{VOLUME}", f"/api/v1/volumes/{VOLUME}"):
        answer = client.request(method, path, headers={"x-http-method-override": "GET"})
        assert answer.status_code == 405, path
        assert "allow" in answer.headers


def test_an_action_is_not_done_by_a_link(bank: Bank) -> None:
    client = browser(bank, "dolores")
    for path in ("/sign-out", f"/volumes/{VOLUME}/remove", f"/applications/{PROJECT}/close", REMARKS):
        answer = client.get(path, headers={"x-http-method-override": "POST"}, params={"csrf": csrf(client)})
        assert answer.status_code in (404, 405), path


# -- V5: what comes in, and how it goes out --------------------------------------------------------------------------

ELSEWHERE = (
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
    "https:evil.example", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", " //evil.example",
    "/x\r\nset-cookie: a=b", "data:text/html,x", "//evil.example/%2f..", "http:/evil.example", "\u2028//evil.example",
)  # fmt: skip


@pytest.mark.parametrize("back", ELSEWHERE)
def test_no_redirect_leads_to_another_site(bank: Bank, back: str) -> None:
    signed_in, stranger = browser(bank, "ada"), browser(bank)
    answers = [
        signed_in.get("/sign-in", params={"next": back}),
        signed_in.post("/language", data={"csrf": csrf(signed_in), "language": "en", "back": back}),
        stranger.post("/sign-in", data={"name": "carmen", "password": PASSWORD, "next": back}),
    ]
    for answer in answers:
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        assert not any(one.startswith("a=") for one in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("back", ["/%5Cevil.example", "/%2f/evil.example", "/.//evil.example", "/%09/evil.example"])
def test_what_is_encoded_stays_a_path_of_ours(bank: Bank, back: str) -> None:
    location = browser(bank, "ada").get("/sign-in", params={"next": back}).headers["location"]
    assert re.match(r"/[^/\\]", location)


def test_a_sentence_for_the_next_page_cannot_be_made_up(bank: Bank) -> None:
    client = browser(bank, "ada")
    real = bank.system.entrance.signed("seen%20here", "said")
    for forged in ("<b>pay here</b>", "hello.0000", real.replace("seen", "sent"), real.upper()):
        client.cookies.set("voxpop-said", forged)
        assert 'class="said"' not in client.get("/account").text
    client.cookies.set("voxpop-said", bank.system.entrance.signed("%3Cb%3E%0D%0Aset-cookie%3A%20a%3Db", "said"))
    answer = client.get("/account")
    assert "&lt;b&gt;" in answer.text
    assert "a" not in {one.partition("=")[0] for one in answer.headers.get_list("set-cookie")}


def test_text_of_every_origin_is_shown_and_never_obeyed(spoilt: Bank) -> None:
    system = spoilt.system
    for ordinal, fate in enumerate(Fate):
        system.staging_records.study_finished(VOLUME, StudyOutcome(ordinal + 1, fate, EVIL))
    cells = system.volumes.get(VOLUME).path / "participants.tsv"
    cells.chmod(0o600)
    row = "\t".join(('sub-<script>alert(1)</script>"><img src=x onerror=alert(2)>', EVIL, EVIL, EVIL))
    cells.write_text(cells.read_text() + row + "\n")
    (system.work.results / RUN / "log.txt").write_text(EVIL)
    outputs = system.work.results / RUN / "outputs"
    title = EVIL.replace('"', '\\"')
    for name in ("report.json", "group.json"):
        text = (outputs / name).read_text().replace("One.", title).replace("Groups", title).replace("two people", title)
        (outputs / name).write_text(text)
    named = outputs / "a<img src=x onerror=alert(2)>.json"
    named.write_text("{}")
    system.result_records.keep([ResultFile(RUN, "json", f"outputs/{named.name}", sha256_file(named), 2)])
    operation = system.operations.ask(Work.REPEAT, f"run:{RUN}", "tester")
    system.operations.end(operation.id, EVIL)
    system.ledger.record(Event("appliance.removed", f"appliance:{APPLIANCE}", "tester", EVIL))
    with Session(system._engine) as session, session.begin():
        session.execute(update(ApplianceRow).values(document=EVIL))
    shown = 0
    for person, path in (
        ("ada", f"/volumes/{VOLUME}"), ("ada", f"/runs/{RUN}"), ("ada", f"/runs/{RUN}/progress"),
        ("ada", f"/results/{RUN}"), ("ada", f"/results/{RUN}/trace"), ("ada", f"/applications/{PROJECT}"),
        ("teo", f"/appliances/{APPLIANCE}"), ("aurora", "/audit"), ("dolores", "/"),
        ("ada", f"/volumes/{VOLUME}/participants/%3Cscript%3Ealert(1)"), ("ada", "/runs?before=<script>alert(1)"),
        ("ada", "/<script>alert(1)</script>"),
    ):  # fmt: skip
        text = browser(spoilt, person).get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        shown += "&lt;script&gt;alert" in text
    assert shown >= 6


def test_a_file_that_claims_to_be_a_picture_is_not_looked_into_by_the_browser(spoilt: Bank) -> None:
    page = b"<html><script>alert(1)</script>"
    answer = _served(spoilt, "picture.png", page)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    report = _served(spoilt, "report.pdf", page)
    assert (report.status_code, report.headers["content-type"]) == (200, "application/pdf")
    assert "default-src 'none'" in report.headers["content-security-policy"]
    assert "script-src" not in report.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.htm", "a.xml", "a.js", "a.PNG.html", "a.json", "a.txt", "a"])
def test_what_a_browser_could_run_is_not_shown_here(spoilt: Bank, name: str) -> None:
    assert _served(spoilt, name, b"<svg onload=alert(1)>").status_code == 404


def _served(bank: Bank, name: str, content: bytes) -> object:
    file = bank.system.work.results / RUN / "outputs" / name
    file.write_bytes(content)
    kept = ResultFile(RUN, "other", f"outputs/{name}", sha256_file(file), len(content))
    bank.system.result_records.keep([kept])
    return browser(bank, "ada").get(f"/results/{RUN}/files/outputs/{name}")


@pytest.mark.parametrize("name", ["log.txt", "outputs/sub-aaaa_ses-x_ct_labels.nii.gz"])
def test_a_link_that_a_run_left_is_not_followed(spoilt: Bank, name: str) -> None:
    secret = spoilt.system.work.protected / "secret.txt"
    secret.write_text("GARCIA^LUISA")
    left = spoilt.system.work.results / RUN / name
    before = left.read_bytes()
    left.unlink()
    left.symlink_to(secret)
    try:
        client = browser(spoilt, "ada")
        answer = client.get(f"/runs/{RUN}" if name == "log.txt" else f"/results/{RUN}/files/{name}")
        assert "GARCIA" not in answer.text
    finally:
        left.unlink()
        left.write_bytes(before)


def test_a_link_that_a_run_left_is_not_written_through(tmp_path: Path) -> None:
    kept, log = tmp_path / "pseudonym.key", tmp_path / "log.txt"
    kept.write_bytes(b"key")
    log.symlink_to(kept)
    with suppress(OSError, VoxpopError):
        process.start(["sh", "-c", "echo spoilt"], cwd=tmp_path, stdout=log).wait(30)
    assert kept.read_bytes() == b"key"


@pytest.mark.parametrize(
    "path",
    ["..%2f..%2fprotected%2fweb.key", "..%5c..%5cweb.key", "outputs/../../../protected/web.key", "outputs%00.png",
     "%2fetc%2fpasswd", "outputs//etc/passwd", "file:///etc/passwd", "outputs/.%2e/log.txt", "log.txt", "record.json"],
)  # fmt: skip
def test_no_encoding_of_a_path_leads_to_another_file(bank: Bank, path: str) -> None:
    client, caller = browser(bank, "ada"), program(bank, "ada", "write")
    for asker, start in ((client, ""), (caller, "/api/v1")):
        for place in (f"{start}/volumes/{VOLUME}/files/", f"{start}/results/{RUN}/files/"):
            assert asker.get(place + path).status_code == 404, place
    assert client.get(f"/static/{path}").status_code == 404


def test_a_document_runs_nothing_and_does_not_grow(bank: Bank, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    texts = (
        document("lol") + laughs,
        f"{document('lol')}x: !!python/object/apply:os.system ['touch {mark}']\n",
        "title: " + "[" * 50_000,
        document("lol").replace("title:", "title: {{ 7 * 7 }} ${7*7} #{7*7}\ntitle2:"),
    )
    client = browser(bank, "ada")
    for text in texts:
        begun = time.perf_counter()
        answer = client.post(
            "/applications/new", data={"as": "document", "step": "count", "csrf": csrf(client), "document": text}
        )
        assert answer.status_code == 422
        assert time.perf_counter() - begun < 5
    assert not mark.exists()


def test_a_value_that_looks_like_a_template_or_a_query_is_a_value(bank: Bank) -> None:
    client = browser(bank, "ada")
    text = "{{ 7 * 7 }} {% raw %} ${7*7} %s %(x)s {0} '; DROP TABLE account; --"
    assert client.post(REMARKS, data={"csrf": csrf(client), "remark": text}).status_code == 303
    assert bank.system.applications.remarks(PROJECT)[-1].text == text
    assert "49" not in re.sub(r"\d{3,}", "", browser(bank, "ada").get(f"/catalogue?q={text}").text)
    auditor = browser(bank, "aurora")
    for sought in ("' OR 1=1 --", "%", "_", "account:%' --"):
        assert auditor.get("/audit", params={"actor": sought}).text.count("<tr>") <= 2
    assert browser(bank).post("/sign-in", data={"name": "ada' OR '1'='1", "password": "x"}).status_code == 409


@pytest.mark.parametrize(
    ("person", "path"),
    [
        ("aurora", "/audit?before=" + "9" * 30),
        ("aurora", "/audit?before=" + "9" * 5000),
        ("ada", f"/volumes/{VOLUME}?from=" + "9" * 5000),
    ],
    ids=["larger than the database has", "longer than Python reads", "a first row without end"],
)
def test_a_number_without_end_is_no_fault_of_ours(bank: Bank, person: str, path: str) -> None:
    assert browser(bank, person).get(path).status_code < 500


def test_a_number_without_end_in_a_form_is_a_fault_of_the_form(bank: Bank) -> None:
    client = browser(bank, "ada")
    fields = {"name": "x", "cores": "9" * 5000, "csrf": csrf(client), "step": "count"}
    assert client.post("/applications/new", data=fields).status_code == 422


@pytest.mark.parametrize(
    ("look", "text"),
    [
        pytest.param(look, text, id=name)
        for name, look, text in (
            ("tags of a page", lambda text: opening._TAG.sub("", text), "<" * 400_000),
            ("objects of a PDF", pdf._OBJECT.search, b"1" * 400_000),
            ("maps of a PDF", lambda text: [*pdf._MAP_PART.finditer(text)], b"beginbfchar" * 30_000),
            ("ranges of a PDF", lambda text: [*pdf._RANGE.finditer(text)], b"<a><b>[" * 50_000),
            ("a web token", SECRETS["a signed web token"].search, b"eyJ" * 120_000),
            ("text of a PDF", lambda text: [*pdf._SHOWS.finditer(text)], b"(" * 30_000),
            ("names of persons", lambda text: [*names_of_persons(text)], "a^" * 30_000),
            ("UIDs", lambda text: [*uids(text)], "1." * 30_000),
            ("split counts", disclosure._SPLIT_COUNT.match, "1 a" + "1 a, " * 10_000 + "!"),
            ("messages of the converter", lambda text: messages._PATH.sub("", text), "./" * 2_000),
        )
    ],
)  # fmt: skip
def test_a_pattern_takes_no_longer_than_the_text_is_long(look: Callable[[object], object], text: object) -> None:
    begun = time.perf_counter()
    look(text)
    assert time.perf_counter() - begun < 0.5


# -- V7, V8: what is told, and to whom -------------------------------------------------------------------------------


def test_an_error_tells_no_path_no_stack_and_no_value(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("GARCIA^LUISA in /srv/protected")

    monkeypatch.setattr(bank.system.volumes, "get", broken)
    for asker, path in (
        (browser(bank, "ada"), f"/volumes/{VOLUME}"),
        (program(bank, "ada", "read"), f"/api/v1/volumes/{VOLUME}"),
    ):
        answer = asker.get(path)
        assert answer.status_code == 500
        assert not re.search(r"GARCIA|Traceback|RuntimeError|/srv|\.py|sqlite", answer.text)
    log = (bank.system.work.logs / "voxpop.log").read_text()
    assert "RuntimeError at" in log
    assert "GARCIA" not in log


def test_the_answer_to_an_unexpected_error_is_protected_as_others_are(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank.system.volumes, "get", None)
    headers = browser(bank, "ada").get(f"/volumes/{VOLUME}").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])


def test_what_a_stranger_sends_makes_no_line_of_the_log(bank: Bank) -> None:
    forged = "ada\n2026-01-01 00:00:00 ERROR voxpop.web forged"
    client = browser(bank)
    client.post("/sign-in", data={"name": forged, "password": "forged"}, headers={"x-request-id": "forged"})
    client.get("/forged%0aline", headers={"user-agent": "forged", "referer": "http://forged/"})
    client.request("FORGED", "/")
    assert "forged" not in (bank.system.work.logs / "voxpop.log").read_text().lower()
    assert "forged" not in client.get("/metrics").text.lower()
    assert client.get("/healthz", headers={"x-request-id": "forged"}).headers["x-request-id"] != "forged"


def test_a_failed_sign_in_is_in_the_audit_log_without_what_was_typed(bank: Bank) -> None:
    browser(bank).post("/sign-in", data={"name": "dolores", "password": "typed in haste"})
    events = [link.event for link in bank.system.ledger.links("account:dolores")]
    assert events[-1].action == "session.refused"
    assert "typed in haste" not in repr(events[-1])


def test_pages_and_answers_of_the_api_stay_in_no_cache_and_images_are_asked_for_again(bank: Bank) -> None:
    client, caller = browser(bank, "ada"), program(bank, "ada", "read")
    pages = ("/", "/account", f"/volumes/{VOLUME}", f"/results/{RUN}", "/sign-in", "/no-such-page")
    assert {client.get(path).headers["cache-control"] for path in pages} == {"no-store"}
    assert caller.get("/api/v1/me").headers["cache-control"] == "no-store"
    path = f"/volumes/{VOLUME}/files/sub-aaaa/ses-x/ct/sub-aaaa_ses-x_ct.nii.gz"
    assert client.get(path).headers["cache-control"] == "private, no-cache"
    stranger = browser(bank, "olga").get(path, headers={"if-none-match": client.get(path).headers["etag"]})
    assert stranger.status_code == 404


def test_a_page_is_in_no_frame_and_asks_for_no_sensor(bank: Bank) -> None:
    client = browser(bank, "ada")
    for path in ("/", "/sign-in", f"/volumes/{VOLUME}/participants/sub-aaaa", f"/appliances/{APPLIANCE}/terminal"):
        headers = client.get(path).headers
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "camera=()" in headers["permissions-policy"]
        assert "'unsafe-eval'" not in headers["content-security-policy"]


# -- V11 to V14: limits, files, the API, the configuration -----------------------------------------------------------


def test_many_fields_many_parts_and_broken_parts_are_refused_at_once(bank: Bank) -> None:
    parts = b"".join(b'--B\r\ncontent-disposition: form-data; name="a%d"\r\n\r\nx\r\n' % one for one in range(2000))
    multipart = {"content-type": "multipart/form-data; boundary=B"}
    client = browser(bank)
    for content, headers in (
        (b"a=1&" * 250_000, FORM), (b"a&" * 500_000, FORM), (parts + b"--B--\r\n", multipart), (b"--X", multipart),
        (b"x", {"content-type": "multipart/form-data"}),
    ):  # fmt: skip
        begun = time.perf_counter()
        assert client.post("/sign-in", content=content, headers=headers).status_code == 400
        assert time.perf_counter() - begun < 2


def test_a_body_of_untold_length_is_cut_off_with_413(bank: Bank) -> None:
    answer = browser(bank).post("/sign-in", content=(b"a=" + b"x" * 65_536 for _ in range(30)), headers=FORM)
    assert answer.status_code == 413


def test_deep_long_and_strange_json_is_refused(bank: Bank) -> None:
    caller = program(bank, "ada", "write")
    for body in (
        "[" * 200_000, '{"text":' * 100_000 + "1" + "}" * 100_000, '{"text":' + "9" * 100_000 + "}", '{"text":NaN}',
        '{"text":"\\ud800"}', '{"text":"a","text":["b"]}', "", "null", '{"text":"x","actor":"teo"}',
    ):  # fmt: skip
        answer = caller.post(f"/api/v1{REMARKS}", content=body, headers=JSON)
        assert answer.status_code in (400, 422), body[:40]
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_the_api_takes_json_alone_as_json(bank: Bank, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = program(bank, "ada", "write").post(f"/api/v1{REMARKS}", content='{"text":"x"}', headers=headers)
    assert answer.status_code in (400, 415, 422)


def test_another_kind_of_content_is_answered_with_415(bank: Bank) -> None:
    headers = {"content-type": "text/plain"}
    answer = program(bank, "ada", "write").post(f"/api/v1{REMARKS}", content='{"text":"x"}', headers=headers)
    assert answer.status_code == 415


def test_an_answer_of_the_api_is_a_file_to_a_browser(bank: Bank) -> None:
    disposition = program(bank, "ada", "read").get("/api/v1/me").headers.get("content-disposition")
    assert disposition.startswith("attachment")


def test_a_token_that_reads_changes_nothing_and_nothing_else_is_taken_for_a_token(bank: Bank) -> None:
    reads = program(bank, "ada", "read")
    assert reads.get("/api/v1/me").status_code == 200
    before = len(bank.system.applications.remarks(PROJECT))
    assert reads.post(f"/api/v1{REMARKS}", json={"text": "x"}).status_code == 403
    wider = {"label": "x", "scopes": ["write"], "ends_on": "2099-01-01"}
    assert reads.post("/api/v1/tokens", json=wider).status_code == 403
    assert len(bank.system.applications.remarks(PROJECT)) == before
    secret = reads.headers["authorization"].removeprefix("Bearer ")
    unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZW8iLCJyb2xlcyI6WyJhdWRpdG9yIl19."
    cookie = browser(bank, "ada")
    assert cookie.get("/api/v1/me").status_code == 401
    assert program(bank).get(f"/api/v1/me?access_token={secret}").status_code == 401
    for header in (f"Basic {secret}", secret, f"Bearer {secret}x", "Bearer", f"Bearer {unsigned}", "Bearer vxp_"):
        answer = program(bank).get("/api/v1/me", headers={"authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"] == "Bearer"


def test_no_other_origin_may_read_an_answer(bank: Bank) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1"):
        for asker, path in ((browser(bank, "ada"), "/"), (program(bank, "ada", "read"), "/api/v1/me")):
            answer = asker.get(path, headers={"origin": origin})
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "ranges",
    [",".join(f"{one}-{one}" for one in range(0, 8000, 2)), ",".join(["0-"] * 8000), "9" * 5000 + "-", "5-2", "-", "x"],
    ids=["thousands", "the whole thousands of times", "endless number", "backwards", "empty", "no number"],
)
def test_ranges_without_end_cost_nothing(bank: Bank, ranges: str) -> None:
    path = f"volumes/{VOLUME}/files/sub-aaaa/ses-x/ct/sub-aaaa_ses-x_ct.nii.gz"
    for asker, start in ((browser(bank, "ada"), "/"), (program(bank, "ada", "read"), "/api/v1/")):
        begun = time.perf_counter()
        answer = asker.get(start + path, headers={"range": f"bytes={ranges}"})
        assert answer.status_code in (200, 206, 400, 416)
        assert len(answer.content) < 100_000
        assert time.perf_counter() - begun < 2


def test_long_queries_and_many_parameters_are_answered_quickly(bank: Bank) -> None:
    client = browser(bank, "ada")
    begun = time.perf_counter()
    assert client.get("/catalogue", params={"q": "x" * 30_000}).status_code == 200
    assert client.get("/catalogue?" + "&".join(f"q={one}" for one in range(5000))).status_code == 200
    assert client.get("/", headers={"accept-language": "en;q=" + "9" * 20_000}).status_code == 200
    assert client.get("/", headers={"cookie": ";".join(f"a{one}=b" for one in range(3000))}).status_code == 303
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    "path", ["/static/", "/static/vendor/", "/.git/config", "/docs", "/redoc", "/voxpop.db", "/static/.DS_Store"]
)
def test_no_folder_is_listed_and_nothing_of_the_workshop_is_served(bank: Bank, path: str) -> None:
    assert browser(bank).get(path).status_code == 404


def test_no_answer_names_a_version_of_what_it_is_made_with(bank: Bank) -> None:
    for path in ("/", "/sign-in", "/healthz", "/readyz", "/metrics", "/no-such-page"):
        answer = browser(bank).get(path)
        assert not {"server", "x-powered-by"} & set(answer.headers)
        assert not re.search(r"uvicorn|starlette|fastapi|python/\d|sqlalchemy", answer.text, re.IGNORECASE)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "127.0.0.1:x@evil.example", "", "a b"]
)
def test_no_other_host_is_believed_whatever_a_proxy_is_said_to_have_sent(bank: Bank, host: str) -> None:
    client = browser(bank)
    assert client.get("/", headers={"host": host}).status_code == 400
    forwarded = {"x-forwarded-host": host or "evil.example", "x-forwarded-proto": "https", "x-forwarded-for": "1.1.1.1"}
    answer = client.get("/account", headers=forwarded)
    assert answer.headers["location"] == "/sign-in?next=%2Faccount"
    assert "strict-transport-security" not in answer.headers


def test_what_a_project_takes_away_is_named_by_us(spoilt: Bank) -> None:
    system = spoilt.system
    evil = system.work.results / RUN / "outputs" / "table.csv"
    evil.write_text("what,value\n=cmd|' /C calc'!A0,1\n@SUM(1),2\n+1+1,3\n")
    asked = system.releases.ask(RUN, ["outputs/table.csv"], "Ada Example", "a talk")
    assert {finding.check for finding in asked.findings} == {"formula"}
    data = browser(spoilt, "dolores")
    seen = data.get(f"/releases/{asked.id}").text
    assert "a spreadsheet would run as formulas" in seen
    fields = {"csrf": csrf(data), "decision": "release", "reason": "seen"}
    assert data.post(f"/releases/{asked.id}/decide", data=fields).status_code == 303
    answer = browser(spoilt, "ada").get(f"/releases/{asked.id}/files.zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="{asked.id}.zip"'
    assert answer.headers["content-type"] == "application/zip"
    assert browser(spoilt, "olga").get(f"/releases/{asked.id}/files.zip").status_code == 404


def test_who_asked_for_a_release_cannot_let_it_out_through_the_pages(spoilt: Bank) -> None:
    image(spoilt.system.work.results / RUN / "outputs" / "sub-bbbb_ses-x_ct_labels.nii.gz", 20)
    spoilt.system.access.set_roles("ada", [Role.RESEARCHER, Role.DATA_MANAGER], "tester")
    try:
        client = browser(spoilt, "ada")
        fields = {"csrf": csrf(client), "path": "outputs/group.json", "purpose": "a poster"}
        there = client.post(f"/results/{RUN}/releases", data=fields).headers["location"]
        decided = client.post(f"{there}/decide", data={"csrf": csrf(client), "decision": "release", "reason": "mine"})
        assert decided.status_code == 409
    finally:
        spoilt.system.access.set_roles("ada", [Role.RESEARCHER], "tester")
