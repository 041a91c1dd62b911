"""What the cohort stage says no to."""

from voxpop.kernel.errors import Invalid, Refused, Unavailable


class ClinicalSourceInvalid(Invalid):
    """The clinical source cannot be read.

    Parameters
    ----------
    file : str
        The source's file name, without its folder.
    line : int or None
        From 1, the head included; None where the whole file is meant.
    column : str
        The column's name; empty where the whole line is meant.
    what : str
        What is wrong, without the value.
    """

    code = "clinical-source-invalid"

    def __init__(self, file: str, line: int | None, column: str, what: str) -> None:
        place = file if line is None else f"{file}, line {line}"
        place = f"{place}, column {column}" if column else place
        super().__init__(f"{place}: {what}")
        self.file = file
        self.line = line
        self.column = column


class CriteriaInvalid(Invalid):
    """Criteria that nothing could fulfil, or that cannot be read."""

    code = "criteria-invalid"


class GroupTooSmall(Refused):
    """A group asks for more participants than there are."""

    code = "group-too-small"

    def __init__(self, groups: tuple[str, ...]) -> None:
        named = ", ".join(groups)
        few = "group" if len(groups) == 1 else "groups"
        asked = "more participants are asked for than there are"
        super().__init__(f"{few} {named}: {asked}: ask for fewer, or widen the criteria")
        self.groups = groups


class NothingSelected(Refused):
    """No study fulfils the criteria."""

    code = "nothing-selected"

    def __init__(self) -> None:
        super().__init__("no study in the index fulfils the criteria: harvest the archives, or widen the criteria")


class UnknownArchive(Invalid):
    """An archive was named that is not configured."""

    code = "unknown-archive"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no archive '{name}': add it with `voxpop archive add`")
        self.name = name


class ArchiveNameInvalid(Invalid):
    """An archive's name cannot name a folder of the index."""

    code = "archive-name-invalid"

    def __init__(self, name: str) -> None:
        super().__init__(f"archive name {name!r}: use up to 64 letters, digits, dots, dashes and underscores")
        self.name = name


class IndexBroken(Unavailable):
    """The index cannot be read or written."""

    code = "index-broken"

    def __init__(self) -> None:
        super().__init__("the index cannot be read or written: look at room and rights, then harvest the archives")


class ListBroken(Refused):
    """A frozen list is not what was frozen."""

    code = "list-broken"

    def __init__(self) -> None:
        super().__init__("the frozen list of studies cannot be read or was changed: freeze the cohort anew")
