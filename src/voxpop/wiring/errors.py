"""What can be wrong with a work folder or with settings."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable


class NotAWorkFolder(Invalid):
    """The folder holds something that is not ours."""

    code = "not-a-work-folder"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"'{path}' is not a work folder of voxpop and is not empty: name a new or empty folder with --work"
        )


class WorkFolderNewer(Refused):
    """The folder was made by a newer voxpop."""

    code = "work-folder-newer"

    def __init__(self, path: str, written_by: str) -> None:
        super().__init__(
            f"'{path}' was made by voxpop {written_by}, which is newer than this one: "
            "use that version, or another --work"
        )


class WorkFolderBusy(Refused):
    """Another voxpop works in the folder."""

    code = "work-folder-busy"

    def __init__(self, path: str, holder: str) -> None:
        super().__init__(f"another voxpop ({holder}) is working in '{path}': wait for it to end, or use another --work")


class WorkFolderAbsent(Absent):
    """There is no work folder yet."""

    code = "work-folder-absent"

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no work folder at '{path}': run `voxpop demo` first, or name one with --work")


class SettingsInvalid(Invalid):
    """A setting has no right value."""

    code = "settings-invalid"

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"the setting '{name}' is wrong: {fault}; mend it in voxpop.toml or in its VOXPOP_ variable")


class ArchiveUnknown(Absent):
    """No archive of that name is connected."""

    code = "archive-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no archive '{name}' is connected here: `voxpop archive list` shows which are, "
            "`voxpop archive add` connects one"
        )


class ArchiveKindUnknown(Invalid):
    """No back-end speaks that protocol."""

    code = "archive-kind-unknown"

    def __init__(self, kind: str, known: str) -> None:
        super().__init__(f"'{kind}' is no kind of archive: use one of {known}")


class WorkUnfinished(Unavailable):
    """A durable piece of work ended with an error that is not ours to read."""

    code = "work-unfinished"

    def __init__(self, what: str, kind: str) -> None:
        super().__init__(
            f"{what} stopped with an unexpected error ({kind}): "
            "see logs/voxpop.log in the work folder, then run the same command again"
        )
