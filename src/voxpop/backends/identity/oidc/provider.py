"""An OpenID provider, as its client sees it.

Notes
-----
OpenID Connect Core 1.0, 3.1 and 5.3; RFC 7636 (PKCE); RFC 9207 (the issuer in the answer); RFC 9700.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.util import create_half_hash

from voxpop.access.errors import IdentityRefused, ProviderWrong
from voxpop.access.ports import Answer, Ending, Errand, Identity
from voxpop.backends.identity.oidc.discovery import PATH, Metadata, is_loopback
from voxpop.backends.identity.oidc.tokens import Expected, Keys, id_claims, logout_claims
from voxpop.backends.identity.oidc.wire import PATIENCE, Patience, Wire
from voxpop.kernel.clock import Clock

_KEPT_S = 3600.0
_MOST_ENTITLEMENTS = 2000
_ENTITLEMENTS = ("eduperson_entitlement", "entitlements", "groups")
"""The claims of userinfo that name groups: AARC-G069 and RFC 9068, 2.2.3.1."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a provider knows us by, and we it.

    Parameters
    ----------
    secret : str
        Empty for a public client.
    """

    title: str
    issuer: str
    client: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...]


def open_provider(
    registration: Registration, clock: Clock, ca_file: Path | None = None, patience: Patience = PATIENCE
) -> "OidcProvider":
    """Return a provider; it is asked nothing before somebody signs in."""
    return OidcProvider(registration, Wire(registration.title, ca_file, patience), clock)


class OidcProvider:
    """An OpenID provider (``access.ports.IdentityProvider``).

    Parameters
    ----------
    registration : Registration
    wire : Wire
    """

    def __init__(self, registration: Registration, wire: Wire, clock: Clock) -> None:
        self._registration = registration
        self._wire = wire
        self._clock = clock
        self._metadata: tuple[float, Metadata] | None = None
        self._keys = Keys(lambda: wire.get(self._described().keys))

    @property
    def issuer(self) -> str:
        """Its name for itself."""
        return self._registration.issuer

    def begin(self, errand: Errand, redirect_uri: str) -> str:
        """Return the address that a browser is sent to."""
        return str(
            prepare_grant_uri(
                self._described().authorization,
                self._registration.client,
                "code",
                redirect_uri=redirect_uri,
                scope=" ".join(self._registration.scopes),
                state=errand.state,
                nonce=errand.nonce,
                code_challenge=create_s256_code_challenge(errand.verifier),
                code_challenge_method="S256",
            )
        )

    def finish(self, answer: Answer, errand: Errand, redirect_uri: str) -> Identity:
        """Return who came back."""
        if answer.issuer != self.issuer and (answer.issuer or self._described().sends_issuer):
            raise self._refusal("the answer is another provider's")
        tokens = self._tokens(answer.code, errand.verifier, redirect_uri)
        access, id_token = tokens.get("access_token"), tokens.get("id_token")
        if not isinstance(access, str) or not access.isascii() or str(tokens.get("token_type")).casefold() != "bearer":
            raise self._refusal("it sent no access token")
        algorithm, claims = id_claims(id_token, self._keys, self._expected, errand.nonce, errand.begun_at)
        half = create_half_hash(access, algorithm).decode()
        if claims.get("at_hash", half) != half:
            raise self._refusal("its two tokens do not belong together")
        told = self._wire.get(self._described().userinfo, {"authorization": f"Bearer {access}"})
        if told.get("sub") != claims["sub"]:
            raise self._refusal("its userinfo is about somebody else")
        return _identity(self.issuer, told, str(id_token))

    def leave(self, id_token: str, back: str, state: str) -> str:
        """Return the address that signs a browser out there too; empty where the provider has none."""
        there = self._described().logout
        if not there:
            return ""
        facts = {"id_token_hint": id_token, "client_id": self._registration.client}
        query = urlencode({**facts, "post_logout_redirect_uri": back, "state": state})
        return f"{there}{'&' if urlsplit(there).query else '?'}{query}"

    def ending(self, logout_token: str) -> Ending:
        """Return who has signed out there."""
        claims = logout_claims(logout_token, self._keys, self._expected)
        return Ending(self.issuer, claims["sub"], claims["jti"])

    @property
    def _expected(self) -> Expected:
        return Expected(self._registration.title, self.issuer, self._registration.client, self._clock.now())

    def _tokens(self, code: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        """Change a code for tokens; RFC 6749, 4.1.3."""
        ours, described = self._registration, self._described()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        body = urlencode({**form, "code_verifier": verifier})
        _, headers, body = _client_auth(ours, described).prepare("POST", described.token, {}, body)
        status, tokens = self._wire.post(described.token, body, headers)
        if tokens.get("error") == "invalid_client":
            raise ProviderWrong(ours.title, "it does not know this bank as its client")
        if status != 200 or "error" in tokens:
            raise self._refusal("it does not take its own code back")
        return tokens

    def _described(self) -> Metadata:
        """Return what the provider says about itself, as it was within the last hour."""
        known = self._metadata
        if known is None or time.monotonic() - known[0] > _KEPT_S:
            ours = self._registration
            self._check_issuer()
            document = self._wire.get(ours.issuer.rstrip("/") + PATH)
            self._metadata = known = (time.monotonic(), Metadata.read(document, ours.issuer, ours.title))
        return known[1]

    def _check_issuer(self) -> None:
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ProviderWrong(self._registration.title, "its address does not begin with https")

    def _refusal(self, fault: str) -> IdentityRefused:
        return IdentityRefused(self._registration.title, fault)


def _client_auth(ours: Registration, described: Metadata) -> ClientAuth:
    if not ours.secret:
        return ClientAuth(ours.client, "", "none")
    if described.secret_in_body:
        return ClientAuth(ours.client, ours.secret, "client_secret_post")
    return ClientAuth(quote_plus(ours.client), quote_plus(ours.secret), "client_secret_basic")  # RFC 6749, 2.3.1


def _identity(issuer: str, told: Mapping[str, Any], id_token: str) -> Identity:
    email = _text(told, "email") if told.get("email_verified") is not False else ""
    return Identity(
        issuer=issuer,
        subject=_text(told, "sub"),
        username=_text(told, "preferred_username"),
        person=_text(told, "name") or " ".join(filter(None, (_text(told, "given_name"), _text(told, "family_name")))),
        email=email,
        entitlements=frozenset(one for claim in _ENTITLEMENTS for one in _several(told.get(claim))),
        id_token=id_token,
    )


def _text(told: Mapping[str, Any], claim: str) -> str:
    found = told.get(claim)
    return found if isinstance(found, str) else ""


def _several(found: object) -> list[str]:
    """Return a claim of several words; a provider may send one alone as text."""
    if isinstance(found, str):
        return [found]
    return [one for one in found[:_MOST_ENTITLEMENTS] if isinstance(one, str)] if isinstance(found, list) else []
