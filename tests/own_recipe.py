"""A recipe of a researcher's own that nothing is wrong with."""

import tempfile
from pathlib import Path

from voxpop.appliance.parcel import packed

DESCRIPTION = """\
name: my-tool
version: 1.0.0
purpose: A tool of ours.
licence: MIT
needs: []
provides: {kind: tool}
gives_on: [docker]
health: my-tool --version
"""
TASKS = """---
- name: Install it
  ansible.builtin.apt:
    name: hello
"""
META = "---\n{}\n"


def own_folder(place: Path) -> Path:
    """Write the recipe into a folder of its name."""
    for name, text in (("recipe.yaml", DESCRIPTION), ("tasks/main.yml", TASKS), ("meta/main.yml", META)):
        path = place / "my-tool" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place / "my-tool"


def own_archive() -> bytes:
    """Return the recipe as the ZIP file in which a browser sends it."""
    with tempfile.TemporaryDirectory() as place:
        return packed(own_folder(Path(place)))
