"""The units are ones that systemd takes."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HARDENED = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "NoNewPrivileges": "yes",
    "UMask": "0077",
    "CapabilityBoundingSet": "",
}


def test_systemd_takes_the_units(repo: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: install systemd")
    for unit in (repo / "packaging").glob("voxpop*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/voxpop/bin/voxpop", "/bin/true")
        (tmp_path / unit.name.replace("@.", "@2.")).write_text(text, encoding="utf-8")
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Unknown" not in done.stderr


def test_every_service_is_hardened_and_leaves_the_sandbox_its_name_spaces(repo: Path) -> None:
    for unit in (repo / "packaging").glob("*.service"):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read(unit, encoding="utf-8")
        service = dict(parser["Service"])
        assert HARDENED.items() <= service.items(), unit.name
        assert not {"RestrictNamespaces", "ProtectHostname", "ProtectProc", "ProtectKernelTunables"} & set(service)


def test_what_recipes_install_into_python_is_pinned_to_what_the_tests_ran_with(repo: Path) -> None:
    check = [sys.executable, str(repo / "tools" / "pin_recipes.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
