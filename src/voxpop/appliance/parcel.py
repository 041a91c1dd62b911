"""A recipe's folder as one ZIP file, in which it is sent to a bank that is somewhere else."""

import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath

from voxpop.appliance.checking.folder import MOST_BYTES, MOST_FILES
from voxpop.appliance.errors import RecipeArchiveInvalid
from voxpop.kernel.zips import BROKEN_ZIP


def packed(folder: Path) -> bytes:
    """Return a folder with all that is in it; links are not followed, and the check of the other side refuses them."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
    return made.getvalue()


def unpacked(content: bytes, area: Path) -> Path:
    """Write the one folder of an archive into an empty folder, and return it.

    Raises
    ------
    RecipeArchiveInvalid
        If it is no ZIP file, holds more than one folder, leads out of it, or is too large.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > 2 * MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
                raise RecipeArchiveInvalid("holds too much")
            folders = {_folder(one.filename) for one in entries}
            if len(folders) != 1:
                raise RecipeArchiveInvalid("does not hold one folder alone")
            archive.extractall(area)
    except BROKEN_ZIP as broken:
        raise RecipeArchiveInvalid("can't be read") from broken
    return area / folders.pop()


def _folder(name: str) -> str:
    path = PurePosixPath(name)
    inside = len(path.parts) > 1 or name.endswith("/")
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or not inside:
        raise RecipeArchiveInvalid("does not hold one folder alone")
    return path.parts[0]
