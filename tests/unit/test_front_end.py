"""The browser files in the package are what the lock file names, and ask for nothing from outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STATIC = Path("src", "voxpop", "web", "static")


def _check(repo: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repo / "tools" / "vendor_front_end.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_vendored_files_are_what_the_manifest_and_the_lock_file_say(repo: Path) -> None:
    done = _check(repo)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("vendor/htmx.org-4.0.1/htmx.min.js", "htmx.org-4.0.1/htmx.min.js is not the file that was copied"),
        ("vendor/more.js", "more.js was not copied from a package"),
    ],
)
def test_a_changed_or_an_added_file_is_named(repo: Path, tmp_path: Path, path: str, said: str) -> None:
    for part in ("front-end/package-lock.json", "tools/vendor_front_end.py"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).write_bytes((repo / part).read_bytes())
    for file in (repo / STATIC / "vendor").rglob("*"):
        if file.is_file():
            copy = tmp_path / file.relative_to(repo)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    with (tmp_path / STATIC / path).open("a") as file:
        file.write("alert(1)\n")
    assert said in _check(tmp_path).stdout


def test_each_package_brings_its_licence(repo: Path) -> None:
    manifest = json.loads((repo / STATIC / "vendor" / "vendored.json").read_text())
    for entry in manifest["packages"]:
        assert entry["integrity"].startswith("sha512-"), entry["package"]
        assert any(name.endswith("/LICENSE") for name in entry["files"]), entry["package"]


def test_every_dependency_is_pinned_to_one_version(repo: Path) -> None:
    package = json.loads((repo / "front-end" / "package.json").read_text())
    for version in (package["dependencies"] | package["devDependencies"]).values():
        assert version.replace(".", "").isdigit()


def test_no_browser_file_names_a_source_map_that_is_not_there(repo: Path) -> None:
    for file in (repo / STATIC).rglob("*.*js"):
        assert b"# sourceMappingURL" not in file.read_bytes()[-300:], file.name


def test_our_scripts_put_no_text_into_the_page_as_html_and_load_nothing_from_elsewhere(repo: Path) -> None:
    for name in ("viewer.js", "terminal.js"):
        text = (repo / STATIC / name).read_text()
        assert "innerHTML" not in text
        assert "eval(" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
