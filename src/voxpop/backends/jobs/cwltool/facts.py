"""From CWL values to facts without a path of this machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.run.errors import WorkflowUnfit
from voxpop.run.model import FileFact, Port

MANIFEST = "manifest-sha256.txt"


class Roots:
    """The three folders that a run's files lie in.

    Parameters
    ----------
    volume, pipeline, results : Path
    """

    def __init__(self, volume: Path, pipeline: Path, results: Path) -> None:
        self._roots = {"results": results.resolve(), "pipeline": pipeline.resolve(), "volume": volume.resolve()}

    def relative(self, path: Path) -> tuple[str, str]:
        """Return a file's root and its path below it.

        Raises
        ------
        WorkflowUnfit
            If the file lies in none of the three folders.
        """
        for candidate in (path, path.resolve()):
            for name, root in self._roots.items():
                if candidate.is_relative_to(root):
                    return name, candidate.relative_to(root).as_posix()
        raise WorkflowUnfit(
            f"the workflow names the file '{path.name}', which lies neither in the volume nor in the pipeline: "
            "put it into the pipeline's folder"
        )

    def absolute(self, root: str, path: str) -> Path:
        """Return where a file lies."""
        return self._roots[root] / path


class Facts:
    """Files by their digest, each read once.

    Parameters
    ----------
    roots : Roots
    sealed : mapping of path to digest
        The volume's manifest: a file that differs from it is refused.
    """

    def __init__(self, roots: Roots, sealed: Mapping[str, str]) -> None:
        self.roots = roots
        self._sealed = sealed
        self._known: dict[Path, FileFact] = {}

    def of_file(self, path: Path) -> FileFact:
        """Return a file's fact.

        Raises
        ------
        WorkflowUnfit
            If the file belongs to the volume and differs from its seal.
        """
        if path not in self._known:
            root, relative = self.roots.relative(path)
            fact = FileFact(relative, sha256_file(path), path.stat().st_size, root)
            if root == "volume" and self._sealed.get(relative, fact.sha256) != fact.sha256:
                raise WorkflowUnfit(f"the volume's file '{relative}' is not as it was sealed")
            self._known[path] = fact
        return self._known[path]

    def port(self, value: Any) -> Port:
        """Return what a port carries: its files, or its JSON value."""
        files = tuple(self.of_entry(entry) for entry in leaves(value))
        return files or value

    def ports(self, values: Mapping[str, Any]) -> dict[str, Port]:
        """Return what several ports carry, by name."""
        return {name: self.port(values[name]) for name in sorted(values)}

    def forget(self, folder: Path) -> None:
        """Read what lies in a folder anew when it is asked for again."""
        self._known = {path: fact for path, fact in self._known.items() if not path.is_relative_to(folder)}

    def of_entry(self, entry: Mapping[str, Any]) -> FileFact:
        """Return the fact of a CWL File, which may be a literal."""
        path = local_path(entry)
        if path is None:
            content = str(entry.get("contents", "")).encode()
            return FileFact(str(entry.get("basename", "text")), sha256_bytes(content), len(content), "inline")
        return self.of_file(path)


def leaves(value: Any) -> Iterator[Mapping[str, Any]]:
    """Walk over the File objects in a CWL value, secondary files and those in directories included."""
    if isinstance(value, list):
        for entry in value:
            yield from leaves(entry)
    elif isinstance(value, Mapping):
        kind = value.get("class")
        if kind == "Directory":
            yield from _in_directory(value)
        else:
            if kind == "File":
                yield value
            yield from leaves(value.get("secondaryFiles", []) if kind == "File" else list(value.values()))


def local_path(entry: Mapping[str, Any]) -> Path | None:
    """Return where a CWL File or Directory lies; None for one that is a literal."""
    location = str(entry.get("location") or entry.get("path") or "")
    if location.startswith("file:"):
        return Path(unquote(urlsplit(location).path))
    return Path(location) if location.startswith("/") else None


def read_manifest(volume: Path) -> dict[str, str]:
    """Read a sealed volume's manifest, in the format of ``sha256sum``; empty where there is none."""
    path = volume / MANIFEST
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line[66:]: line[:64] for line in lines if len(line) > 66}


def _in_directory(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    folder = local_path(entry)
    if folder is None:
        yield from leaves(entry.get("listing", []))
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield {"class": "File", "path": str(path)}
