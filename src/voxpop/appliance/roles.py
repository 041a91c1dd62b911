"""Recipes' roles as archives that machines of a cloud fetch; they are public, and hold no secret."""

import gzip
import io
import tarfile
from dataclasses import dataclass

from voxpop.appliance.recipes import Recipe, contents
from voxpop.kernel.digests import sha256_bytes

_FILE, _PROGRAM = 0o644, 0o755


@dataclass(frozen=True, slots=True)
class RoleArchive:
    """A recipe's folder as a tar archive with gzip.

    Parameters
    ----------
    name : str
        The recipe's name, a hyphen, and the SHA-256 of the content.
    """

    name: str
    sha256: str
    content: bytes


def packed(recipe: Recipe) -> RoleArchive:
    """Pack a recipe's folder; the same files give the same bytes."""
    assert recipe.folder is not None
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in contents(recipe.folder):
            path = recipe.folder / name
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"{recipe.name}/{name}")
            entry.size = len(content)
            entry.mode = _PROGRAM if path.stat().st_mode & 0o100 else _FILE
            archive.addfile(entry, io.BytesIO(content))
    content = gzip.compress(raw.getvalue(), mtime=0)
    sha256 = sha256_bytes(content)
    return RoleArchive(f"{recipe.name}-{sha256}.tar.gz", sha256, content)
