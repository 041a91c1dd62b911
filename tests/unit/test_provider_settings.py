"""OpenID providers in the settings: what is taken, and what is refused before anybody signs in."""

import json
from pathlib import Path
from typing import Any

import pytest

from voxpop.access.model import Role
from voxpop.kernel.clock import SystemClock
from voxpop.wiring.errors import SettingsInvalid
from voxpop.wiring.providers import doors
from voxpop.wiring.settings import read_settings

GOOD: dict[str, Any] = {
    "name": "egi",
    "title": "EGI",
    "issuer": "https://aai.egi.eu/auth/realms/egi",
    "client_id": "me",
}


def test_providers_are_read_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "voxpop.toml").write_text(
        "[[providers]]\n"
        + "".join(f"{name} = {json.dumps(value)}\n" for name, value in GOOD.items())
        + f'client_secret_file = "{tmp_path / "secret"}"\nscopes = ["profile"]\n'
        + '[providers.roles]\n"urn:mace:egi.eu:group:vo:role=member#aai.egi.eu" = "data-manager"\n'
    )
    (one,) = read_settings(tmp_path).providers
    assert one.scopes == ["openid", "profile"]
    assert one.roles == {"urn:mace:egi.eu:group:vo:role=member#aai.egi.eu": Role.DATA_MANAGER}
    (door,) = doors([one], SystemClock())
    assert (door.rules.name, door.provider.issuer) == ("egi", GOOD["issuer"])
    assert "s3cret" not in repr(door)


WRONG: dict[str, list[dict[str, Any]]] = {
    "issuer without TLS": [{"issuer": "http://aai.egi.eu"}],
    "issuer with a query": [{"issuer": "https://aai.egi.eu/?x=1"}],
    "issuer that is none": [{"issuer": "aai.egi.eu"}],
    "issuer that only looks local": [{"issuer": "http://localhost.evil.org"}],
    "a role that is none": [{"roles": {"staff": "root"}}],
    "a role for everybody": [{"roles": {"*": "auditor"}}],
    "a role for nothing": [{"roles": {"": "auditor"}}],
    "a group for everybody": [{"groups": {"*": "imaging"}}],
    "a group's name": [{"groups": {"staff": "Ima ging"}}],
    "a name": [{"name": "../egi"}],
    "a setting that is none": [{"client_secret": "x"}],
    "two of one name": [{}, {"title": "Two", "issuer": "https://two.example.org"}],
    "two of one issuer": [{}, {"title": "Two", "name": "two"}],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_provider_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv("VOXPOP_PROVIDERS", json.dumps([{**GOOD, **one} for one in wrong]))
    with pytest.raises(SettingsInvalid, match="providers"):
        read_settings(tmp_path)


@pytest.mark.parametrize("name", ["client_secret_file", "ca_file"])
@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("VOXPOP_PROVIDERS", json.dumps([{**GOOD, name: str(file)}]))
    with pytest.raises(SettingsInvalid, match=rf"providers\.0\.{name}"):
        doors(read_settings(tmp_path).providers, SystemClock())
