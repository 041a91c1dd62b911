"""What every provider does, over the real one and the fake: so that what the fake is told to lie about is worth it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.oidc.fake import FakeProvider, fake_provider
from tests.oidc.real import CLIENT, SECRET, RealProvider, client, node_modules, real_provider

from voxpop.access.errors import IdentityRefused
from voxpop.access.ports import Errand
from voxpop.backends.identity.oidc import OidcProvider, Registration, open_provider
from voxpop.kernel.clock import SystemClock

HOME = "http://127.0.0.1:9"
BACK = f"{HOME}/sign-in/with/egi/return"
SCOPES = ("openid", "profile", "email", "eduperson_entitlement")
ADA = {
    "name": "Ada Ferrer",
    "preferred_username": "ada",
    "email": "ada@example.org",
    "email_verified": True,
    "eduperson_entitlement": ["urn:mace:egi.eu:group:vo:role=member#aai.egi.eu"],
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("confidential", marks=pytest.mark.needs("node")),
        pytest.param("public", marks=pytest.mark.needs("node")),
        "fake",
    ],
)
def there(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealProvider | FakeProvider]:
    if request.param == "fake":
        with fake_provider() as fake:
            fake.set_accounts({"s-ada": ADA})
            yield fake
        return
    folder = tmp_path_factory.mktemp("provider")
    clients = [client(HOME, "egi", public=request.param == "public")]
    with real_provider("egi", node_modules(folder), folder, clients) as real:
        real.set_accounts({"s-ada": ADA})
        yield real


@pytest.fixture
def provider(there: RealProvider | FakeProvider, request: pytest.FixtureRequest) -> OidcProvider:
    public = "public" in request.node.callspec.id
    return open_provider(Registration("EGI", there.issuer, CLIENT, "" if public else SECRET, SCOPES), SystemClock())


def errand() -> Errand:
    return Errand("egi", "state-1", "nonce-1", "v" * 43, "/", datetime.now(UTC))


def test_a_sign_in_proves_who_someone_is(there: RealProvider | FakeProvider, provider: OidcProvider) -> None:
    sent = errand()
    found = provider.finish(there.visit(provider.begin(sent, BACK), "s-ada"), sent, BACK)
    assert (found.issuer, found.subject, found.username) == (there.issuer, "s-ada", "ada")
    assert (found.person, found.email) == ("Ada Ferrer", "ada@example.org")
    assert found.entitlements == set(ADA["eduperson_entitlement"])  # type: ignore[call-overload]
    assert found.id_token.count(".") == 2


def test_a_code_works_once(there: RealProvider | FakeProvider, provider: OidcProvider) -> None:
    sent = errand()
    answer = there.visit(provider.begin(sent, BACK), "s-ada")
    provider.finish(answer, sent, BACK)
    with pytest.raises(IdentityRefused, match="its own code"):
        provider.finish(answer, sent, BACK)


def test_a_code_needs_its_verifier(there: RealProvider | FakeProvider, provider: OidcProvider) -> None:
    sent = errand()
    answer = there.visit(provider.begin(sent, BACK), "s-ada")
    with pytest.raises(IdentityRefused, match="its own code"):
        provider.finish(answer, replace(sent, verifier="w" * 43), BACK)


def test_another_sign_in_has_another_nonce(there: RealProvider | FakeProvider, provider: OidcProvider) -> None:
    sent = errand()
    answer = there.visit(provider.begin(sent, BACK), "s-ada")
    with pytest.raises(IdentityRefused, match="'nonce'"):
        provider.finish(answer, replace(sent, nonce="nonce-2"), BACK)


def test_an_answer_names_its_issuer(there: RealProvider | FakeProvider, provider: OidcProvider) -> None:
    sent = errand()
    answer = there.visit(provider.begin(sent, BACK), "s-ada")
    assert answer.issuer == there.issuer
    with pytest.raises(IdentityRefused, match="another provider"):
        provider.finish(replace(answer, issuer="https://evil.example.org"), sent, BACK)


def test_there_is_a_way_to_sign_out(there: RealProvider | FakeProvider, provider: OidcProvider) -> None:
    sent = errand()
    found = provider.finish(there.visit(provider.begin(sent, BACK), "s-ada"), sent, BACK)
    address = provider.leave(found.id_token, f"{HOME}/sign-in/signed-out", "state-2")
    assert {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()} == {
        "id_token_hint": found.id_token,
        "client_id": CLIENT,
        "post_logout_redirect_uri": f"{HOME}/sign-in/signed-out",
        "state": "state-2",
    }
    if isinstance(there, RealProvider):
        assert httpx.get(address).status_code == 200  # it asks the person first
