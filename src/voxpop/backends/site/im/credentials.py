"""Who we are for the service and for the cloud: from files that are their owner's alone, read anew each time."""

import stat
from pathlib import Path

from voxpop.appliance.errors import SiteSettingInvalid

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SEPARATOR = "\\n"
"""What joins the lines of an authorization in a header: a backslash and an n."""


def lines_of(site: str, setting: str, path: Path) -> list[str]:
    """Read the lines of an authorization.

    Raises
    ------
    SiteSettingInvalid
        If the file is not there, is readable by others, or has no line.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as broken:
        raise SiteSettingInvalid(site, setting, f"names {path}, which can't be read: mend that") from broken
    if mode & _OTHERS:
        raise SiteSettingInvalid(site, setting, f"names {path}, which others may read: `chmod 600 {path}` closes it")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or not all(line.startswith(("type", "id")) for line in lines):
        raise SiteSettingInvalid(
            site, setting, f"names {path}, which has another line than 'id = cloud; type = OpenStack; ...'"
        )
    return lines


def user_line(name: str, password: str) -> str:
    """Write the line of an authorization that names a user of the service."""
    return f"type = InfrastructureManager; username = {name}; password = {password}"


def header(lines: list[str]) -> str:
    """Join lines to what stands in the header ``Authorization``."""
    return _SEPARATOR.join(lines)
