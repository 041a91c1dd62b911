"""Every route, every role: the permission table decides, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route
from tests.bank import APPLIANCE, PROJECT, PROJECT_ROLES, RUN, SITE_ROLES, VOLUME, Bank, bank_with_results

from voxpop.access.model import ProjectRole, Role
from voxpop.access.permissions import TABLE, Action
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.roles import packed
from voxpop.web.app import areas, create_app
from voxpop.web.area import GUARDED
from voxpop.web.ask import READING

IDS = {
    "application": PROJECT, "volume": VOLUME, "appliance": APPLIANCE, "run": RUN, "release": f"{RUN}-x1",
    "participant": "sub-aaaa", "path": "participants.tsv", "token": "none", "archive": "none", "name": "none",
    "site": "none", "provider": "none", "webhook": "none", "study": "1.2", "series": "1.2", "instance": "1.2",
    "frames": "1", "recipe": "none", "version": "1.0.0",
}  # fmt: skip
PEOPLE = ("", *sorted({*SITE_ROLES, *PROJECT_ROLES}))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    made = bank_with_results(tmp_path_factory.mktemp("bank"))
    made.system.releases.ask(RUN, ["outputs/group.json"], "Ada Example", "a talk")
    return made


def page_routes(bank: Bank) -> Iterator[tuple[str, str, Action]]:
    for area in areas():
        for route in area.router.routes:
            if isinstance(route, APIRoute):
                assert route.openapi_extra is not None
                yield next(iter(route.methods)), route.path, Action(route.openapi_extra[GUARDED])


def test_every_route_names_its_row_of_the_permission_table(bank: Bank) -> None:
    def unguarded(routes: list[BaseRoute]) -> Iterator[str]:
        for route in routes:
            if isinstance(route, Mount):
                assert route.path == "/static", route.path
            elif isinstance(route, APIRoute):
                if (route.openapi_extra or {}).get(GUARDED) not in set(Action):
                    yield route.path
            elif isinstance(route, Route):
                yield route.path

    open_to_all = {"/openapi.json", "/api/v1/openapi.json"}
    assert set(unguarded(list(create_app(bank.system).routes))) <= open_to_all


def test_every_websocket_names_its_row_of_the_permission_table() -> None:
    sockets = {path: action for area in areas() for path, action in area.sockets.items()}
    assert sockets == {"/appliances/{appliance}/terminal/socket": Action.APPLIANCE_SHELL}


def test_every_action_has_a_row_and_a_route_or_is_told_of_elsewhere(bank: Bank) -> None:
    assert set(TABLE) == set(Action)


def expected(person: str, action: Action, kind: str) -> str:
    """Say what the table gives, worked out here by itself."""
    rule = TABLE[action]
    if rule.everyone:
        return "let in"
    if not person:
        return "sign in"
    site = {SITE_ROLES[person]} if person in SITE_ROLES else set[Role]()
    project = {PROJECT_ROLES[person]} if kind and person in PROJECT_ROLES else set[ProjectRole]()
    if kind in READING and not (TABLE[READING[kind]].site & site or TABLE[READING[kind]].project & project):
        return "absent"
    return "let in" if rule.signed_in or rule.site & site or rule.project & project else "forbidden"


def seen(bank: Bank, person: str, method: str, path: str) -> str:
    client = bank.client(person)
    answer = (
        client.get(path) if method == "GET" else client.post(path, data={"csrf": client.headers.get("x-test-csrf", "")})
    )
    code = re.search(r"<small>\d+ · ([a-z-]+)</small>", answer.text) or re.search(r'"code":"([a-z-]+)"', answer.text)
    if answer.status_code == 303 and answer.headers["location"].startswith("/sign-in") and not person:
        return "sign in"
    assert answer.status_code != 500, (person, method, path, answer.text[-800:])
    outcomes = {"not-allowed": "forbidden", "subject-absent": "absent", "sign-in-wanted": "sign in"}
    return outcomes.get(code.group(1), "let in") if code else "let in"


@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_lets_in_whom_the_table_lets_in(bank: Bank, person: str) -> None:
    surprises = []
    for method, template, action in page_routes(bank):
        kinds = [kind for kind in READING if f"{{{kind}}}" in template]
        kind = kinds[0] if kinds else ""
        path = re.sub(r"\{(\w+)(:path)?\}", lambda found: str(IDS[found.group(1)]), template)
        wanted, found = expected(person, action, kind), seen(bank, person, method, path)
        late = wanted == "let in" and found == "absent" and "{path}" not in template  # let in, and then nothing there
        if found != wanted and not (late or (wanted, found) == ("let in", "absent")):
            surprises.append((person, method, template, wanted, found))
    assert surprises == []


def test_a_machine_without_an_account_fetches_a_recipes_role_by_its_digest(bank: Bank, repo: Path) -> None:
    recipe = find_recipes(repo / "recipes")["octave"]
    answer = bank.client().get(f"/roles/{packed(recipe).name}")
    assert answer.status_code == 200
    assert answer.content == packed(recipe).content
    for other in ("octave-0000.tar.gz", "no-such-recipe-0000.tar.gz", "octave", "..%2Foctave"):
        assert bank.client().get(f"/roles/{other}").status_code == 404


def test_what_the_roles_are_for_is_not_mixed_up() -> None:
    assert TABLE[Action.APPLICATION_REVIEW].site == {Role.COMMITTEE}
    assert Role.COMMITTEE not in TABLE[Action.VOLUME_OPEN].site
    assert Role.AUDITOR not in TABLE[Action.VOLUME_OPEN].site
    assert TABLE[Action.RELEASE_DECIDE].site == {Role.DATA_MANAGER}
    assert not TABLE[Action.RELEASE_DECIDE].project
    assert TABLE[Action.PEOPLE_MANAGE].site == {Role.TECHNICAL_MANAGER}
    changing = [action for action in Action if Role.AUDITOR in TABLE[action].site]
    assert all(action.value.split(".")[-1] in ("read", "verify", "list") for action in changing), changing


def test_a_thing_of_another_project_is_answered_as_one_that_is_not_there(bank: Bank) -> None:
    stranger = bank.client("olga")
    for kind, known in (("applications", PROJECT), ("volumes", VOLUME), ("runs", RUN), ("results", RUN)):
        there, absent = stranger.get(f"/{kind}/{known}"), stranger.get(f"/{kind}/no-such-thing")
        assert (there.status_code, absent.status_code) == (404, 404)
        assert _main(there.text).replace(known, "X") == _main(absent.text).replace("no-such-thing", "X")


def _main(text: str) -> str:
    return text[text.index("<main") : text.index("</main>")]


def test_a_role_that_is_taken_away_in_the_middle_of_a_session_is_gone_at_the_next_request(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    auditor = bank.client("aurora")
    assert auditor.get("/audit").status_code == 200
    bank.system.access.set_roles("aurora", [], "tester")
    assert auditor.get("/audit").status_code == 403
    bank.system.access.enable("aurora", "tester", enabled=False)
    assert auditor.get("/").headers["location"].startswith("/sign-in")
