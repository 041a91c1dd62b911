"""The API: who may what, how lists are read, how a call is made once, and how what changed is told."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from tests.api import API, caller
from tests.bank import APPLIANCE, NOW, PARTICIPANTS, PROJECT, RUN, VOLUME, Bank, bank_with_results, document, empty_bank

from voxpop.access.model import Membership, ProjectRole
from voxpop.access.permissions import TABLE, Action
from voxpop.flow.rules import Work
from voxpop.store.archives import ConnectedArchive
from voxpop.store.schema import OperationRow
from voxpop.web.api.mounting import areas
from voxpop.web.area import GUARDED

YAML = {"content-type": "application/yaml"}
OTHERS = "others-project"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def fresh(tmp_path: Path) -> Bank:
    return empty_bank(tmp_path)


def schema(bank: Bank) -> dict[str, object]:
    read: dict[str, object] = caller(bank).get("/openapi.json").json()
    return read


def test_the_document_is_openapi_3_1_and_is_there_twice(bank: Bank) -> None:
    program = caller(bank)
    first = program.get("/openapi.json").json()
    assert first["openapi"].startswith("3.1")
    assert first == TestClient(program.app, base_url="http://127.0.0.1").get("/openapi.json").json()
    assert first["security"] == [{"token": []}]


def test_every_operation_names_its_action_and_its_problems(bank: Bank) -> None:
    for path, methods in caller(bank).get("/openapi.json").json()["paths"].items():
        for method, one in methods.items():
            assert Action(one[GUARDED]) in TABLE, path
            assert {"401", "403", "404", "409", "413", "422", "429", "503"} <= set(one["responses"]), (method, path)
            assert re.fullmatch(r"[a-z]+(_[a-z]+)+", one["operationId"]), one["operationId"]
            described = {given["name"] for given in one.get("parameters", ())}
            assert ("Idempotency-Key" in described) == (method == "post"), path


def test_every_field_of_every_answer_is_described(bank: Bank) -> None:
    for name, model in caller(bank).get("/openapi.json").json()["components"]["schemas"].items():
        for field, told in model.get("properties", {}).items():
            assert told.get("description") or "$ref" in told, (name, field)


def test_without_a_token_nothing_is_answered(bank: Bank) -> None:
    for method, path in _every_route():
        answer = caller(bank).request(method, path.removeprefix(API))
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_sessions_cookie_is_no_token(bank: Bank) -> None:
    assert bank.client("ada").get("/api/v1/me").status_code == 401


def test_a_token_that_was_revoked_or_whose_account_is_kept_out_holds_no_more(fresh: Bank) -> None:
    program = caller(fresh, "ada")
    name = program.get("/tokens").json()["items"][0]["token"]
    assert program.delete(f"/tokens/{name}").status_code == 204
    assert program.get("/me").json()["code"] == "token-invalid"
    other = caller(fresh, "olga")
    assert other.get("/me").status_code == 200
    fresh.system.access.enable("olga", "tester", enabled=False)
    assert other.get("/me").status_code == 401


def test_what_may_not_be_read_is_answered_as_if_it_were_not_there(bank: Bank) -> None:
    program = caller(bank, "olga")
    for path in _paths_of_the_project():
        there = program.get(path)
        assert there.status_code == 404, path
    absent = program.get("/volumes/no-such-v1").json()["title"].replace("no-such-v1", VOLUME)
    assert program.get(f"/volumes/{VOLUME}").json()["title"] == absent


def test_a_scope_that_reads_changes_nothing_and_an_action_is_that_action_alone(bank: Bank) -> None:
    reads = caller(bank, "ada", ["read"])
    assert reads.get(f"/volumes/{VOLUME}").status_code == 200
    assert reads.post(f"/runs/{RUN}/cancel", json={}).json()["code"] == "out-of-scope"
    one = caller(bank, "ada", ["run.read"])
    assert one.get(f"/runs/{RUN}").status_code == 200
    assert one.get(f"/volumes/{VOLUME}").status_code == 403


def test_a_token_makes_none_that_does_more_or_lasts_longer(fresh: Bank) -> None:
    program = caller(fresh, "ada", ["read", "account.own"])
    last = program.get("/me").json()["ends_on"]
    wider = program.post("/tokens", json={"label": "x", "scopes": ["write"], "ends_on": last})
    longer = program.post("/tokens", json={"label": "x", "scopes": ["read"], "ends_on": "2999-01-01"})
    assert (wider.json()["code"], longer.json()["code"]) == ("token-too-broad", "token-too-broad")
    made = program.post("/tokens", json={"label": "x", "scopes": ["read"], "ends_on": last})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("vxp_")


def test_no_answer_holds_a_path_of_the_server(bank: Bank) -> None:
    inside = str(bank.system.work.root)
    for name in ("ada", "dolores", "aurora", "teo"):
        program = caller(bank, name)
        for path in (*_paths_of_the_project(), "/volumes", "/runs", "/results", "/archives", "/operations", "/me"):
            assert inside not in program.get(path).text, path


def test_a_list_is_read_in_parts_and_what_is_added_between_does_no_harm(fresh: Bank) -> None:
    for number in range(5):
        name = f"p{number}"
        caller(fresh, "ada").post("/applications", content=document(f"project-{name}"), headers=YAML)
    program = caller(fresh, "ada")
    first = program.get("/applications", params={"limit": 2}).json()
    assert [one["application"] for one in first["items"]] == ["project-p0", "project-p1"]
    program.post("/applications", content=document("aaa-new"), headers=YAML)
    rest = program.get("/applications", params={"limit": 200, "cursor": first["next"]}).json()
    assert [one["application"] for one in rest["items"]] == ["project-p2", "project-p3", "project-p4"]
    assert rest["next"] is None


def test_a_cursor_that_was_edited_or_is_of_another_list_is_refused(bank: Bank) -> None:
    program = caller(bank, "aurora")
    cursor = program.get("/audit", params={"limit": 1}).json()["next"]
    other = "0" if cursor[-1] != "0" else "1"
    for path, text in (("/audit", cursor[:-1] + other), ("/users", cursor), ("/audit", '["x"].abc')):
        answer = program.get(path, params={"cursor": text})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor-invalid"), path


def test_the_audit_log_is_read_newest_first_to_its_beginning(bank: Bank) -> None:
    program, cursor, seen = caller(bank, "aurora"), "", []
    while cursor is not None:
        part = program.get("/audit", params={"limit": 7, "cursor": cursor}).json()
        seen += [one["seq"] for one in part["items"]]
        cursor = part["next"]
    assert seen == list(range(seen[0], 0, -1))


def test_the_same_key_again_is_done_once_and_answered_the_same(bank: Bank) -> None:
    program = caller(bank, "ada")
    headers = {"idempotency-key": "remark-1"}
    first = program.post(f"/applications/{PROJECT}/remarks", json={"text": "once"}, headers=headers)
    again = program.post(f"/applications/{PROJECT}/remarks", json={"text": "once"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    texts = [one["text"] for one in program.get(f"/applications/{PROJECT}/remarks").json()["items"]]
    assert texts.count("once") == 1


def test_the_same_key_with_another_request_is_refused(bank: Bank) -> None:
    program = caller(bank, "ada")
    headers = {"idempotency-key": "remark-2"}
    program.post(f"/applications/{PROJECT}/remarks", json={"text": "this"}, headers=headers)
    other = program.post(f"/applications/{PROJECT}/remarks", json={"text": "that"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


def test_a_key_is_one_accounts_own(bank: Bank) -> None:
    headers = {"idempotency-key": "shared"}
    body = {"text": "mine"}
    path = f"/applications/{PROJECT}/remarks"
    one = caller(bank, "ada").post(path, json=body, headers=headers)
    other = caller(bank, "mia").post(path, json=body, headers=headers)
    assert (one.json()["actor"], other.json()["actor"]) == ("Ada Example", "Mia Example")


def test_of_two_calls_with_one_key_at_the_same_time_one_is_done(bank: Bank) -> None:
    def call(_: int) -> int:
        headers = {"idempotency-key": "at-once"}
        return caller(bank, "ada").post(
            f"/applications/{PROJECT}/remarks", json={"text": "at once"}, headers=headers
        ).status_code  # fmt: skip

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(call, range(4)))
    assert statuses <= {201, 409}
    remarks = bank.system.applications.remarks(PROJECT)
    assert [one.text for one in remarks].count("at once") == 1


def test_a_secret_that_is_told_once_does_not_lie_open_in_the_database(fresh: Bank) -> None:
    program = caller(fresh, "teo")
    body = {"user": "newcomer", "person": "New Comer"}
    made = program.post("/users", json=body, headers={"idempotency-key": "user-1"})
    again = program.post("/users", json=body, headers={"idempotency-key": "user-1"})
    assert made.json() == again.json()
    database = (fresh.system.work.root / "voxpop.db").read_bytes()
    database += (fresh.system.work.root / "voxpop.db-wal").read_bytes()
    assert made.json()["password"].encode() not in database


def test_what_is_known_already_is_not_sent_again(bank: Bank) -> None:
    program = caller(bank, "ada")
    for path in (
        f"/volumes/{VOLUME}",
        f"/runs/{RUN}",
        f"/applications/{PROJECT}/document",
        "/pipelines/bone-density/1.0.0",
    ):
        etag = program.get(path).headers["etag"]
        again = program.get(path, headers={"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b""), path


def test_a_document_is_replaced_only_as_it_was_read(fresh: Bank) -> None:
    program = caller(fresh, "ada")
    made = program.post("/applications", content=document("mine"), headers=YAML)
    assert made.status_code == 201
    assert made.headers["location"] == f"{API}/applications/mine"
    etag = program.get("/applications/mine/document").headers["etag"]
    path = "/applications/mine/document"
    first = program.put(path, content=document("mine", "Second"), headers={**YAML, "if-match": etag})
    stale = program.put(path, content=document("mine", "Third"), headers={**YAML, "if-match": etag})
    assert first.status_code == 200
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert "Second" in program.get(path).text
    renamed = program.put(path, content=document("other"), headers=YAML)
    assert renamed.json()["code"] == "name-fixed"


def test_nobody_writes_over_anothers_draft(fresh: Bank) -> None:
    caller(fresh, "ada").post("/applications", content=document(OTHERS), headers=YAML)
    taken = caller(fresh, "olga").post("/applications", content=document(OTHERS, "Mine now"), headers=YAML)
    assert (taken.status_code, taken.json()["code"]) == (409, "application-exists")
    assert "Mine now" not in caller(fresh, "ada").get(f"/applications/{OTHERS}/document").text


def test_a_document_with_faults_names_lines_and_keeps_nothing(fresh: Bank) -> None:
    program = caller(fresh, "ada")
    for content in (b"name: x\n", b"\xff\xfe", b"- 1\n", b""):
        answer = program.post("/applications", content=content, headers=YAML)
        assert answer.status_code == 422, content
        assert answer.headers["content-type"] == "application/problem+json"
    assert program.get("/applications").json()["items"] == []


def test_an_application_goes_its_whole_way(fresh: Bank) -> None:
    ada, carmen = caller(fresh, "ada"), caller(fresh, "carmen")
    counted = ada.post("/applications/count", content=document("way"), headers=YAML).json()
    assert counted["cost"]["currency"] == "EUR"
    assert {one["available"] for one in counted["groups"]} == {None}
    ada.post("/applications", content=document("way"), headers=YAML)
    assert ada.post("/applications/way/submit").json()["state"] == "submitted"
    assert carmen.post("/applications/way/review").json()["state"] == "in review"
    decided = carmen.post("/applications/way/decisions", json={"decision": "return", "reason": "why so many?"})
    assert decided.json() == {"application": "way", "state": "returned"}
    own = ada.post("/applications/way/decisions", json={"decision": "approve", "reason": "mine"})
    assert own.status_code == 403
    ada.post("/applications/way/submit")
    carmen.post("/applications/way/review")
    approved = carmen.post("/applications/way/decisions", json={"decision": "approve", "reason": "sound"})
    assert approved.json()["state"] == "approved"
    steps = [one["to"] for one in ada.get("/applications/way/history").json()["items"]]
    assert steps == ["submitted", "in review", "returned", "submitted", "in review", "approved"]
    assert ada.post("/applications/way/close", json={"reason": "over"}).json()["state"] == "closed"
    assert ada.post("/applications/way/archive", json={"reason": "over"}).json()["state"] == "archived"


def test_members_come_and_go(bank: Bank) -> None:
    program, path = caller(bank, "ada"), f"/applications/{PROJECT}/members"
    program.post(path, json={"who": "olga", "role": "member"})
    assert caller(bank, "olga").get(f"/runs/{RUN}").status_code == 200
    assert program.delete(path, params={"who": "olga", "role": "member"}).status_code == 204
    assert caller(bank, "olga").get(f"/runs/{RUN}").status_code == 404


def test_work_is_asked_for_and_can_be_followed(bank: Bank) -> None:
    cases = (
        ("dolores", f"/applications/{PROJECT}/stage", Work.STAGE),
        ("dolores", f"/volumes/{VOLUME}/verify", Work.VERIFY),
        ("teo", f"/volumes/{VOLUME}/deploy", Work.SET_UP),
        ("ada", f"/runs/{RUN}/repeat", Work.REPEAT),
        ("ada", f"/runs/{RUN}/report", Work.REPORT),
    )
    for name, path, work in cases:
        program = caller(bank, name)
        asked = program.post(path)
        assert (asked.status_code, asked.json()["work"]) == (202, work.value), path
        followed = asked.headers["location"].removeprefix(API)
        assert program.get(followed).json()["state"] == "waiting", path
        assert caller(bank, "olga").get(followed).status_code == 404
    assert len(caller(bank, "ada").get("/operations").json()["items"]) == len(cases)
    assert caller(bank, "olga").get("/operations").json()["items"] == []


def test_operations_are_listed_by_as_many_questions_however_many_there_are(bank: Bank) -> None:
    program = caller(bank, "aurora")
    shown = len(program.get("/operations").json()["items"])
    before = _statements(bank, lambda: program.get("/operations"))
    facts = {"work": "verify", "subject": f"volume:{VOLUME}", "actor": "Dolores Example", "sentence": ""}
    with Session(bank.system._engine) as session, session.begin():
        session.add_all(OperationRow(id=f"v-{one}", state="done", asked_at=NOW, **facts) for one in range(20))
    after = _statements(bank, lambda: program.get("/operations"))
    assert len(program.get("/operations").json()["items"]) == shown + 20
    assert (sum("FROM operation" in one for one in before), len(before)) == (1, len(after))


def test_the_list_of_operations_holds_what_may_be_read_one_by_one(bank: Bank) -> None:
    subjects = (f"application:{PROJECT}", f"volume:{VOLUME}", f"appliance:{APPLIANCE}", f"run:{RUN}", "archive:pacs")
    bank.system.archive_records.connect(ConnectedArchive("pacs", "folder", {"path": "/nowhere"}), "Dolores Example")
    cases = [(Work.VERIFY, one) for one in (*subjects, "volume:none", "cohort:any")]
    asked = [
        bank.system.operations.ask(work, subject, "Dolores Example", f"seen-{work}-{number}").id
        for number, (work, subject) in enumerate([*cases, (Work.DEPLOY, f"volume:{VOLUME}")])
    ]
    for name in ("ada", "mia", "iker", "carmen", "dolores", "teo", "aurora", "olga"):
        program = caller(bank, name)
        listed = {one["operation"] for one in program.get("/operations", params={"limit": 200}).json()["items"]}
        one_by_one = {one for one in asked if program.get(f"/operations/{one}").status_code == 200}
        assert listed & set(asked) == one_by_one, name
    on_the_run = caller(bank, "ada").get("/operations", params={"subject": f"run:{RUN}"}).json()["items"]
    assert {one["subject"] for one in on_the_run} == {f"run:{RUN}"}


def test_a_run_is_started_with_parameters(bank: Bank) -> None:
    program, path = caller(bank, "ada"), f"/applications/{PROJECT}/runs"
    wrong = program.post(path, json={"parameters": {"nonsense": 1}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "parameter-invalid")
    offered = program.get("/pipelines/bone-density/1.0.0").json()["chosen"]
    number = next(one for one in offered if one["kind"] in ("int", "long", "float", "double"))
    asked = program.post(path, json={"parameters": {number["name"]: str(number["default"] + 1)}})
    run = asked.json()["subject"].removeprefix("run:")
    assert program.get(f"/runs/{run}").json()["parameters"] == {number["name"]: number["default"] + 1}
    assert program.post(f"/runs/{run}/cancel", json={"reason": "no"}).json()["state"] == "cancelled"


def test_a_volumes_files_are_for_who_was_granted_them(bank: Bank) -> None:
    files = caller(bank, "ada").get(f"/volumes/{VOLUME}/files").json()["items"]
    path = f"/volumes/{VOLUME}/files/{files[-1]['path']}"
    assert caller(bank, "ada").get(path).status_code == 200
    assert caller(bank, "aurora").get(path).status_code == 403
    assert caller(bank, "iker").get(path).status_code == 403
    assert caller(bank, "ada").get(f"/volumes/{VOLUME}/files/../../../work.json").status_code == 404
    granted = {one["person"] for one in caller(bank, "dolores").get(f"/volumes/{VOLUME}").json()["grants"]}
    assert "Mia Example" in granted
    caller(bank, "dolores").delete(f"/volumes/{VOLUME}/grants", params={"who": "Mia Example"})
    for closed in (path, f"/volumes/{VOLUME}/participants"):
        refused = caller(bank, "mia").get(closed)
        assert (refused.status_code, refused.json()["code"]) == (409, "volume-not-granted")
    given = caller(bank, "dolores").post(f"/volumes/{VOLUME}/grants", json={"who": "mia"})
    assert given.json()["person"] == "Mia Example"
    assert caller(bank, "mia").get(path).status_code == 200


def test_a_file_comes_whole_or_by_range(bank: Bank) -> None:
    program, path = caller(bank, "ada"), f"/volumes/{VOLUME}/files/participants.tsv"
    whole = program.get(path)
    size = len(whole.content)
    cases = (
        ("bytes=0-4", 206, whole.content[:5]),
        ("bytes=5-", 206, whole.content[5:]),
        ("bytes=-3", 206, whole.content[-3:]),
        ("bytes=0-99999", 206, whole.content),
        ("bytes=x", 200, whole.content),
        ("bytes=0-1,3-4", 200, whole.content),
    )
    for asked, status, content in cases:
        answer = program.get(path, headers={"range": asked})
        assert (answer.status_code, answer.content) == (status, content), asked
    outside = program.get(path, headers={"range": f"bytes={size}-"})
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{size}"
    changed = program.get(path, headers={"range": "bytes=0-4", "if-range": '"other"'})
    assert changed.status_code == 200


def test_participants_and_outcomes_are_told_by_pseudonym(bank: Bank) -> None:
    rows = caller(bank, "ada").get(f"/volumes/{VOLUME}/participants").json()["items"]
    assert [one["participant"] for one in rows] == list(PARTICIPANTS)
    assert rows[0]["facts"]["group"] == "control"
    assert caller(bank, "dolores").get(f"/volumes/{VOLUME}/outcomes").json() == {"items": [], "next": None}


def test_what_became_of_single_studies_and_how_many_were_selected_is_for_the_data_manager(bank: Bank) -> None:
    for name in ("ada", "aurora"):
        assert caller(bank, name).get(f"/volumes/{VOLUME}/outcomes").status_code == 403, name
    path = f"/applications/{PROJECT}/cohorts"
    listed = {name: caller(bank, name).get(path).json()["items"][0] for name in ("ada", "dolores")}
    assert (listed["ada"]["selected"], listed["ada"]["not_selected"]) == (None, None)
    assert (listed["dolores"]["selected"], listed["dolores"]["not_selected"]) == (2, 0)


def test_what_a_check_found_is_told_with_the_volume(bank: Bank) -> None:
    bank.system.volumes.verify_volume(VOLUME, "tester")
    found = caller(bank, "dolores").get(f"/volumes/{VOLUME}").json()["verified"]
    assert (found["intact"], found["changed"], found["checked"]) == (True, 0, 3)


def test_files_that_are_not_to_be_looked_at_leave_by_a_release_alone(bank: Bank) -> None:
    program = caller(bank, "ada")
    files = {one["path"]: one for one in program.get(f"/results/{RUN}").json()["items"]}
    assert "outputs/group.json" in files
    assert program.get(f"/results/{RUN}/files/outputs/group.json").status_code == 404
    image = next(path for path in files if path.endswith(".gz"))
    assert program.get(f"/results/{RUN}/files/{image}").headers["content-type"] == "application/gzip"
    traced = program.get(f"/trace/{files[image]['sha256']}").json()
    assert [one["kind"] for one in traced][:2] == ["result", "run"]
    assert caller(bank, "olga").get(f"/trace/{files[image]['sha256']}").status_code == 404


def test_a_release_is_asked_for_by_one_and_decided_by_another(bank: Bank) -> None:
    ada, dolores = caller(bank, "ada"), caller(bank, "dolores")
    asked = ada.post(f"/results/{RUN}/releases", json={"paths": ["outputs/report.json"], "purpose": "a paper"})
    assert asked.status_code == 201, asked.text
    path = asked.headers["location"].removeprefix(API)
    assert ada.get(f"{path}/files").status_code == 409
    assert ada.post(f"{path}/decision", json={"decision": "release", "reason": "me"}).status_code == 403
    decided = dolores.post(f"{path}/decision", json={"decision": "release", "reason": "sound"})
    assert decided.json()["state"] == "released", decided.text
    fetched = ada.get(f"{path}/files")
    assert fetched.headers["content-type"] == "application/zip"
    assert fetched.content.startswith(b"PK")


def test_a_release_is_withdrawn_by_whoever_asked_for_it_and_by_nobody_else(bank: Bank) -> None:
    ada = caller(bank, "ada")
    asked = ada.post(f"/results/{RUN}/releases", json={"paths": ["outputs/group.json"], "purpose": "a talk"})
    path = asked.headers["location"].removeprefix(API)
    foreign = caller(bank, "mia").post(f"{path}/withdraw", json={})
    assert (foreign.status_code, foreign.json()["code"]) == (409, "not-own-request")
    assert caller(bank, "dolores").post(f"{path}/withdraw", json={}).status_code == 403
    assert caller(bank, "olga").post(f"{path}/withdraw", json={}).status_code == 404
    withdrawn = ada.post(f"{path}/withdraw", json={"reason": "a wrong figure"}).json()
    assert (withdrawn["state"], withdrawn["decided_by"]) == ("withdrawn", "Ada Example")
    assert ada.post(f"{path}/withdraw", json={}).status_code == 409
    last = bank.system.ledger.links(f"egress:{withdrawn['release']}")[-1].event
    assert (last.action, last.actor, last.reason) == ("egress.withdrawn", "Ada Example", "a wrong figure")


def test_an_archive_whose_settings_name_a_file_of_the_server_is_refused(fresh: Bank) -> None:
    program = caller(fresh, "dolores")
    for kind, settings in (
        ("folder", {"path": "/etc"}),
        ("dicomweb", {"url": "http://x", "password_file": "/etc/passwd"}),
    ):
        answer = program.post("/archives", json={"name": "a", "kind": kind, "settings": settings})
        assert answer.json()["code"] == "archive-names-a-file"
    added = program.post(
        "/archives", json={"name": "a", "kind": "dicomweb", "settings": {"url": "http://127.0.0.1:9/x"}}
    )
    assert added.status_code == 201, added.text
    assert "127.0.0.1" not in program.get("/archives").text
    assert program.post("/archives/a/echo").status_code == 503
    assert program.post("/archives/a/harvest").status_code == 202


def test_accounts_are_made_and_nobody_changes_their_own_roles(fresh: Bank) -> None:
    program = caller(fresh, "teo")
    made = program.post("/users", json={"user": "nora", "person": "Nora N", "roles": ["auditor"]})
    assert made.status_code == 201
    assert program.put("/users/nora/roles", json={"roles": ["committee"]}).json()["roles"] == ["committee"]
    assert program.put("/users/teo/roles", json={"roles": ["auditor"]}).json()["code"] == "own-account"
    assert program.post("/users/teo/disable").json()["code"] == "own-account"
    assert program.post("/users/teo/password").json()["code"] == "own-account"
    own = program.put("/groups/own", json={"title": "Own", "members": ["teo"]})
    assert (own.status_code, own.json()["code"]) == (422, "own-account")
    assert program.post("/users/nora/disable").json()["enabled"] is False
    assert program.put("/groups/readers", json={"members": ["nora", "ada"]}).json()["members"] == ["ada", "nora"]
    assert caller(fresh, "ada").get("/users").status_code == 403


def test_a_request_that_is_too_large_is_refused(bank: Bank) -> None:
    answer = caller(bank, "ada").post("/applications", content=b"x" * (2 * 1024 * 1024), headers=YAML)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_route_stands_in_the_permission_table_with_its_kind() -> None:
    for area in areas():
        for route in area.router.routes:
            assert Action(route.openapi_extra[GUARDED]) in TABLE


def test_unknown_fields_and_numbers_that_are_none_are_refused(bank: Bank) -> None:
    program, path = caller(bank, "ada"), f"/applications/{PROJECT}/runs"
    assert program.post(path, json={"pipelin": "x"}).status_code == 422
    headers = {"content-type": "application/json"}
    assert program.post(path, content=b'{"parameters": {"x": NaN}}', headers=headers).status_code == 422
    assert program.post(path, content=b"{", headers=headers).status_code == 422


def test_a_parameter_that_there_is_not_is_refused(bank: Bank) -> None:
    answer = caller(bank, "ada").get("/runs", params={"aplication": PROJECT})
    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-unknown")
    assert "`application`" in answer.json()["title"]


def test_a_group_gives_its_members_the_projects_rights(fresh: Bank) -> None:
    caller(fresh, "ada").post("/applications", content=document("grouped"), headers=YAML)
    caller(fresh, "teo").put("/groups/lab", json={"members": ["olga"]})
    fresh.system.access.join(Membership("grouped", "group:lab", ProjectRole.MEMBER), "tester")
    assert caller(fresh, "olga").get("/applications/grouped").status_code == 200


def _every_route() -> list[tuple[str, str]]:
    return [
        (method, re.sub(r"\{[^}]*\}", "x", route.path))
        for area in areas()
        for route in area.router.routes
        for method in route.methods
    ]


def _paths_of_the_project() -> list[str]:
    return [
        f"/applications/{PROJECT}",
        f"/applications/{PROJECT}/document",
        f"/applications/{PROJECT}/sheet",
        f"/applications/{PROJECT}/members",
        f"/applications/{PROJECT}/cohorts",
        f"/volumes/{VOLUME}",
        f"/volumes/{VOLUME}/participants",
        f"/volumes/{VOLUME}/files",
        f"/appliances/{APPLIANCE}",
        f"/appliances/{APPLIANCE}/document",
        f"/runs/{RUN}",
        f"/runs/{RUN}/log",
        f"/runs/{RUN}/steps",
        f"/results/{RUN}",
    ]


def _statements(bank: Bank, do: Callable[[], object]) -> list[str]:
    """Return what the database is asked while something is done."""
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(bank.system._engine, "before_cursor_execute", note)
    try:
        do()
    finally:
        event.remove(bank.system._engine, "before_cursor_execute", note)
    return asked
