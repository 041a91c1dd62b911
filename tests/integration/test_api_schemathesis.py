"""The API keeps what its document says, whatever it is asked, with every right and with none."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient
from tests.bank import APPLIANCE, PROJECT, RUN, VOLUME, Bank, bank_with_results

from voxpop.access.model import Account, Membership, ProjectRole, Role
from voxpop.web.app import create_app

EVERYONE, NOBODY = "everyone", "nobody"
PASSWORD = "correct horse battery staple"
THINGS = {
    "application": str(PROJECT),
    "volume": str(VOLUME),
    "appliance": str(APPLIANCE),
    "run": str(RUN),
    "name": "bone-density",
    "version": "1.0.0",
}
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# What one call would take away from all calls that follow.
ENDS_THE_BANK = {"disable_user", "set_roles", "revoke_token", "remove_volume", "remove_appliance", "remove_member"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    bank = bank_with_results(tmp_path_factory.mktemp("bank"))
    for name, roles in ((EVERYONE, frozenset(Role)), (NOBODY, frozenset[Role]())):
        bank.system.access.add(Account(name, f"{name.title()} Example", "", roles), PASSWORD, "tester")
    for role in ProjectRole:
        bank.system.access.join(Membership(PROJECT, EVERYONE, role), "tester")
    bank.system.volumes.grant(VOLUME, "Everyone Example", "tester")
    return bank


def _operations(bank: Bank) -> Iterator[APIOperation]:
    app = create_app(bank.system, hosts=["testserver"])
    written = TestClient(app).get("/api/v1/openapi.json").json()
    del written["security"], written["components"]["securitySchemes"]  # each call brings its token
    schema = schemathesis.openapi.from_dict(written)
    schema.app, schema.location = app, "/api/v1/openapi.json"
    found = [one.ok() for one in schema.get_all_operations()]
    yield from sorted(found, key=lambda one: one.definition.raw["operationId"] in ENDS_THE_BANK)


def _call(bank: Bank, name: str, *, known: bool) -> Callable[[schemathesis.Case], None]:
    account = bank.system.access.get(name)
    ends_on = datetime.now(UTC).date() + timedelta(days=9)

    secret, _ = bank.system.entrance.make_token(account, "fuzz", frozenset({"write"}), ends_on)

    def call(case: schemathesis.Case) -> None:
        if known:
            given = {key: THINGS.get(key, value) for key, value in (case.path_parameters or {}).items()}
            case.path_parameters = given
        case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)

    return call


@pytest.mark.slow
@pytest.mark.parametrize(("name", "examples"), [(EVERYONE, 15), (NOBODY, 3)])
def test_the_whole_document_holds(bank: Bank, name: str, examples: int) -> None:
    careful = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    number = 0
    faults = []
    for operation in _operations(bank):
        test = _call(bank, name, known=name == EVERYONE)
        try:
            careful(_given(operation)(test))()
        except (Exception, BaseExceptionGroup) as found:
            faults.append(f"{operation.label}: {type(found).__name__} {getattr(found, 'exceptions', [found])[0]}")
        number += 1
    assert not faults, "\n\n".join(faults)
    assert number > 80


def _given(operation: APIOperation) -> Callable[[Callable[[schemathesis.Case], None]], Callable[[], None]]:
    wrong = operation.as_strategy(GenerationMode.NEGATIVE)
    return given(operation.as_strategy(GenerationMode.POSITIVE) | wrong)
