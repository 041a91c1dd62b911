"""Make voxpop's table of IODs from highdicom's copy of DICOM PS3.3.

Usage::

    pip install --target /tmp/highdicom --no-deps highdicom
    python tools/make_iod_table.py /tmp/highdicom/highdicom/_standard src/voxpop/dicom/data/iods.json

The input is three files of JSON: which SOP class has which IOD, which IOD has which modules, and which attributes a
module has, each with its Type and the sequences it lies in. The output keeps all of it and is 50 times smaller: a
module is a tree of attributes, and equal branches (the code sequence macro stands in thousands of places) are written
once.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydicom.datadict import tag_for_keyword

Branch = dict[str, Any]
Written = dict[str, Any]


def main(standard: Path, target: Path) -> None:
    """Read highdicom's tables and write ours."""
    sop_classes = _read(standard / "sop_class_iod_map.json")
    iods = _read(standard / "iod_module_map.json")
    attributes = _read(standard / "module_attribute_map.json")
    used = sorted({module["key"] for modules in iods.values() for module in modules if module["key"] in attributes})
    branches: list[Written] = []
    numbers: dict[str, int] = {}
    modules = {name: _number(_tree(attributes[name]), branches, numbers) for name in used}
    table = {
        "sop_classes": dict(sorted(sop_classes.items())),
        "iods": {
            name: {module["key"]: module["usage"] for module in rows if module["key"] in modules}
            for name, rows in sorted(iods.items())
        },
        "modules": modules,
        "branches": branches,
    }
    target.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"{len(iods)} IODs, {len(modules)} modules, {len(branches)} branches, {target.stat().st_size} bytes")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _tree(rows: list[dict[str, Any]]) -> Branch:
    """Turn rows of (path, keyword, type) into a tree ``{tag: [type, subtree or None]}``."""
    root: Branch = {}
    for row in sorted(rows, key=lambda row: len(row["path"])):
        branch: Branch | None = root
        for keyword in row["path"]:
            branch = _below(branch, keyword)
        tag = tag_for_keyword(row["keyword"])
        if branch is None or tag is None:
            continue
        known = branch.setdefault(f"{tag:08x}", [row["type"], None])
        known[0] = min(known[0], row["type"])
    return root


def _below(branch: Branch | None, keyword: str) -> Branch | None:
    tag = tag_for_keyword(keyword)
    if branch is None or tag is None or f"{tag:08x}" not in branch:
        return None
    entry = branch[f"{tag:08x}"]
    entry[1] = {} if entry[1] is None else entry[1]
    below: Branch = entry[1]
    return below


def _number(branch: Branch, branches: list[Written], numbers: dict[str, int]) -> int:
    """Write a branch once, its own branches first, and return its number."""
    written: Written = {}
    for tag, (type_, below) in sorted(branch.items()):
        written[tag] = type_ if below is None else [type_, _number(below, branches, numbers)]
    key = json.dumps(written)
    if key not in numbers:
        numbers[key] = len(branches)
        branches.append(written)
    return numbers[key]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
