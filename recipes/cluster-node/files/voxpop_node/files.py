"""Files and folders of daemons."""

import os
import shutil
from pathlib import Path

OPEN, PRIVATE, PROGRAM = 0o644, 0o600, 0o755


def write(path: Path, content: str | bytes, mode: int = OPEN, owner: str = "root") -> None:
    """Write a file whole or not at all; nobody sees it with another mode than its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as opened:
        opened.write(content if isinstance(content, bytes) else content.encode())
    shutil.chown(draft, owner, owner)
    draft.chmod(mode)
    draft.replace(path)


def folder(path: Path, owner: str = "root", mode: int = PROGRAM) -> None:
    """Make a folder that belongs to somebody."""
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, owner, owner)
    path.chmod(mode)
