"""What an OpenID provider may say, and what of it proves nothing: tokens of every wrong kind, bad addresses, floods."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from tests.oidc.fake import (
    CLIENT,
    EC,
    ED,
    STRANGER,
    FakeProvider,
    fake_provider,
    hmac_with_public_key,
    signed,
    unsigned,
)

from voxpop.access.errors import IdentityRefused, ProviderDown, ProviderWrong
from voxpop.access.ports import Answer, Errand, Identity
from voxpop.backends.identity.oidc import OidcProvider, Registration, open_provider
from voxpop.backends.identity.oidc.wire import Patience
from voxpop.kernel.clock import SystemClock

BACK = "http://127.0.0.1:9/sign-in/with/fake/return"
LOGOUT = {"http://schemas.openid.net/event/backchannel-logout": {}}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with fake_provider() as provider:
        yield provider


def opened(fake: FakeProvider, patience: Patience = Patience()) -> OidcProvider:  # noqa: B008 -- frozen
    ours = Registration("Fake", fake.issuer, CLIENT, "secret", ("openid", "profile"))
    return open_provider(ours, SystemClock(), patience=patience)


def errand() -> Errand:
    return Errand("fake", "state", "nonce-1", "v" * 43, "/", datetime.now(UTC))


def sign_in(fake: FakeProvider, provider: OidcProvider | None = None) -> Identity:
    ours, sent = provider or opened(fake), errand()
    return ours.finish(fake.visit(ours.begin(sent, BACK)), sent, BACK)


def test_an_honest_answer_proves_who_someone_is(fake: FakeProvider) -> None:
    fake.userinfo = {"name": "Ada", "eduperson_entitlement": ["urn:a", 3], "groups": "staff", "email": "a@b.org"}
    found = sign_in(fake)
    assert (found.issuer, found.subject, found.person, found.email) == (fake.issuer, "s-1", "Ada", "a@b.org")
    assert found.entitlements == {"urn:a", "staff"}


def test_an_unverified_email_is_not_kept(fake: FakeProvider) -> None:
    fake.userinfo = {"email": "rector@uni.org", "email_verified": False}
    assert sign_in(fake).email == ""


@pytest.mark.parametrize("key", [EC, ED], ids=["ES256", "EdDSA"])
def test_other_public_key_algorithms_are_believed(fake: FakeProvider, key: Any) -> None:
    fake.claims = {"at_hash": None}
    fake.id_token = lambda claims: signed(claims, key, "ES256" if key is EC else "EdDSA")
    assert sign_in(fake).subject == "s-1"


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "alg none": unsigned,
    "the public key as a secret": hmac_with_public_key,
    "another issuer's key under our key's id": lambda claims: signed(claims, STRANGER),
    "an algorithm that is not ours": lambda claims: signed(claims, algorithm="RS512"),
    "an unknown key": lambda claims: signed(claims, STRANGER, kid="nine"),
    "no key's id where there are several of its type": lambda claims: signed(claims, STRANGER, kid=None),
    "its own key in its header": lambda claims: signed(claims, STRANGER, jwk=STRANGER.as_dict(private=False)),
    "a key of another type": lambda claims: signed(claims, kid="two"),
    "a signature that was cut off": lambda claims: signed(claims).rpartition(".")[0] + ".",
    "a token that is no token": lambda _: "a.b.c",
    "text that is not ASCII": lambda _: "é.é.é",
    "a number": lambda _: 3,
    "none": lambda _: None,
    "a header that is no JSON": lambda claims: signed(claims).replace("eyJ", "fyJ", 1),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_id_token_is_refused(fake: FakeProvider, forgery: Callable[[dict[str, Any]], Any]) -> None:
    fake.id_token = forgery
    with pytest.raises(IdentityRefused):
        sign_in(fake)
    assert "/userinfo" not in fake.asked


NOW = int(time.time())
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "issuer": {"iss": "https://other.example.org"},
    "no issuer": {"iss": None},
    "audience": {"aud": "someone-else"},
    "audiences": {"aud": ["someone-else"]},
    "no audience": {"aud": None},
    "several audiences and no azp": {"aud": [CLIENT, "someone-else"]},
    "azp": {"azp": "someone-else"},
    "expired": {"exp": NOW - 3600},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": "tomorrow"},
    "expiry as infinity": {"exp": float("inf")},
    "issued in the future": {"iat": NOW + 3600},
    "issued before the sign-in": {"iat": NOW - 3600},
    "no issue time": {"iat": None},
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "subject as a number": {"sub": 7},
    "another access token": {"at_hash": "AAAA"},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
def test_a_wrong_claim_is_refused(fake: FakeProvider, claims: dict[str, Any]) -> None:
    fake.claims = claims
    with pytest.raises(IdentityRefused):
        sign_in(fake)


def test_userinfo_about_somebody_else_is_refused(fake: FakeProvider) -> None:
    fake.userinfo = {"sub": "s-2"}
    with pytest.raises(IdentityRefused, match="somebody else"):
        sign_in(fake)


def test_entitlements_in_the_id_token_count_for_nothing(fake: FakeProvider) -> None:
    fake.claims = {"eduperson_entitlement": ["urn:admin"], "groups": ["admin"]}
    assert sign_in(fake).entitlements == frozenset()


def test_a_code_is_taken_once(fake: FakeProvider) -> None:
    ours, sent = opened(fake), errand()
    answer = fake.visit(ours.begin(sent, BACK))
    ours.finish(answer, sent, BACK)
    with pytest.raises(IdentityRefused, match="its own code"):
        ours.finish(answer, sent, BACK)


def test_a_code_that_was_stolen_is_worth_nothing_without_its_verifier(fake: FakeProvider) -> None:
    ours, sent = opened(fake), errand()
    answer = fake.visit(ours.begin(sent, BACK))
    with pytest.raises(IdentityRefused):
        ours.finish(answer, replace(sent, verifier="w" * 43), BACK)


def test_an_answer_of_another_issuer_is_refused_before_the_code_is_sent(fake: FakeProvider) -> None:
    ours, sent = opened(fake), errand()
    answer = fake.visit(ours.begin(sent, BACK))
    with pytest.raises(IdentityRefused, match="another provider"):
        ours.finish(replace(answer, issuer="https://evil.example.org"), sent, BACK)
    fake.document = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(IdentityRefused, match="another provider"):
        opened(fake).finish(replace(answer, issuer=""), sent, BACK)
    assert "/token" not in fake.asked


def test_keys_that_were_changed_are_asked_for_again_but_not_by_every_stranger(fake: FakeProvider) -> None:
    ours = opened(fake)
    sign_in(fake, ours)
    fake.keys = [RSAKey.import_key({**STRANGER.as_dict(private=True), "kid": "four"})]
    fake.id_token = lambda claims: signed(claims, fake.keys[0])
    assert sign_in(fake, ours).subject == "s-1"
    for _ in range(3):
        with pytest.raises(IdentityRefused):
            ours.ending(signed({"iss": fake.issuer}, kid="nine"))
    assert fake.asked.count("/keys") == 2


def logout_token(fake: FakeProvider, **other: Any) -> str:
    claims = {"iss": fake.issuer, "aud": CLIENT, "sub": "s-1", "iat": NOW, "exp": NOW + 300, "jti": "t-1"}
    return signed({name: value for name, value in {**claims, "events": LOGOUT, **other}.items() if value is not None})


def test_a_logout_token_names_who_has_signed_out(fake: FakeProvider) -> None:
    found = opened(fake).ending(logout_token(fake))
    assert (found.issuer, found.subject, found.token) == (fake.issuer, "s-1", "t-1")


@pytest.mark.parametrize(
    "other", [{"nonce": "n"}, {"events": None}, {"events": {}}, {"jti": None}, {"aud": "x"}, {"sub": None}]
)
def test_a_token_of_another_kind_signs_nobody_out(fake: FakeProvider, other: dict[str, Any]) -> None:
    with pytest.raises(IdentityRefused):
        opened(fake).ending(logout_token(fake, **other))


WRONG_DOCUMENTS: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://evil.example.org"},
    "no issuer": {"issuer": None},
    "no token endpoint": {"token_endpoint": None},
    "no userinfo": {"userinfo_endpoint": None},
    "cloud metadata": {"token_endpoint": "http://169.254.169.254/latest/meta-data"},
    "a bare number by https": {"jwks_uri": "https://10.0.0.1/keys"},
    "another host without TLS": {"userinfo_endpoint": "http://example.org/userinfo"},
    "this machine by another name": {"userinfo_endpoint": "https://localhost/userinfo"},
    "a name of this network alone": {"userinfo_endpoint": "https://intranet/userinfo"},
    "a file": {"jwks_uri": "file:///etc/passwd"},
    "script": {"authorization_endpoint": "javascript:alert(1)"},
    "a user in the address": {"token_endpoint": "https://example.org@evil.org/token"},
    "a port that is none": {"token_endpoint": "https://example.org:x/token"},
    "a list": {"token_endpoint": ["https://example.org/token"]},
    "plain PKCE alone": {"code_challenge_methods_supported": ["plain"]},
}


@pytest.mark.parametrize("document", WRONG_DOCUMENTS.values(), ids=WRONG_DOCUMENTS.keys())
def test_a_discovery_document_that_leads_elsewhere_is_refused(fake: FakeProvider, document: dict[str, Any]) -> None:
    fake.document = document
    with pytest.raises(ProviderWrong):
        opened(fake).begin(errand(), BACK)
    assert fake.asked == ["/.well-known/openid-configuration"]


def test_an_issuer_without_tls_elsewhere_is_asked_nothing() -> None:
    ours = Registration("Far", "http://example.org", CLIENT, "", ("openid",))
    with pytest.raises(ProviderWrong, match="https"):
        open_provider(ours, SystemClock()).begin(errand(), BACK)


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"<html>"])
def test_an_answer_that_is_no_object_is_refused(fake: FakeProvider, content: bytes) -> None:
    fake.paths["/.well-known/openid-configuration"] = (200, {}, content)
    with pytest.raises(ProviderWrong):
        opened(fake).begin(errand(), BACK)


def test_a_redirect_is_not_followed(fake: FakeProvider) -> None:
    fake.paths["/.well-known/openid-configuration"] = (302, {"location": f"{fake.issuer}/elsewhere"}, b"")
    with pytest.raises(ProviderWrong, match="302"):
        opened(fake).begin(errand(), BACK)
    assert "/elsewhere" not in fake.asked


def test_an_answer_without_end_is_cut_off(fake: FakeProvider) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10_000):
                handler.wfile.write(b" " * 65_536)
        except OSError:
            handler.close_connection = True

    fake.paths["/.well-known/openid-configuration"] = flood
    with pytest.raises(ProviderWrong, match="larger"):
        opened(fake).begin(errand(), BACK)


def test_a_provider_that_says_nothing_is_given_up(fake: FakeProvider) -> None:
    over = threading.Event()
    fake.paths["/.well-known/openid-configuration"] = lambda _: over.wait(20)
    try:
        with pytest.raises(ProviderDown):
            opened(fake, Patience(0.2, 0.4)).begin(errand(), BACK)
    finally:
        over.set()


def test_a_provider_that_drips_is_given_up(fake: FakeProvider) -> None:
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not over.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:
            handler.close_connection = True

    fake.paths["/.well-known/openid-configuration"] = drip
    try:
        with pytest.raises(ProviderDown):
            opened(fake, Patience(1.0, 0.3)).begin(errand(), BACK)
    finally:
        over.set()


def test_a_provider_that_is_not_there_or_is_broken_is_down(fake: FakeProvider) -> None:
    ours = Registration("Gone", "http://127.0.0.1:9", CLIENT, "", ("openid",))
    with pytest.raises(ProviderDown):
        open_provider(ours, SystemClock()).begin(errand(), BACK)
    fake.paths["/.well-known/openid-configuration"] = (502, {}, b"{}")
    with pytest.raises(ProviderDown):
        opened(fake).begin(errand(), BACK)


def test_no_refusal_quotes_what_was_sent(fake: FakeProvider) -> None:
    fake.claims = {"iss": "https://very-secret.example.org"}
    with pytest.raises(IdentityRefused) as refusal:
        sign_in(fake)
    assert "very-secret" not in refusal.value.sentence
    assert "s3cret" not in repr(Answer("state", "s3cret"))


def test_old_errands_bring_old_tokens(fake: FakeProvider) -> None:
    ours, sent = opened(fake), errand()
    answer = fake.visit(ours.begin(sent, BACK))
    with pytest.raises(IdentityRefused, match="older"):
        ours.finish(answer, replace(sent, begun_at=sent.begun_at + timedelta(minutes=5)), BACK)
