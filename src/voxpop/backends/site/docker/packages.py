"""What an image holds: Debian's packages, and the Python modules that pipelines use."""

import json
import logging

from voxpop.appliance.bom import Package
from voxpop.appliance.images import PYTHON
from voxpop.backends.site.docker.engine import DockerEngine
from voxpop.kernel.digests import Json

_LOOK = r"""
import importlib.metadata as m, json, pathlib, re, subprocess, sys
found = []
form = "${binary:Package}\t${Version}\t${db:Status-Status}\n"
for line in subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True).stdout.splitlines():
    name, version, state = line.split("\t")
    name = name.partition(":")[0]
    if state != "installed":
        continue
    said = pathlib.Path("/usr/share/doc", name, "copyright")
    text = said.read_text(errors="replace") if said.is_file() else ""
    named = re.findall(r"^License:[ \t]*(\S.*)$", text, re.M) if text.startswith("Format:") else []
    found.append(["deb", name, version, sorted({" ".join(one.split())[:80] for one in named})])
for one in m.distributions(path=[str(p) for p in pathlib.Path(sys.argv[1]).glob("lib/python3*/site-packages")]):
    told = one.metadata
    said = told.get("License-Expression") or told.get("License") or ""
    if not said or len(said) > 80 or "\n" in said:
        classes = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or () if c.startswith("License ::")]
        said = classes[0] if classes else ""
    found.append(["pypi", told["Name"].lower(), one.version, [said] if said and said != "UNKNOWN" else []])
print(json.dumps(found))
"""
_FILES = r"""
import hashlib, json, os, stat
found = {}
for folder, folders, names in os.walk("/"):
    if folder == "/":
        folders[:] = [one for one in folders if one not in ("proc", "sys", "dev")]
    for name in [*names, *(one for one in folders if os.path.islink(os.path.join(folder, one)))]:
        path = os.path.join(folder, name)
        state = os.lstat(path)
        kind = stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid
        if stat.S_ISREG(state.st_mode):
            with open(path, "rb") as file:
                found[path] = [*kind, hashlib.file_digest(file, "sha256").hexdigest()]
        elif stat.S_ISLNK(state.st_mode):
            found[path] = [*kind, os.readlink(path)]
for one in ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/.dockerenv"):
    found.pop(one, None)  # the engine's, and another in each container
print(json.dumps(found))
"""
_ASK = ("/usr/bin/python3", "-I", "-c")
_log = logging.getLogger("voxpop.site.docker")


def packages(engine: DockerEngine, image: str) -> tuple[Package, ...]:
    """Return the packages of an image, by kind and name; what can't be read is none."""
    said = engine.told(image, [*_ASK, _LOOK, str(PYTHON.parent.parent)])
    try:
        rows = json.loads(said)
        return tuple(sorted(Package(kind, name, version, tuple(licences)) for kind, name, version, licences in rows))
    except (ValueError, TypeError):
        _log.warning("what image %s holds can't be read", image)
        return ()


def files(engine: DockerEngine, image: str) -> dict[str, Json]:
    """Return mode, owner and SHA-256 of each file of an image; times are left out, which differ in each building."""
    said = engine.told(image, [*_ASK, _FILES])
    try:
        read: dict[str, Json] = json.loads(said)
    except ValueError:
        _log.warning("the files of image %s can't be read", image)
        return {}
    return read
