"""Recipes' roles as archives that machines of a cloud fetch; they are public, and hold no secret."""

import gzip
import io
import tarfile

from voxpop.appliance.recipes import Recipe, contents
from voxpop.kernel.digests import sha256_bytes

_FILE, _PROGRAM = 0o644, 0o755


def packed(recipe: Recipe) -> bytes:
    """Return a recipe's folder as a tar archive with gzip; the same files give the same bytes."""
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
    return gzip.compress(raw.getvalue(), mtime=0)


def archive_name(recipe: Recipe) -> str:
    """Return what the archive is called: the recipe's name, and the SHA-256 of its bytes."""
    return f"{recipe.name}-{sha256_bytes(packed(recipe))}.tar.gz"
