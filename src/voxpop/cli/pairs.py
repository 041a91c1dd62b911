"""Options that are given as KEY=VALUE."""

from typing import Annotated

import typer

from voxpop.kernel.errors import Invalid

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting as KEY=VALUE; secrets by KEY_file=PATH.", metavar="KEY=VALUE"),
]


class SettingUnreadable(Invalid):
    """A setting was not given as KEY=VALUE."""

    code = "setting-unreadable"

    def __init__(self, text: str) -> None:
        super().__init__(f"'{text.partition('=')[0]}' is no setting: write --set KEY=VALUE")


def pairs(texts: list[str] | None) -> dict[str, str]:
    """Return the settings of a command."""
    return dict(pair(text) for text in texts or [])


def pair(text: str) -> tuple[str, str]:
    """Return the key and the value of an option."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingUnreadable(text)
    return key, value
