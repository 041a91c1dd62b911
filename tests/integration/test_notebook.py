"""A person's notebook: JupyterLab in what holds a terminal, on an origin of its own, for as long as the right lasts."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import expect
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tests.api import token
from tests.bank import APPLIANCE, PROJECT, PROJECT_ROLES, VOLUME, Bank, bank_with_results
from tests.viewer_page import chromium
from tests.waiting import until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from voxpop.access.model import Membership
from voxpop.appliance.terminals import Terminal
from voxpop.backends.sandbox.bubblewrap import terminal_places
from voxpop.cli.serve import _notebooks
from voxpop.kernel.ids import ApplianceId
from voxpop.web.app import create_app, create_notebooks
from voxpop.web.notebooks import desk as desks
from voxpop.web.notebooks import proxy
from voxpop.web.notebooks.desk import Desk, Guest, NotebookEnded, TooManyNotebooks, reached
from voxpop.wiring.terminals import terminals

pytestmark = pytest.mark.needs("bubblewrap")
LONG_S = 60.0
DATA, RESULTS, HOME = terminal_places()
FORM = f"/appliances/{APPLIANCE}/notebook"
COOKIE = "voxpop-notebook"


@dataclass(frozen=True)
class House:
    """A bank whose portal and notebooks are served on two ports of this machine."""

    bank: Bank
    desk: Desk
    portal: str
    notebooks: str
    root: Path

    def client(self, name: str) -> TestClient:
        return self.bank.client(name)

    def address(self, client: TestClient) -> str:
        """Ask the portal for a notebook; returns where it sends the browser."""
        answer = self.bank.post(client, FORM)
        assert answer.status == 303, answer.text
        return answer.headers["location"]

    def enter(self, name: str) -> httpx.Client:
        """Return a browser that is in its notebook."""
        browser = httpx.Client(base_url=self.notebooks, headers={"origin": self.notebooks}, timeout=LONG_S)
        assert browser.get(self.address(self.client(name))).status_code == 200
        return browser

    def events(self) -> list[tuple[str, str]]:
        links = self.bank.system.ledger.links(f"appliance:{APPLIANCE}")
        return [(one.event.action, one.event.actor) for one in links if one.event.action.startswith("notebook.")]


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(LONG_S)


def bank_with_notebooks(root: Path) -> Bank:
    bank = bank_with_results(root)
    record = bank.system.work.appliances / APPLIANCE / "deployment.json"
    given = json.loads(record.read_text())
    record.write_text(json.dumps(given | {"recipes": [*given["recipes"], "notebook"]}))
    return bank


@contextmanager
def opened_house(root: Path) -> Iterator[House]:
    bank = bank_with_notebooks(root)
    with ExitStack() as until_the_end:
        mine, theirs = (until_the_end.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        opens = terminals(bank.system).open_notebook
        desk = until_the_end.enter_context(Desk(opens, theirs.getsockname()[1]))
        app = create_app(bank.system, notebooks=desk)
        portal = until_the_end.enter_context(serving(app, mine))
        notebooks = until_the_end.enter_context(serving(create_notebooks(bank.system, desk), theirs))
        yield House(replace(bank, app=app), desk, portal, notebooks, root)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desks, "LOOK_EVERY_S", 0.1)
        with opened_house(tmp_path_factory.mktemp("house")) as opened:
            yield opened


@pytest.fixture(scope="module")
def inside(house: House) -> httpx.Client:
    """Return a browser in mia's notebook."""
    return house.enter("mia")


def talk(house: House, browser: httpx.Client, path: str, origin: str | None = None) -> ClientConnection:
    headers = {"cookie": f"{COOKIE}={browser.cookies[COOKIE]}; voxpop=portal"}
    url = house.notebooks.replace("http", "ws") + path
    return connect(url, origin=origin or house.notebooks, additional_headers=headers, max_size=None)  # type: ignore[arg-type]


def run(house: House, browser: httpx.Client, code: str) -> str:
    """Run code in a kernel of its own; returns what it writes and what it fails with."""
    kernel = browser.post("/api/kernels", json={"name": "python3"}).json()["id"]
    said = ""
    with talk(house, browser, f"/api/kernels/{kernel}/channels") as channel:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "version": "5.3",
            "username": "",
            "session": "x",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        channel.send(json.dumps(message))
        while True:
            heard = json.loads(channel.recv(timeout=LONG_S))
            if heard["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if heard["msg_type"] == "stream":
                said += heard["content"]["text"]
            elif heard["msg_type"] == "error":
                said += f"{heard['content']['ename']}: {heard['content']['evalue']}"
            elif heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                break
    assert browser.delete(f"/api/kernels/{kernel}").status_code == 204
    return said


def test_a_kernel_reads_the_volume_and_writes_to_nothing_but_its_own_folder(house: House, inside: httpx.Client) -> None:
    read = run(house, inside, "import os; print(open(os.environ['DATA'] + '/participants.tsv').readline())")
    assert read.startswith("participant_id\tage")
    for place in (f"{DATA}/x", f"{RESULTS}/x", "/usr/x"):
        assert "Read-only file system" in run(house, inside, f"open({place!r}, 'w')")
    assert run(house, inside, "import os; open(os.path.expanduser('~/mine'), 'w'); print(os.getuid())") == "1000\n"
    names = [one["name"] for one in inside.get("/api/contents").json()["content"]]
    assert names == ["mine"]
    line = "import socket; print([n for _, n in socket.if_nameindex()]); socket.create_connection(('192.0.2.1', 80), 5)"
    assert "['lo']" in (said := run(house, inside, line))
    assert "Network is unreachable" in said


def test_a_figure_is_shown_in_the_page(house: House, inside: httpx.Client) -> None:
    line = "import matplotlib; print(matplotlib.get_backend())"
    assert "inline" in run(house, inside, line)


def test_a_file_is_kept_through_the_proxy_and_read_again(inside: httpx.Client) -> None:
    body = {"type": "file", "format": "text", "content": "x" * 300_000}
    assert inside.put("/api/contents/note.txt", json=body).status_code == 201
    assert inside.get("/api/contents/note.txt").json()["content"] == body["content"]
    policy = inside.get("/files/note.txt").headers["content-security-policy"]
    assert policy.startswith(f"{proxy.POLICY}, ")
    assert "sandbox allow-scripts" in policy
    assert inside.delete("/api/contents/note.txt").status_code == 204


def test_what_is_handed_out_is_dressed_and_sets_no_cookie_of_jupyters(inside: httpx.Client) -> None:
    page = inside.get("/lab")
    assert page.status_code == 200
    assert "jupyter-config-data" in page.text
    assert "set-cookie" not in page.headers
    assert "server" not in {name for name in page.headers if page.headers[name].startswith("Tornado")}
    assert page.headers["content-security-policy"] == proxy.POLICY
    assert (page.headers["referrer-policy"], page.headers["x-frame-options"]) == ("no-referrer", "DENY")
    assert page.headers["cache-control"] == "no-store"


def test_nothing_of_who_asks_is_handed_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[dict[str, str]] = []
    place = house.root / "fake" / "n.sock"
    place.parent.mkdir()

    async def echo(scope, receive, send):  # type: ignore[no-untyped-def]
        heard.append({name.decode(): value.decode() for name, value in scope["headers"]})
        headers = [(b"set-cookie", b"voxpop=planted"), (b"location", b"//evil.example/"), (b"x-own", b"1")]
        headers.append((b"content-disposition", 'attachment; filename="h\u00fcfte \u20ac.txt"'.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"said"})

    monkeypatch.setattr(house.desk, "place", lambda cookie: place if cookie == "a" else None)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(echo, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        secrets = {
            "authorization": "Bearer vxp_x",
            "cookie": f"voxpop=portal; {COOKIE}=a",
            "x-forwarded-for": "1.2.3.4",
        }
        answer = httpx.get(f"{house.notebooks}/x", headers=secrets)
        server.should_exit = True
        thread.join(LONG_S)
    assert answer.text == "said"
    assert not {"set-cookie", "location", "x-own"} & set(answer.headers)
    assert set(heard[0]) <= {"host", "accept", "accept-encoding"}


def test_a_ticket_lets_in_once_and_nobody_comes_in_without_one(house: House, inside: httpx.Client) -> None:
    address = house.address(house.client("mia"))
    assert re.fullmatch(rf"{house.notebooks}/enter\?ticket=[\w-]{{43}}", address)
    first, again = httpx.get(address), httpx.get(address)
    assert (first.status_code, again.status_code) == (200, 403)
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "samesite=strict" in first.headers["set-cookie"].lower()
    portal = house.client("mia").cookies["voxpop"]
    for cookie in ("", f"voxpop={portal}", f"{COOKIE}={portal}", f"{COOKIE}=x", f"__Host-{COOKIE}={portal}"):
        for path in ("/lab", "/api/contents", "/enter?ticket=x", f"/enter?ticket={portal}"):
            assert httpx.get(f"{house.notebooks}{path}", headers={"cookie": cookie}).status_code == 403, (cookie, path)


def test_a_ticket_that_is_too_old_lets_nobody_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "TICKET_S", -1.0)
    assert httpx.get(house.address(house.client("mia"))).status_code == 403


def test_each_person_has_a_notebook_of_their_own(house: House, inside: httpx.Client) -> None:
    iker = house.enter("iker")
    assert run(house, inside, "import os; open(os.path.expanduser('~/of-mia'), 'w')") == ""
    assert "of-mia" not in [one["name"] for one in iker.get("/api/contents").json()["content"]]


@pytest.mark.parametrize("name", ["olga", "dolores", "carmen", "teo"])
def test_who_may_have_no_terminal_has_no_notebook(house: House, name: str) -> None:
    assert house.bank.post(house.client(name), FORM).status in (403, 404)
    assert "Open a notebook" not in house.client(name).get(f"/appliances/{APPLIANCE}").text


def test_a_request_from_another_origin_is_refused_though_the_cookie_comes_with_it(
    house: House, inside: httpx.Client
) -> None:
    foreign = {"origin": house.portal}
    assert inside.post("/api/kernels", json={}, headers=foreign).status_code == 403
    assert inside.get("/api/contents", headers={"sec-fetch-site": "same-site"}).status_code == 403
    assert inside.get("/lab", headers={"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}).status_code == 200
    assert inside.get("/files/x.js", headers={"service-worker": "script"}).status_code == 403
    assert inside.get("/lab", headers={"host": "evil.example"}).status_code == 400
    with pytest.raises(InvalidStatus, match="403"):
        talk(house, inside, "/api/kernels/x/channels", origin=house.portal)


def test_a_request_that_is_too_large_is_refused(
    house: House, inside: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "MOST_BYTES", 1000)
    assert inside.put("/api/contents/x", content=b"x" * 2000).status_code == 413


@pytest.mark.parametrize("how", ["sign-out", "the grant", "the role", "the account", "the appliance", "the notebook"])
def test_a_notebook_ends_when_what_allowed_it_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(desks, "LOOK_EVERY_S", 0.05)
    with opened_house(tmp_path) as house:
        portal = house.client("mia")
        browser = httpx.Client(base_url=house.notebooks, headers={"origin": house.notebooks}, timeout=LONG_S)
        browser.get(house.address(portal))
        with talk(house, browser, "/api/events/subscribe") as channel:
            assert house.events() == [("notebook.opened", "Mia Example")]
            if how == "sign-out":
                assert house.bank.post(portal, "/sign-out").status == 303
            elif how == "the grant":
                house.bank.system.volumes.revoke(VOLUME, "Mia Example", "tester")
            elif how == "the role":
                house.bank.system.access.leave(Membership(PROJECT, "mia", PROJECT_ROLES["mia"]), "tester")
            elif how == "the account":
                house.bank.system.access.enable("mia", "tester", enabled=False)
            elif how == "the appliance":
                house.bank.system.appliances.remove(APPLIANCE, "tester", "done")
            else:
                browser.post("/api/shutdown")
            for _ in channel:  # to its end
                pass
        until(lambda: browser.get("/lab").status_code == 403)  # it answers no more before it is seen to end
    assert house.events() == [("notebook.opened", "Mia Example"), ("notebook.closed", "Mia Example")]


def test_a_program_opens_one_by_its_token_and_it_ends_with_the_token(house: House) -> None:
    secret = token(house.bank, "ada")
    words = [sys.executable, "-m", "voxpop", "--server", house.portal, "appliance", "notebook", APPLIANCE]
    environment = {**os.environ, "VOXPOP_TOKEN": secret}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert done.returncode == 0, done.stderr
    browser = httpx.Client(base_url=house.notebooks)
    assert browser.get(done.stdout.strip()).status_code == 200
    assert browser.get("/api/contents").status_code == 200
    found, account = house.bank.system.entrance.token(secret)
    house.bank.system.entrance.revoke_token(account, found.id)
    house.desk.look()
    assert browser.get("/api/contents").status_code == 403


def test_without_a_server_the_command_says_where_notebooks_are() -> None:
    words = [sys.executable, "-m", "voxpop", "appliance", "notebook", APPLIANCE]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert done.returncode == 1
    assert "open it in the portal, or name the server by --server" in done.stderr


def test_an_appliance_without_the_recipe_and_a_server_without_the_origin_give_none(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    client = bank.client("mia")
    assert "Open a notebook" not in client.get(f"/appliances/{APPLIANCE}").text
    assert (refused := bank.post(client, FORM)).status == 409
    assert "otebooks are not served here" in refused.text
    with Desk(terminals(bank.system).open_notebook, 1) as desk:
        app = create_app(bank.system, notebooks=desk)
        refused = replace(bank, app=app).post(client := replace(bank, app=app).client("mia"), FORM)
        assert "Open a notebook" not in client.get(f"/appliances/{APPLIANCE}").text
    assert refused.status == 409
    assert "gives no notebook" in refused.text


@pytest.mark.parametrize("planted", ["link", "file", "hanging link"])
def test_what_a_person_planted_in_the_place_of_the_socket_is_not_followed(tmp_path: Path, planted: str) -> None:
    place, other = tmp_path / ".notebook.sock", tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(other))
        if planted == "file":
            place.write_text("x")
        else:
            place.symlink_to(other if planted == "link" else tmp_path / "none")
        with pytest.raises(NotebookEnded), reached(place):
            pass
        with reached(other) as path, socket.socket(socket.AF_UNIX) as knocking:
            listener.listen()
            knocking.connect(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket to another")
def test_a_socket_of_another_is_not_connected_to(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "n.sock"))
        os.chown(tmp_path / "n.sock", 12345, 12345)
        with pytest.raises(NotebookEnded), reached(tmp_path / "n.sock"):
            pass


class Silent:
    """A notebook that never listens."""

    alive = True
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_notebook_that_does_not_start_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "START_S", 0.0)
    silent = Silent()

    def opens(appliance: ApplianceId, account: str, person: str) -> tuple[Terminal, Path]:
        return silent, tmp_path / "none"  # type: ignore[return-value]  # no more is asked of it

    with Desk(opens, 1) as desk, pytest.raises(NotebookEnded):
        desk.admit(Guest("mia", "Mia", APPLIANCE, lambda: True))
    assert silent.closed == 1


def test_no_more_notebooks_are_opened_for_one_person_than_four(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "n.sock"))
        listener.listen()
        with Desk(lambda *_: (Silent(), tmp_path / "n.sock"), 1) as desk:  # type: ignore[arg-type, return-value]
            guests = [Guest("mia", "Mia", ApplianceId(f"a-a{number}"), lambda: True) for number in range(5)]
            for guest in [*guests[:4], guests[0]]:
                desk.admit(guest)
            with pytest.raises(TooManyNotebooks):
                desk.admit(guests[4])


def test_the_server_that_is_started_serves_notebooks_beside_the_portal_and_ends_them_with_it(tmp_path: Path) -> None:
    bank = bank_with_notebooks(tmp_path)
    words = [sys.executable, "-m", "voxpop", "serve", "--work", str(tmp_path / "work"), "--port", "0"]
    server = subprocess.Popen([*words, "--no-worker"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        portal = server.stdout.readline().split()[-1]
        mia = bank.client("mia")
        cookie, csrf = {"cookie": f"voxpop={mia.cookies['voxpop']}"}, {"csrf": mia.headers["x-test-csrf"]}
        sent = httpx.post(f"{portal}{FORM[1:]}", headers=cookie, data=csrf, timeout=LONG_S)
        assert sent.status_code == 303, sent.text
        browser = httpx.Client(timeout=LONG_S)
        assert browser.get(sent.headers["location"]).status_code == 200
        origin = sent.headers["location"].partition("/enter")[0]
        assert origin != portal.rstrip("/")
        assert browser.get(f"{origin}/api/contents").status_code == 200
        server.terminate()
        assert server.wait(LONG_S) == 0
    finally:
        server.kill()
        server.communicate()
    actions = [one.event.action for one in bank.system.ledger.links(f"appliance:{APPLIANCE}")]
    assert actions[-2:] == ["notebook.opened", "notebook.closed"]


def test_behind_a_reverse_proxy_notebooks_have_an_address_of_their_own_or_are_not_served(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    web = bank.system.settings.web
    web.base_url = "https://bank.example.org"
    with _notebooks(bank.system, "127.0.0.1") as none:
        assert none is None
    web.notebook_url = "https://notebooks.example.org/"
    with _notebooks(bank.system, "127.0.0.1") as served:
        assert served is not None
        assert served.desk.origin("bank.example.org") == "https://notebooks.example.org"
        browser = TestClient(served.app, base_url="https://notebooks.example.org")
        assert browser.get("/lab").status_code == 403
        assert TestClient(served.app, base_url="https://other.example.org").get("/lab").status_code == 400


def test_under_tls_the_cookie_is_for_tls_alone_and_bound_to_the_host(house: House) -> None:
    browser = TestClient(create_notebooks(house.bank.system, house.desk), base_url="https://127.0.0.1")
    answer = browser.get(house.address(house.client("mia")).replace("http:", "https:"))
    assert answer.headers["set-cookie"].startswith("__Host-voxpop-notebook=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


def test_one_end_that_cannot_be_written_down_keeps_no_other_notebook_open(tmp_path: Path) -> None:
    class Unwritten(Silent):
        def close(self) -> None:
            super().close()
            raise OSError

    first, second = Unwritten(), Silent()
    waiting = [first, second]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "n.sock"))
        listener.listen()

        def opens(appliance: ApplianceId, account: str, person: str) -> tuple[Terminal, Path]:
            return waiting.pop(0), tmp_path / "n.sock"  # type: ignore[return-value]  # no more is asked of it

        with Desk(opens, 1) as desk:
            for name in ("mia", "iker"):
                desk.admit(Guest(name, name.title(), APPLIANCE, lambda: True))
    assert (first.closed, second.closed) == (1, 1)


def test_a_look_between_the_ticket_and_the_cookie_ends_nothing(tmp_path: Path) -> None:
    looks = ["once"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "n.sock"))
        listener.listen()

        def looking() -> bool:
            if looks:
                looks.pop()
                desk.look()
            return True

        with Desk(lambda *_: (Silent(), tmp_path / "n.sock"), 1) as desk:  # type: ignore[arg-type, return-value]
            cookie = desk.enter(desk.admit(Guest("mia", "Mia", APPLIANCE, looking)))
            assert cookie is not None
            assert desk.place(cookie) is not None


def test_where_a_right_cannot_be_looked_up_it_has_ended(tmp_path: Path) -> None:
    def away() -> bool:
        raise OSError

    silent = Silent()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "n.sock"))
        listener.listen()
        with Desk(lambda *_: (silent, tmp_path / "n.sock"), 1) as desk:  # type: ignore[arg-type, return-value]
            ticket = desk.admit(Guest("mia", "Mia", APPLIANCE, away))
            assert desk.enter(ticket) is None
            desk.look()
            assert silent.closed == 1


@pytest.mark.needs("chromium")
def test_a_person_opens_jupyterlab_from_the_portal_and_what_runs_there_cannot_act_in_the_portal(house: House) -> None:
    client = house.client("mia")
    with chromium() as browser:
        context = browser.new_context()
        context.add_cookies(
            [{"name": "voxpop", "value": client.cookies["voxpop"], "url": house.portal, "httpOnly": True}]
        )
        page = context.new_page()
        page.goto(f"{house.portal}/appliances/{APPLIANCE}")
        page.get_by_role("button", name="Open a notebook").click()
        page.wait_for_url(re.compile(f"{house.notebooks}/lab.*"))
        page.locator(".jp-LauncherCard[title*='Python 3']").first.click(timeout=LONG_S * 1000)
        cell = page.locator(".jp-Notebook .jp-Cell .cm-content").first
        cell.click(timeout=LONG_S * 1000)
        page.keyboard.type("from IPython.display import HTML; HTML('<b id=\"shown\">' + str(6 * 7) + '</b>')")
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(
            timeout=LONG_S * 1000
        )  # else it runs nothing
        page.keyboard.press("Control+Enter")
        expect(page.locator("#shown")).to_have_text("42", timeout=LONG_S * 1000)
        # the portal's cookie goes with these, for its port is another and its site the same
        tries = """async (portal) => {
            const tried = async (path, more) => {
                try { return (await fetch(portal + path, {credentials: 'include', ...more})).status }
                catch (refused) { return 'refused' }
            }
            return [await tried('/'), await tried('/sign-out', {method: 'POST', mode: 'no-cors', body: 'x=1'})]
        }"""
        assert page.evaluate(tries, house.portal) == ["refused", "refused"]
        form = """(portal) => { const form = document.createElement('form'); form.method = 'post';
            form.action = portal + '/sign-out'; document.body.append(form); form.submit() }"""
        page.evaluate(form, house.portal)
        assert client.get("/").status_code == 200  # it did not sign out
        cookie = client.cookies["voxpop"]
        headers = {"cookie": f"voxpop={cookie}", "origin": house.notebooks, "sec-fetch-site": "same-site"}
        csrf = {"csrf": client.headers["x-test-csrf"]}
        assert httpx.post(f"{house.portal}/sign-out", headers=headers, data=csrf).status_code == 403
        context.close()
