"""A provider's signed words: ID tokens and logout tokens, and the keys that they are signed with.

A key is taken by its id from the issuer's own set alone, never from the token's header. Which algorithm it may be used
with is our choice: none of the symmetric ones, so that a public key is never taken for a secret, and never ``none``.

Notes
-----
OpenID Connect Core 1.0, 3.1.3.7; Back-Channel Logout 1.0, 2.6; RFC 8725 (JWT best current practices).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import JWKRegistry, Key

from voxpop.access.errors import IdentityRefused

ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The algorithms that are believed, each with its type of key (RFC 7518, 3.1; RFC 8037, 3.1)."""
LEEWAY_S = 60
_AGAIN_S = 30.0
_KEPT_S = 3600.0
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class KeyUnknown(Exception):
    """No key of the set has the id that a token names."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose word a token must be, to whom, and when."""

    title: str
    issuer: str
    client: str
    now: datetime


class Keys:
    """A provider's public keys; asked for again where a token names one that is not there, but not at every token.

    Parameters
    ----------
    fetch : callable
        Returns the JSON Web Key Set.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._fetch = fetch
        self._keys: list[Key] = []
        self._fetched = self._again = float("-inf")

    def current(self) -> list[Key]:
        """Return the keys as they were known within the last hour."""
        if time.monotonic() - self._fetched > _KEPT_S:
            self._load()
        return self._keys

    def fresh(self) -> list[Key]:
        """Return the keys as they are now; strangers can't have us ask more often than twice a minute."""
        if time.monotonic() - self._again > _AGAIN_S:
            self._again = time.monotonic()
            self._load()
        return self._keys

    def _load(self) -> None:
        found = self._fetch().get("keys")
        self._keys = [key for one in found if (key := _key(one)) is not None] if isinstance(found, list) else []
        self._fetched = time.monotonic()


def id_claims(
    token: object, keys: Keys, expected: Expected, nonce: str, begun_at: datetime
) -> tuple[str, dict[str, Any]]:
    """Return the algorithm and the claims of an ID token that answers a sign-in.

    Raises
    ------
    IdentityRefused
        If anything about it is wrong.
    """
    algorithm, claims = _claims(token, keys, expected, {"nonce": {"essential": True, "value": nonce}})
    if claims["iat"] < begun_at.timestamp() - LEEWAY_S:
        raise IdentityRefused(expected.title, "its ID token is older than the sign-in")
    return algorithm, claims


def logout_claims(token: object, keys: Keys, expected: Expected) -> dict[str, Any]:
    """Return the claims of a logout token.

    Raises
    ------
    IdentityRefused
        If anything about it is wrong, or it is a token of another kind.
    """
    _, claims = _claims(token, keys, expected, {"jti": {"essential": True}})
    events = claims.get("events")
    if "nonce" in claims or not isinstance(events, dict) or not isinstance(events.get(_LOGOUT), dict):
        raise IdentityRefused(expected.title, "its token is no logout token")
    return claims


def _claims(token: object, keys: Keys, expected: Expected, also: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(token, str):
        raise IdentityRefused(expected.title, "it sent no token")
    algorithm, claims = _signed(token, keys, expected.title)
    must = {"essential": True}
    wanted: dict[str, Any] = {"sub": must, "exp": must, "iat": must, **also}
    wanted |= {"iss": must | {"value": expected.issuer}, "aud": must | {"value": expected.client}}
    try:
        jwt.JWTClaimsRegistry(now=int(expected.now.timestamp()), leeway=LEEWAY_S, **wanted).validate(claims)
    except ClaimError as wrong:
        raise IdentityRefused(expected.title, f"its token's '{wrong.claim}' is not right") from wrong
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else expected.client) != expected.client:
        raise IdentityRefused(expected.title, "its token's 'azp' is not right")
    return algorithm, claims


def _signed(token: str, keys: Keys, title: str) -> tuple[str, dict[str, Any]]:
    try:
        try:
            found = _decoded(token, keys.current())
        except KeyUnknown:
            found = _decoded(token, keys.fresh())
    except KeyUnknown as unknown:
        raise IdentityRefused(title, "its token is signed with a key that is not its own") from unknown
    except (JoseError, ValueError, TypeError) as wrong:  # the library's, and those of what it reads with
        raise IdentityRefused(title, "its token's signature is not right") from wrong
    return str(found.header["alg"]), dict(found.claims)


def _decoded(token: str, keys: list[Key]) -> jwt.Token:
    registry = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    return jwt.decode(token, lambda signed: _chosen(keys, signed.headers()), list(ALGORITHMS), registry)


def _chosen(keys: list[Key], header: Mapping[str, Any]) -> Key:
    """Return the key that a token's header names; where it names none, there must be one alone."""
    algorithm, name = header.get("alg"), header.get("kid")
    fitting = [
        key
        for key in keys
        if key.key_type == ALGORITHMS.get(str(algorithm))
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
    ]
    if name is not None:
        fitting = [key for key in fitting if key.get("kid") == name]
    if len(fitting) != 1:
        raise KeyUnknown
    return fitting[0]


def _key(found: object) -> Key | None:
    """Return a public key for signatures; None for what is none."""
    if not isinstance(found, dict) or found.get("kty") not in set(ALGORITHMS.values()):
        return None
    try:
        return JWKRegistry.import_key(found)
    except (JoseError, ValueError, TypeError, KeyError):  # one broken key must not hide the others
        return None
