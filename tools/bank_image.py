"""Make a container image of the bank itself: portal, API and worker.

python tools/bank_image.py [--host unix:///var/run/docker.sock] [--tag voxpop/bank:RELEASE]

The base is the one that appliances have; the role ``packaging/image/bank`` is applied in it twice: its modules, which
stay the same for many releases, and voxpop's wheel. Needs root and mmdebstrap for the base.
"""

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from voxpop import __version__
from voxpop.backends.site.docker.engine import DockerEngine
from voxpop.backends.site.docker.images import BUILD, apply_roles, base_image
from voxpop.backends.site.docker.setup import HOST, read_setup
from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.kernel.errors import VoxpopError

REPO = Path(__file__).resolve().parent.parent
ROLE = REPO / "packaging" / "image" / "bank"
RUNS = (
    "USER voxpop",
    "WORKDIR /var/lib/voxpop",
    "ENV VOXPOP_WORK=/var/lib/voxpop/bank HOME=/var/lib/voxpop LANG=C.UTF-8 PATH=/opt/voxpop/bin:/usr/bin:/bin",
    "EXPOSE 8321",
    'ENTRYPOINT ["/opt/voxpop/bin/voxpop"]',
    'CMD ["serve", "--host", "0.0.0.0"]',
)


def requirements() -> str:
    """Return what the bank needs: voxpop's own dependencies, and PostgreSQL's driver."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return "".join(f"{line}\n" for line in [*project["dependencies"], *project["optional-dependencies"]["postgres"]])


def build(host: str, tag: str) -> str:
    """Build the image; returns its id."""
    setup = read_setup("engine", {"host": host})
    engine = DockerEngine("engine", setup, REPO)
    base = base_image(engine, setup.mirror, print)
    with tempfile.TemporaryDirectory(prefix="voxpop-bank-") as made:
        folder = Path(made)
        (folder / "requirements.txt").write_text(requirements(), encoding="utf-8")
        (folder / "constraints.txt").write_bytes((REPO / "constraints.txt").read_bytes())
        modules = _modules(folder)
        if not engine.image(modules):
            print("the modules", flush=True)
            container = apply_roles(engine, base, {"bank": ROLE}, _shown(folder), "--tags modules")
            engine.keep(container, modules, {})
        wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(REPO)]
        subprocess.run(wheel, check=True)
        name = next(folder.glob("voxpop-*.whl")).name
        print(name, flush=True)
        words = f"--tags voxpop --extra-vars bank_wheel={BUILD / name}"
        container = apply_roles(engine, modules, {"bank": ROLE}, _shown(folder), words)
        return engine.keep(container, tag, {"voxpop.release": __version__}, RUNS)


def _shown(folder: Path) -> dict[Path, str]:
    return {file: str(BUILD / file.name) for file in folder.iterdir()}


def _modules(folder: Path) -> str:
    files = [
        folder / "requirements.txt",
        folder / "constraints.txt",
        *sorted(p for p in ROLE.rglob("*") if p.is_file()),
    ]
    return f"voxpop/bank-modules:{sha256_bytes(''.join(map(sha256_file, files)).encode())[:16]}"


def main(arguments: list[str]) -> int:
    """Build and print the image's id, or the one sentence that says why not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--tag", default=f"voxpop/bank:{__version__}")
    given = parser.parse_args(arguments)
    try:
        print(build(given.host, given.tag))
    except VoxpopError as refused:
        print(f"bank_image: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
