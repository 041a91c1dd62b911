"""ansible-lint over a recipe's role: a program that is run where it is installed, and never imported (GPL-3)."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voxpop.appliance.checking import Finding
from voxpop.backends import process

PROFILE = "production"
_PROGRAM = "ansible-lint"
_PATIENCE_S = 120.0
_UNSEEN = Finding(".", 0, "ansible-lint can't look at it: run it there by hand")


def ansible_lint(folder: Path) -> Sequence[Finding] | None:
    """Return what ansible-lint finds in a role; None where it is not installed.

    It looks at a copy, since it leaves files of its own beside what it looks at, and fetches nothing.
    """
    program = shutil.which(_PROGRAM)
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="voxpop-lint-") as area:
        copied = Path(area) / folder.name
        shutil.copytree(folder, copied, symlinks=True)
        done = process.run(
            [program, "--offline", "--nocolor", "-q", "-f", "json", "--profile", PROFILE, folder.name],
            cwd=Path(area),
            env={"PATH": f"{Path(program).parent}:/usr/bin:/bin", "HOME": area, "LANG": "C.UTF-8"},
            timeout_s=_PATIENCE_S,
        )
    try:
        told = json.loads(done.stdout or "[]")
        return sorted(_finding(one, folder.name) for one in told) if told or not done.exit_code else [_UNSEEN]
    except (ValueError, KeyError, TypeError):
        return [_UNSEEN]


def _finding(told: dict[str, Any], folder: str) -> Finding:
    place = told["location"]
    begin = place.get("lines", place.get("positions", {})).get("begin", 0)
    line = begin["line"] if isinstance(begin, dict) else begin
    words = " ".join(str(told["description"]).split()).rstrip(".")
    return Finding(
        str(place["path"]).removeprefix(f"{folder}/"), int(line), f"ansible-lint: {words} ({told['check_name']})"
    )
