"""The real provider: npm's oidc-provider, started on loopback and stopped again."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from voxpop.access.ports import Answer

REPO = Path(__file__).resolve().parents[2]
FRONT_END = REPO / "front-end"
SECRET = "the client's secret + 100 %"
CLIENT = "voxpop"
LINES = Path(__file__).with_name("provider.mjs")


@dataclass(frozen=True)
class RealProvider:
    name: str
    issuer: str
    accounts_file: Path

    def set_accounts(self, accounts: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace who there is, and what is said of them."""
        self.accounts_file.write_text(json.dumps(accounts))

    def back(self, url: str, login: str) -> str:
        """Sign in as a browser would, and return the address that it is sent back to."""
        asked = dict(parse_qsl(urlsplit(url).query))
        with httpx.Client() as browser:
            answer = browser.get(url)
            for _ in range(8):
                if answer.status_code == httpx.codes.OK:
                    answer = browser.post(answer.url, data={"login": login})
                there = str(answer.next_request.url) if answer.next_request else ""
                assert there, answer.text
                if there.startswith(asked["redirect_uri"]):
                    return there
                answer = browser.get(there)
        raise AssertionError("the provider led in circles")

    def visit(self, url: str, login: str) -> Answer:
        """Sign in as a browser would, and return what it brings back."""
        found = dict(parse_qsl(urlsplit(self.back(url, login)).query))
        return Answer(found["state"], found.get("code", ""), found["iss"], found.get("error", ""))


def node_modules(cache: Path) -> Path:
    """Return the folder with oidc-provider: the checkout's, or one that is filled from its lock file now."""
    here = FRONT_END / "node_modules"
    if (here / "oidc-provider").is_dir():
        return here
    cache.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FRONT_END / name, cache / name)
    npm = Path(sys.executable).with_name("npm")
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", cache], check=True, timeout=300
    )
    return cache / "node_modules"


@contextmanager
def real_provider(name: str, modules: Path, folder: Path, clients: list[dict[str, Any]]) -> Iterator[RealProvider]:
    """Run a provider while the block runs; it ends with its standard input, even if we are killed."""
    accounts, config = folder / f"{name}-accounts.json", folder / f"{name}.json"
    accounts.write_text("{}")
    config.write_text(json.dumps({"name": name, "clients": clients, "accounts": str(accounts)}))
    node = Path(sys.executable).with_name("node")
    with subprocess.Popen(
        [node, LINES, modules, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        issuer = process.stdout.readline().strip()
        try:
            assert issuer, "oidc-provider did not start"
            yield RealProvider(name, issuer, accounts)
        finally:
            process.stdin.close()
            process.wait(20)


def client(base_url: str, name: str, *, public: bool = False) -> dict[str, Any]:
    """Return how the portal at an address is registered with a provider."""
    auth = {"token_endpoint_auth_method": "none"} if public else {"client_secret": SECRET}
    return {
        "client_id": CLIENT,
        "redirect_uris": [f"{base_url}/sign-in/with/{name}/return"],
        "post_logout_redirect_uris": [f"{base_url}/sign-in/signed-out"],
        "backchannel_logout_uri": f"{base_url}/sign-in/with/{name}/logout",
        "backchannel_logout_session_required": True,
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        **auth,
    }
