"""Sign-in and sign-out with real OpenID providers: oidc-provider on Node, and Chromium, against the portal."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.testclient import TestClient
from tests.oidc.fake import FakeProvider, fake_provider, hmac_with_public_key, unsigned
from tests.oidc.real import SECRET, RealProvider, client, node_modules, real_provider

from voxpop.access.model import Account, Role
from voxpop.kernel.clock import SystemClock
from voxpop.web.app import create_app
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

VO = "urn:mace:egi.eu:group:popimg.example.org"
MEMBER, KEEPER = f"{VO}:role=member#aai.egi.eu", f"{VO}:keepers:role=member#aai.egi.eu"
ADA: dict[str, Any] = {
    "name": "Ada Ferrer",
    "preferred_username": "ada",
    "email": "ada@example.org",
    "eduperson_entitlement": [MEMBER, KEEPER],
}
BEA: dict[str, Any] = {"name": "Ada Ferrer", "preferred_username": "ada", "groups": ["staff"]}
pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True)
class Portal:
    system: System
    url: str

    def account(self, issuer: str, subject: str) -> Account:
        found = self.system._people.of_subject(issuer, subject)
        assert found is not None
        return found

    def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        events = [link.event for link in self.system.ledger.links()]
        return [(one.action, one.subject, dict(one.facts)) for one in events]


@contextmanager
def portal(root: Path, listener: socket.socket, providers: list[str]) -> Iterator[Portal]:
    """Serve a portal on loopback with some providers in its settings."""
    work = open_work(root / "work", create=True)
    (work.root / "voxpop.toml").write_text("\n".join(providers))
    system = System(work, read_settings(work.root, "tester"), SystemClock())
    server = uvicorn.Server(uvicorn.Config(create_app(system), log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Portal(system, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()


def settings(name: str, title: str, issuer: str, more: str) -> str:
    scopes = json.dumps(["openid", "profile", "email", "eduperson_entitlement", "groups"])
    return (
        f'[[providers]]\nname = "{name}"\ntitle = "{title}"\nissuer = "{issuer}"\nclient_id = "voxpop"\n'
        f"scopes = {scopes}\n{more}\n"
    )


@dataclass(frozen=True)
class World:
    portal: Portal
    egi: RealProvider
    uni: RealProvider


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two real providers, one with a secret and one without, and a portal that knows both."""
    folder = tmp_path_factory.mktemp("oidc")
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    modules = node_modules(folder / "front-end")
    (folder / "secret").write_text(SECRET + "\n")
    with (
        real_provider("egi", modules, folder, [client(url, "egi")]) as egi,
        real_provider("uni", modules, folder, [client(url, "uni", public=True)]) as uni,
    ):
        egi_rules = (
            f'client_secret_file = "{folder / "secret"}"\nroles = {{ "{MEMBER}" = "researcher", '
            f'"{VO}:keepers:*" = "data-manager" }}\ngroups = {{ "{VO}:*" = "imaging" }}'
        )
        uni_rules = 'roles = { "staff" = "committee" }'
        known = [settings("egi", "EGI", egi.issuer, egi_rules), settings("uni", "Uni", uni.issuer, uni_rules)]
        with portal(folder, listener, known) as here:
            yield World(here, egi, uni)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    # without scripts: a sign-in must not need them
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def sign_in(page: Page, world: World, title: str, login: str) -> None:
    page.goto(f"{world.portal.url}/sign-in?next=/account")
    page.get_by_role("link", name=f"Sign in with {title}").click()
    if "/interaction/" in page.url:
        page.get_by_label("Login").fill(login)
        page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{world.portal.url}/**")


@pytest.mark.needs("node", "chromium")
def test_a_browser_signs_in_and_has_the_roles_of_its_entitlements(world: World, page: Page) -> None:
    world.egi.set_accounts({"s-1": ADA})
    sign_in(page, world, "EGI", "s-1")
    assert page.url == f"{world.portal.url}/account"
    assert page.get_by_role("link", name="Ada Ferrer").is_visible()
    account = world.portal.account(world.egi.issuer, "s-1")
    assert account.roles == {Role.RESEARCHER, Role.DATA_MANAGER}
    assert [(group.name, group.members) for group in world.portal.system.access.groups()] == [
        ("imaging", (account.name,))
    ]
    made = [facts for action, subject, facts in world.portal.events() if action == "account.made"]
    assert made[-1]["issuer"] == world.egi.issuer
    assert [cookie["name"] for cookie in page.context.cookies(world.portal.url) if "pending" in cookie["name"]] == []


@pytest.mark.needs("node", "chromium")
def test_a_role_that_was_taken_away_at_the_provider_is_gone_at_the_next_sign_in(world: World, page: Page) -> None:
    world.egi.set_accounts({"s-2": ADA})
    sign_in(page, world, "EGI", "s-2")
    assert page.goto(f"{world.portal.url}/archives").status == 200  # type: ignore[union-attr]
    world.egi.set_accounts({"s-2": {**ADA, "eduperson_entitlement": []}})
    page.context.clear_cookies()
    sign_in(page, world, "EGI", "s-2")
    account = world.portal.account(world.egi.issuer, "s-2")
    assert account.roles == frozenset()
    assert all(account.name not in group.members for group in world.portal.system.access.groups())
    assert page.goto(f"{world.portal.url}/archives").status == 403  # type: ignore[union-attr]


@pytest.mark.needs("node", "chromium")
def test_two_providers_stand_side_by_side_and_nobody_is_taken_for_another(world: World, page: Page) -> None:
    world.egi.set_accounts({"same": ADA})
    world.uni.set_accounts({"same": BEA})
    sign_in(page, world, "EGI", "same")
    page.context.clear_cookies()
    sign_in(page, world, "Uni", "same")
    one, other = world.portal.account(world.egi.issuer, "same"), world.portal.account(world.uni.issuer, "same")
    assert one.name != other.name
    assert one.person != other.person
    assert other.roles == {Role.COMMITTEE}
    assert "Uni" in other.person


@pytest.mark.needs("node", "chromium")
def test_signing_out_here_signs_out_there_in_chromium(world: World, page: Page) -> None:
    world.egi.set_accounts({"s-3": ADA})
    sign_in(page, world, "EGI", "s-3")
    account = world.portal.account(world.egi.issuer, "s-3")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(f"{world.egi.issuer}/**")  # by itself, and without a script
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url(f"{world.portal.url}/sign-in/signed-out?**")
    assert page.get_by_role("status").inner_text() == "You have signed out, here and at EGI."
    page.goto(f"{world.portal.url}/account")
    assert "/sign-in" in page.url
    page.get_by_role("link", name="Sign in with EGI").click()
    assert "/interaction/" in page.url  # the provider asks again who it is
    ended = [subject for action, subject, _ in world.portal.events() if action == "session.ended"]
    assert f"account:{account.name}" in ended


@pytest.mark.needs("node", "chromium")
def test_signing_out_there_ends_every_session_here(world: World, chromium: Browser) -> None:
    world.egi.set_accounts({"s-4": ADA})
    first, second = chromium.new_context(), chromium.new_context()
    one, other = first.new_page(), second.new_page()
    sign_in(one, world, "EGI", "s-4")
    sign_in(other, world, "EGI", "s-4")
    one.goto(f"{world.egi.issuer}/session/end")
    one.get_by_role("button", name="Yes").click()
    one.wait_for_load_state()
    other.goto(f"{world.portal.url}/account")
    assert "/sign-in" in other.url
    first.close()
    second.close()


@pytest.mark.needs("node", "chromium")
def test_whom_the_provider_does_not_know_is_told_so(world: World, page: Page) -> None:
    world.egi.set_accounts({})
    sign_in(page, world, "EGI", "nobody")
    assert page.get_by_role("alert").inner_text() == "'EGI' did not sign you in: try again, or sign in another way."


# What a browser would not do by itself, by hand and against the fake.


@dataclass
class Hand:
    """A browser that follows nothing by itself."""

    portal: Portal
    fake: FakeProvider
    browser: httpx.Client

    def leave(self, path: str = "/sign-in/with/fake?next=/runs") -> str:
        answer = self.browser.get(self.portal.url + path)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def arrive(self, address: str) -> httpx.Response:
        return self.browser.get(address)

    def sign_in(self) -> httpx.Response:
        return self.arrive(self.fake.back(self.leave()))

    def signed_in(self) -> bool:
        return self.browser.get(f"{self.portal.url}/account").status_code == 200


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    listener = socket.create_server(("127.0.0.1", 0))
    with fake_provider() as fake:
        known = [settings("fake", "Fake", fake.issuer, 'roles = { "staff" = "researcher" }')]
        with portal(tmp_path, listener, known) as here, httpx.Client() as browser:
            yield Hand(here, fake, browser)


def test_an_honest_sign_in_by_hand_goes_on_to_where_it_was_going(hand: Hand) -> None:
    answer = hand.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert hand.signed_in()
    asked = dict(parse_qsl(urlsplit(Hand(hand.portal, hand.fake, httpx.Client()).leave()).query))
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{hand.portal.url}/sign-in/with/fake/return"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def test_an_answer_that_is_replayed_is_refused_though_the_browser_kept_everything(hand: Hand) -> None:
    address = hand.fake.back(hand.leave())
    kept = dict(hand.browser.cookies)
    assert hand.arrive(address).status_code == 303
    with httpx.Client(cookies=kept) as thief:
        answer = thief.get(address)
    assert answer.status_code == 409
    assert "used already" in answer.text
    assert ("session.refused", "provider:fake", {"code": "sign-in-stale"}) in hand.portal.events()
    assert hand.fake.asked.count("/token") == 1


def test_a_code_that_is_replayed_in_a_sign_in_of_its_own_is_refused(hand: Hand) -> None:
    old = dict(parse_qsl(urlsplit(hand.fake.back(hand.leave())).query))
    hand.arrive(f"{hand.portal.url}/sign-in/with/fake/return?code={old['code']}&state={old['state']}")
    with httpx.Client() as thief:
        other = Hand(hand.portal, hand.fake, thief)
        state = dict(parse_qsl(urlsplit(other.leave()).query))["state"]
        answer = other.arrive(f"{hand.portal.url}/sign-in/with/fake/return?code={old['code']}&state={state}")
        assert answer.status_code == 403
        assert not other.signed_in()


def test_an_answer_in_a_browser_that_began_nothing_is_refused(hand: Hand) -> None:
    address = hand.fake.back(hand.leave())
    with httpx.Client() as victim:
        answer = victim.get(address)
        assert answer.status_code == 409
        assert "/token" not in hand.fake.asked
        assert "another browser" in answer.text


def _nonce(fake: FakeProvider) -> None:
    fake.claims = {"nonce": "of another sign-in"}


def _none(fake: FakeProvider) -> None:
    fake.id_token = unsigned


def _confused(fake: FakeProvider) -> None:
    fake.id_token = hmac_with_public_key


def _expired(fake: FakeProvider) -> None:
    fake.claims = {"exp": 1}


@pytest.mark.parametrize("lie", [_nonce, _none, _confused, _expired])
def test_a_token_that_proves_nothing_lets_nobody_in(hand: Hand, lie: Callable[[FakeProvider], None]) -> None:
    lie(hand.fake)
    answer = hand.sign_in()
    assert answer.status_code == 403
    assert answer.text.count('role="alert"') == 1
    assert not hand.signed_in()
    assert hand.portal.system.access.every() == []
    assert ("session.refused", "provider:fake", {"code": "identity-refused"}) in hand.portal.events()


def test_a_disabled_account_stays_out(hand: Hand) -> None:
    hand.sign_in()
    account = hand.portal.account(hand.fake.issuer, "s-1")
    hand.portal.system.access.enable(account.name, "tester", enabled=False)
    hand.browser.cookies.clear()
    assert hand.sign_in().status_code == 403
    assert not hand.signed_in()


def test_a_provider_that_is_down_is_one_sentence(hand: Hand) -> None:
    hand.fake.paths["/.well-known/openid-configuration"] = (500, {}, b"")
    answer = hand.browser.get(f"{hand.portal.url}/sign-in/with/fake")
    assert answer.status_code == 503
    assert "&#39;Fake&#39; does not answer now: try again" in answer.text
    assert 'name="password"' in answer.text  # the other way is still there


def test_a_provider_of_no_name_is_not_found(hand: Hand) -> None:
    assert hand.browser.get(f"{hand.portal.url}/sign-in/with/nobody").status_code == 404
    assert hand.browser.get(f"{hand.portal.url}/sign-in/with/nobody/return?code=a&state=b").status_code == 404


def test_a_link_to_a_view_leads_there_by_a_provider_also_after_a_try_that_failed(hand: Hand) -> None:
    view = "/volumes/a-v1/participants/sub-a?window=bone&mm=1.50%2C-2.00%2C0.00"
    way = f"/sign-in/with/fake?next={quote(view, safe='')}"
    failed = hand.arrive(hand.fake.back(hand.leave(way)).replace("code=", "error=access_denied&was="))
    assert failed.status_code == 409
    assert "error=access_denied" not in failed.text  # the address of the form is its own
    again = re.search('href="(/sign-in/with/fake[^"]*)"', failed.text)
    assert again is not None
    assert hand.arrive(hand.fake.back(hand.leave(again.group(1)))).headers["location"] == view


@pytest.mark.parametrize("back", ["https://evil.example.org", "//evil.example.org", "/\\evil"])
def test_a_sign_in_leads_to_no_other_site(hand: Hand, back: str) -> None:
    address = hand.fake.back(hand.leave(f"/sign-in/with/fake?next={back}"))
    assert hand.arrive(address).headers["location"] == "/"


def test_a_provider_that_is_down_does_not_keep_anyone_signed_in(hand: Hand) -> None:
    hand.sign_in()
    hand.portal.system.providers._doors["fake"].provider._metadata = None  # type: ignore[attr-defined]
    hand.fake.paths["/.well-known/openid-configuration"] = (500, {}, b"")
    page = hand.browser.get(f"{hand.portal.url}/account").text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    answer = hand.browser.post(f"{hand.portal.url}/sign-out", data={"csrf": csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not hand.signed_in()


def test_a_logout_token_that_is_none_is_refused(hand: Hand) -> None:
    hand.sign_in()
    for token in ("", "a.b.c", unsigned({"sub": "s-1"})):
        answer = hand.browser.post(f"{hand.portal.url}/sign-in/with/fake/logout", data={"logout_token": token})
        assert answer.status_code in (400, 403)
    assert hand.signed_in()


def test_behind_tls_the_cookie_is_bound_to_this_host_and_the_address_is_the_settings(tmp_path: Path) -> None:
    work = open_work(tmp_path / "work", create=True)
    with fake_provider() as fake:
        known = ['[web]\nbase_url = "https://bank.example.org/"\n', settings("fake", "Fake", fake.issuer, "")]
        (work.root / "voxpop.toml").write_text("".join(known))
        app = create_app(System(work, read_settings(work.root, "tester"), SystemClock()))
        browser = TestClient(app, base_url="https://127.0.0.1", follow_redirects=False)
        answer = browser.get("/sign-in/with/fake")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-voxpop-pending=")
        assert {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
        asked = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        assert asked["redirect_uri"] == "https://bank.example.org/sign-in/with/fake/return"
        back = urlsplit(fake.back(answer.headers["location"]))
        arrived = browser.get(f"{back.path}?{back.query}")
        assert (arrived.status_code, arrived.headers["location"]) == (303, "/")
        assert '__Host-voxpop-pending=""; ' in ", ".join(arrived.headers.get_list("set-cookie"))
