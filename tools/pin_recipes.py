"""Pin what recipes install into Python: each ``requirements.in`` becomes a ``requirements.txt`` with every release.

python tools/pin_recipes.py          # write them
python tools/pin_recipes.py --check  # exit 1 with a line for each that is stale

The releases are those of ``constraints.txt``; what a module needs is read from what is installed beside this tool, for
the Python of the appliances' Debian. A line that is pinned already (``name==release``) is taken as it is.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parent.parent
APPLIANCE = {"python_version": "3.13", "python_full_version": "3.13.5"}
"""Markers of Debian trixie's Python."""


def pinned(file: Path, releases: dict[str, str]) -> str:
    """Return the text of the ``requirements.txt`` beside a ``requirements.in``."""
    asked = [Requirement(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = {f"{one.name}{one.specifier}" for one in asked if one.specifier}
    found |= {f"{name}=={releases[name]}" for name in _closure([one.name for one in asked if not one.specifier])}
    return "# by tools/pin_recipes.py\n" + "".join(f"{line}\n" for line in sorted(found))


def _closure(names: list[str]) -> set[str]:
    seen: set[tuple[str, str]] = set()
    waiting = [(str(canonicalize_name(name)), "") for name in names]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += _needs(*one)
    return {name for name, _ in seen}


def _needs(name: str, extra: str) -> Iterator[tuple[str, str]]:
    """Yield what a module needs, each with its extras; ``""`` stands for none."""
    for text in requires(name) or []:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate(APPLIANCE | {"extra": extra}):
            yield from ((str(canonicalize_name(needed.name)), one) for one in ("", *needed.extras))


def main(arguments: list[str]) -> int:
    """Write or check every recipe's list."""
    lines = (REPO / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if "==" in line]
    releases = {str(canonicalize_name(name)): release for name, release in pins}
    stale = False
    for file in sorted(REPO.glob("recipes/*/files/requirements.in")):
        text, kept = pinned(file, releases), file.with_suffix(".txt")
        if "--check" not in arguments:
            kept.write_text(text, encoding="utf-8")
        elif not kept.is_file() or kept.read_text(encoding="utf-8") != text:
            print(f"{kept.relative_to(REPO)} is stale: run tools/pin_recipes.py")
            stale = True
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
