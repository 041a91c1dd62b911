"""OHIF's built form, which the bank brings: what its page loads, and the files that may be loaded."""

import os
import re
from pathlib import Path

from starlette.staticfiles import StaticFiles

from voxpop.wiring.errors import SettingsInvalid

_NOT_SERVED = frozenset({"index.html", "app-config.js", "sw.js", "init-service-worker.js", "_headers", "_redirects"})
_SCRIPT = re.compile(r'<script defer src="(/[\w.]+\.js)"')
_STYLE = re.compile(r'<link href="(/[\w.]+\.css)"')


class Ohif:
    """OHIF's built form.

    Parameters
    ----------
    folder : Path
        npm's ``@ohif/app``, its ``dist``.

    Attributes
    ----------
    script, style : str
        What its page loads first.

    Raises
    ------
    SettingsInvalid
        If the folder holds none.
    """

    def __init__(self, folder: Path) -> None:
        try:
            page = (folder / "index.html").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as unreadable:
            raise _no_ohif() from unreadable
        script, style = _SCRIPT.search(page), _STYLE.search(page)
        if script is None or style is None:
            raise _no_ohif()
        self.script, self.style = script.group(1), style.group(1)
        self.files = _Files(directory=folder)


class _Files(StaticFiles):
    """What OHIF loads; it wants the root of an origin, and gets those of its files that are no page."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return where a file lies; a page, or a worker that would answer for all of ours, is not there."""
        return ("", None) if path in _NOT_SERVED else super().lookup_path(path)


def _no_ohif() -> SettingsInvalid:
    return SettingsInvalid("web.ohif", "the folder that it names does not hold OHIF's built form")
