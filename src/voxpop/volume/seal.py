"""The seal: a manifest that ``sha256sum`` can check, and a tree that nobody writes to by accident."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.volume.errors import UnsealableFile, VolumeFilesAbsent
from voxpop.volume.model import MANIFEST, Seal

_FILE_MODE = 0o444
_FOLDER_MODE = 0o555
_OPEN_FOLDER_MODE = 0o755
_DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Verification:
    """How a sealed tree compares with its seal.

    Parameters
    ----------
    manifest_intact : bool
        The manifest is there and has the digest that was kept when the volume was sealed.
    changed, missing, extra : tuple of str
        Paths relative to the volume, sorted.
    checked : int
        Files compared with the manifest.
    """

    manifest_intact: bool
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    checked: int = 0

    @property
    def intact(self) -> bool:
        """Say whether the tree is exactly what was sealed."""
        return self.manifest_intact and not (self.changed or self.missing or self.extra)


def seal(folder: Path) -> Seal:
    """Write the manifest of a tree, force it to the disk, and take away every right to write.

    Calling it again gives the same seal; a tree that changed in between gets a new one.

    Parameters
    ----------
    folder : Path
        The volume's root.

    Raises
    ------
    VolumeFilesAbsent
        If there is no such folder.
    UnsealableFile
        If the tree holds anything but plain files and folders, or a name with a line break or a backslash.

    Notes
    -----
    The order is by the bytes of the path, so that the manifest, and with it the volume's digest, depends on names and
    content only. Modes: files 0444, folders 0555.
    """
    if not folder.is_dir():
        raise VolumeFilesAbsent(folder.name.removesuffix(".building"))
    _draft(folder).unlink(missing_ok=True)
    _refuse_unsealable(folder)
    names = sorted((name for name in _files(folder) if name != MANIFEST), key=os.fsencode)
    digests = {name: _kept_digest(folder / name) for name in names}
    manifest = "".join(f"{digests[name]}  {name}\n" for name in names).encode()
    _write_manifest(folder, manifest)
    size = sum((folder / name).stat().st_size for name in names)
    _close(folder)
    return Seal(sha256_bytes(manifest), len(names), size)


def verify(folder: Path, digest: str) -> Verification:
    """Compare a sealed tree with its seal and name every file that differs.

    Parameters
    ----------
    folder : Path
        The volume's root.
    digest : str
        The digest of the manifest, as kept outside the tree when the volume was sealed.

    Raises
    ------
    VolumeFilesAbsent
        If there is no such folder.

    Notes
    -----
    A manifest that was rewritten together with a file shows by ``digest``. A link in place of a file counts as changed.
    """
    if not folder.is_dir():
        raise VolumeFilesAbsent(folder.name)
    present = set(_files(folder)) | {name for name, _ in _unsealable(folder)}
    sealed = manifest_of(folder)
    manifest_intact = _is_plain(folder / MANIFEST) and sha256_file(folder / MANIFEST) == digest
    there = sorted(name for name in sealed if name in present)
    changed = [name for name in there if not _is_same(folder / name, sealed[name])]
    if MANIFEST in present and not manifest_intact:
        changed.append(MANIFEST)
    missing = [name for name in sealed if name not in present]
    if MANIFEST not in present:
        missing.append(MANIFEST)
    extra = present - set(sealed) - {MANIFEST} if MANIFEST in present else set()
    return Verification(
        manifest_intact, tuple(sorted(changed)), tuple(sorted(missing)), tuple(sorted(extra)), len(there)
    )


def manifest_of(folder: Path) -> dict[str, str]:
    """Read a tree's manifest as digests by path; empty where there is none, without lines that are none of ours."""
    if not _is_plain(folder / MANIFEST):
        return {}
    text = (folder / MANIFEST).read_text(encoding="utf-8", errors="surrogateescape")
    lines = (line.split("  ", 1) for line in text.splitlines())
    return {parts[1]: parts[0] for parts in lines if len(parts) == 2 and len(parts[0]) == _DIGEST_LENGTH}


def reopen(folder: Path) -> None:
    """Give the owner back the right to change a tree, so that it can be removed."""
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(_OPEN_FOLDER_MODE)


def _files(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if _is_plain(path):
                yield path.relative_to(folder).as_posix()


def _unsealable(folder: Path) -> Iterator[tuple[str, str]]:
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(parent, name)
            kind = _fault(path)
            if kind:
                yield path.relative_to(folder).as_posix(), kind


def _refuse_unsealable(folder: Path) -> None:
    kinds = [kind for _, kind in _unsealable(folder)]
    if kinds:
        raise UnsealableFile(", ".join(sorted(set(kinds))), len(kinds))


def _fault(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "links"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "devices, pipes or sockets"
    # sha256sum escapes these, which plain readers of the manifest would not undo.
    if any(sign in path.name for sign in "\n\r\\"):
        return "names with a line break or a backslash"
    return ""


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _is_same(path: Path, digest: str) -> bool:
    return _is_plain(path) and sha256_file(path) == digest


def _kept_digest(path: Path) -> str:
    digest = sha256_file(path)
    _force(path)
    return digest


def _write_manifest(folder: Path, manifest: bytes) -> None:
    target = folder / MANIFEST
    if _is_plain(target) and target.read_bytes() == manifest:
        return
    folder.chmod(_OPEN_FOLDER_MODE)
    draft = _draft(folder)
    draft.write_bytes(manifest)
    _force(draft)
    draft.replace(target)


def _draft(folder: Path) -> Path:
    return folder / f".{MANIFEST}.new"


def _close(folder: Path) -> None:
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            Path(parent, name).chmod(_FILE_MODE)
        with suppress(OSError):  # some file systems do not sync folders; the files' content is there all the same
            _force(Path(parent))
        Path(parent).chmod(_FOLDER_MODE)


def _force(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
