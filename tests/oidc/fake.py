"""A provider that does as it is told: it answers as the real one does, or lies where a test wants it to."""

import base64
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.util import create_half_hash
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey

from voxpop.access.ports import Answer

CLIENT = "voxpop"
RSA = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "three", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
_ANY = jws.JWSRegistry(algorithms=["none", "HS256", "HS384", "RS256", "PS256", "RS512", "ES256", "EdDSA"])


def signed(claims: Mapping[str, Any], key: Key = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """Return a token, by any algorithm."""
    named = {"alg": algorithm, "kid": key.kid, **header}
    return jwt.encode({k: v for k, v in named.items() if v is not None}, dict(claims), key, registry=_ANY)


def hmac_with_public_key(claims: Mapping[str, Any]) -> str:
    """Return the classic confusion: the public key, which everyone has, taken for a shared secret."""
    head, body, _ = signed(claims, OctKey.import_key(b"x" * 32, {"kid": "one"}), "HS256").split(".")
    mac = hmac.digest(RSA.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def unsigned(claims: Mapping[str, Any]) -> str:
    """Return a token that nobody has signed."""
    return signed(claims, OctKey.import_key(b"x" * 32, {"kid": "one"}), "none")


@dataclass
class FakeProvider:
    """Change an attribute, and it answers so.

    Parameters
    ----------
    id_token : callable
        Makes the token from the claims.
    claims : dict
        What differs in the claims; None leaves one out.
    paths : dict
        Raw answers by path: status, headers and bytes, or a callable that writes to the handler.
    """

    issuer: str
    subject: str = "s-1"
    userinfo: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    id_token: Callable[[dict[str, Any]], str] = signed
    keys: list[Key] = field(default_factory=lambda: [RSA, EC, ED])
    paths: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    accounts: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def set_accounts(self, accounts: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace what is said of people."""
        self.accounts = dict(accounts)

    def visit(self, url: str, login: str = "") -> Answer:
        """Sign in as a browser would, and return what it brings back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "subject": login or self.subject}
        return Answer(asked["state"], code, self.issuer)

    def back(self, url: str) -> str:
        """Sign in as a browser would, and return the address that it is sent back to."""
        answer = self.visit(url)
        there = dict(parse_qsl(urlsplit(url).query))["redirect_uri"]
        return f"{there}?{urlencode({'code': answer.code, 'state': answer.state, 'iss': answer.issuer})}"

    def described(self) -> dict[str, Any]:
        ends = ("authorization", "token", "userinfo", "end_session")
        found = {f"{end}_endpoint": f"{self.issuer}/{end}" for end in ends}
        found |= {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.document}
        return {name: value for name, value in found.items() if value is not None}

    def tokens(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Change a code for tokens, once."""
        found = self.codes.pop(form.get("code", ""), None)
        if found is None or create_s256_code_challenge(form["code_verifier"]) != found["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now, access = int(time.time()), f"access-{found['subject']}"
        claims = {"iss": self.issuer, "sub": found["subject"], "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"nonce": found["nonce"], "at_hash": create_half_hash(access, "RS256").decode(), **self.claims}
        token = self.id_token({name: value for name, value in claims.items() if value is not None})
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": token}

    def answer(self, path: str, form: Mapping[str, str], bearer: str) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            return 200, self.described()
        if path == "/keys":
            return 200, {"keys": KeySet(self.keys).as_dict(private=False)["keys"]}
        if path == "/token":
            return self.tokens(form)
        if path == "/userinfo":
            subject = bearer.removeprefix("Bearer access-")
            return 200, {"sub": subject, **self.accounts.get(subject, {}), **self.userinfo}
        return 404, {}


@contextmanager
def fake_provider() -> Iterator[FakeProvider]:
    """Run a provider on loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._reply({name: values[0] for name, values in parse_qs(body).items()})

        def _reply(self, form: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            raw = provider.paths.get(path)
            if callable(raw):
                raw(self)
                return
            if raw is None:
                status, found = provider.answer(path, form, self.headers.get("authorization", ""))
                raw = status, {"content-type": "application/json"}, json.dumps(found).encode()
            status, headers, content = raw
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider = FakeProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
