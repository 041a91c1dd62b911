"""Options that are given as KEY=VALUE."""

from voxpop.kernel.errors import Invalid


class SettingUnreadable(Invalid):
    """A setting was not given as KEY=VALUE."""

    code = "setting-unreadable"

    def __init__(self, text: str) -> None:
        super().__init__(f"'{text.partition('=')[0]}' is no setting: write --set KEY=VALUE")


def pair(text: str) -> tuple[str, str]:
    """Return the key and the value of an option."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingUnreadable(text)
    return key, value
