"""What the application stage says no to."""

from collections.abc import Sequence
from dataclasses import dataclass

from voxpop.kernel.errors import Absent, Invalid, Refused


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a document.

    Parameters
    ----------
    line, column : int
        Where it is, both from 1.
    sentence : str
        What is wrong and what to do.
    """

    line: int
    column: int
    sentence: str


class ApplicationInvalid(Invalid):
    """The document cannot be read as an application; every fault found is listed."""

    code = "application-invalid"

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(sorted(set(faults)))
        super().__init__(
            "\n".join(f"{source}, line {fault.line}, column {fault.column}: {fault.sentence}" for fault in self.faults)
        )


class DocumentAbsent(Absent):
    """There is no such file to read an application from."""

    code = "document-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no file '{name}': `voxpop application new` writes one to start from")


class ReasonMissing(Invalid):
    """A decision was given without a reason."""

    code = "reason-missing"

    def __init__(self, application: str, verb: str) -> None:
        super().__init__(f"to {verb} application '{application}', give a reason: the applicants will read it")


class ActorMissing(Invalid):
    """A step was taken by nobody."""

    code = "actor-missing"

    def __init__(self, application: str) -> None:
        super().__init__(f"application '{application}': say who does this")


class RemarkEmpty(Invalid):
    """A remark says nothing, or too much."""

    code = "remark-empty"

    def __init__(self, longest: int) -> None:
        super().__init__(f"write what you want to say, in at most {longest:,} characters")


class AlreadyEndorsed(Refused):
    """A reviewer votes twice."""

    code = "already-endorsed"

    def __init__(self, application: str, missing: int) -> None:
        super().__init__(
            f"you are for application '{application}' already: it waits for {missing} more of the committee"
        )


class OwnDecision(Refused):
    """Someone decides about an application of their own."""

    code = "own-decision"

    def __init__(self, application: str, actor: str, part: str) -> None:
        super().__init__(
            f"{actor} is {part} of application '{application}' and cannot decide about it: "
            "someone else of the committee must"
        )


class ApplicationFixed(Refused):
    """A document is changed when it can't be any more."""

    code = "application-fixed"

    def __init__(self, application: str, state: str) -> None:
        super().__init__(
            f"application '{application}' is {state} and its document is fixed: "
            "ask for its return, or give the new document another `name`"
        )


class GroupsTooLarge(Refused):
    """Groups ask for more participants than there are."""

    code = "groups-too-large"

    def __init__(self, application: str, groups: Sequence[str]) -> None:
        super().__init__(
            f"application '{application}' cannot be approved: {sentence_of_groups(groups)}; "
            "return it and ask for a smaller `number`"
        )
        self.groups = tuple(groups)


class NotOffered(Refused):
    """A recipe or pipeline is asked for that this installation does not have."""

    code = "not-offered"

    def __init__(self, application: str, kind: str, name: str, near: str) -> None:
        hint = f"did you mean '{near}'?" if near else f"`voxpop {kind} list` shows what there is"
        super().__init__(f"application '{application}' asks for {kind} '{name}', which is not here: {hint}")


class RecipeNotApproved(Refused):
    """A recipe is asked for that somebody added and nobody approved."""

    code = "recipe-not-approved"

    def __init__(self, application: str, recipe: str) -> None:
        super().__init__(
            f"application '{application}' asks for recipe '{recipe}', which is not approved: ask the technical manager "
            "to approve it, or leave it out"
        )
        self.recipe = recipe


class ApplicationAbsent(Absent):
    """There is no such application."""

    code = "application-absent"

    def __init__(self, application: str) -> None:
        super().__init__(f"there is no application '{application}' here: `voxpop application list` shows what there is")


def sentence_of_groups(groups: Sequence[str]) -> str:
    """Say which groups ask for too many."""
    names = ", ".join(f"'{group}'" for group in groups)
    return (
        f"group {names} asks for more participants than exist"
        if len(groups) == 1
        else f"groups {names} ask for more participants than exist"
    )
