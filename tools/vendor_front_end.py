"""Copy the browser files of front-end/package-lock.json into src/voxpop/web/static/vendor/.

python tools/vendor_front_end.py          # npm ci, then copy (needs node and a registry)
python tools/vendor_front_end.py --check  # exit 1 if what is there is not what the lock file and vendored.json say
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FRONT_END = ROOT / "front-end"
VENDOR = ROOT / "src" / "voxpop" / "web" / "static" / "vendor"
MANIFEST = "vendored.json"
_INSTALL = ("npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund")
_MAP_COMMENT = re.compile(rb"\n?(?://|/\*)# sourceMappingURL=[^\n]*\n?\Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is taken from one package: file in the package, and its name here.

    Parameters
    ----------
    licences : mapping
        Path in front-end/ of a licence's text, and its name here: of the package, and of what its maker bundled in.
    """

    package: str
    files: dict[str, str]
    licences: dict[str, str]


# As @niivue/niivue's dist/metafile-esm.json lists them.
_IN_NIIVUE = {
    "@lukeed/uuid": "license",
    "@ungap/structured-clone": "LICENSE",
    "@zarrita/storage": "LICENSE",
    "array-equal": "LICENSE",
    "fflate": "LICENSE",
    "gl-matrix": "LICENSE.md",
    "nifti-reader-js": "LICENSE",
    "numcodecs": "LICENSE",
    "zarrita": "LICENSE",
}


def _own(package: str, name: str = "LICENSE") -> dict[str, str]:
    return {f"node_modules/{package}/{name}": "LICENSE"}


WANTED = (
    Wanted("htmx.org", {"dist/htmx.min.js": "htmx.min.js"}, _own("htmx.org")),
    Wanted("@picocss/pico", {"css/pico.min.css": "pico.min.css"}, _own("@picocss/pico", "LICENSE.md")),
    Wanted(
        "@niivue/niivue",
        {"dist/index.js": "niivue.mjs"},  # index.min.js is a string that holds a program, for notebooks
        # the package names its licence and ships no text of it
        {"licences/niivue.txt": "LICENSE"}
        | {
            f"node_modules/{one}/{name}": f"LICENSE.{one.strip('@').replace('/', '-')}"
            for one, name in _IN_NIIVUE.items()
        },
    ),
    Wanted(
        "@xterm/xterm",
        {"lib/xterm.mjs": "xterm.mjs", "css/xterm.css": "xterm.css"},
        _own("@xterm/xterm"),
    ),
    Wanted("@xterm/addon-fit", {"lib/addon-fit.mjs": "addon-fit.mjs"}, _own("@xterm/addon-fit")),
)


def main() -> int:
    """Copy, or check."""
    if "--check" in sys.argv:
        faults = list(faults_found())
        for fault in faults:
            print(f"{fault}: run python tools/vendor_front_end.py")
        return 1 if faults else 0
    subprocess.run(_INSTALL, cwd=FRONT_END, check=True)
    vendor()
    return 0


def vendor() -> None:
    """Copy every wanted file from ``front-end/node_modules`` and write the manifest."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    entries = [_copied(one) for one in WANTED]
    text = json.dumps({"packages": entries}, indent=2) + "\n"
    (VENDOR / MANIFEST).write_text(text, encoding="utf-8")


def faults_found() -> Iterator[str]:
    """Say, without a network, what differs between the files, the manifest and the lock file."""
    entries: list[dict[str, Any]] = json.loads((VENDOR / MANIFEST).read_text(encoding="utf-8"))["packages"]
    if [entry["package"] for entry in entries] != [one.package for one in WANTED]:
        yield f"{MANIFEST} does not list the packages that are wanted"
    expected = {MANIFEST}
    for entry in entries:
        if (entry["version"], entry["integrity"]) != _locked(entry["package"]):
            yield f"{entry['package']} is not the version of the lock file"
        for name, digest in entry["files"].items():
            expected.add(name)
            file = VENDOR / name
            if not file.is_file() or _sha256(file.read_bytes()) != digest:
                yield f"{name} is not the file that was copied"
    for extra in sorted({_name(path) for path in VENDOR.rglob("*") if path.is_file()} - expected):
        yield f"{extra} was not copied from a package"


def _copied(one: Wanted) -> dict[str, Any]:
    version, integrity = _locked(one.package)
    folder = VENDOR / f"{one.package.strip('@').replace('/', '-')}-{version}"
    folder.mkdir(parents=True)
    package = FRONT_END / "node_modules" / one.package
    sources = {package / source: name for source, name in one.files.items()}
    sources |= {FRONT_END / source: name for source, name in one.licences.items()}
    digests = {}
    for source, name in sources.items():
        # the maps are not shipped, and a browser's tools would ask the server for them
        content = _MAP_COMMENT.sub(b"\n", source.read_bytes())
        (folder / name).write_bytes(content)
        digests[_name(folder / name)] = _sha256(content)
    return {"package": one.package, "version": version, "integrity": integrity, "files": digests}


def _locked(package: str) -> tuple[str, str]:
    lock = json.loads((FRONT_END / "package-lock.json").read_text(encoding="utf-8"))
    entry = lock["packages"][f"node_modules/{package}"]
    return entry["version"], entry["integrity"]


def _name(path: Path) -> str:
    return path.relative_to(VENDOR).as_posix()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
