"""What egress says no to."""

from collections.abc import Iterable

from voxpop.kernel.errors import Absent, Invalid, Refused


class ReleaseAbsent(Absent):
    """No request of that name."""

    code = "release-absent"

    def __init__(self, release: str) -> None:
        super().__init__(f"there is no release '{release}' here: `voxpop result releases` shows what was asked for")
        self.release = release


class NothingOffered(Absent):
    """A run without a file that may be asked for."""

    code = "nothing-offered"

    def __init__(self, run: str) -> None:
        super().__init__(f"run '{run}' has left nothing that may be asked for: `voxpop run show {run}` says why")


class FileNotOffered(Absent):
    """A file that may not be asked for."""

    code = "file-not-offered"

    def __init__(self, run: str, path: str) -> None:
        super().__init__(
            f"run '{run}' offers no '{path}': its outputs, its report.pdf and its crate may be asked for, "
            f"by the paths that `voxpop result check {run}` shows"
        )
        self.path = path


class PurposeMissing(Invalid):
    """A request without a purpose."""

    code = "purpose-missing"

    def __init__(self, run: str) -> None:
        super().__init__(f"to ask for files of run '{run}', say what for: whoever decides will read it")


class ReasonMissing(Invalid):
    """A decision without a reason."""

    code = "reason-missing"

    def __init__(self, release: str, verb: str) -> None:
        super().__init__(f"to {verb} '{release}', give a reason: it is kept with the decision")


class ActorMissing(Invalid):
    """A step was taken by nobody."""

    code = "actor-missing"

    def __init__(self) -> None:
        super().__init__("say who you are: what leaves, leaves by a person's request and a person's decision")


class OwnRequest(Refused):
    """Someone would let out what they asked for themselves."""

    code = "own-request"

    def __init__(self, release: str) -> None:
        super().__init__(f"whoever asked for '{release}' cannot release it: let another person decide")


class NotOwnRequest(Refused):
    """Someone would take back what another person asked for."""

    code = "not-own-request"

    def __init__(self, release: str) -> None:
        super().__init__(f"only whoever asked for '{release}' can withdraw it: a data manager can refuse it")


class ReleaseStopped(Refused):
    """A finding stands against the release, whoever decides."""

    code = "release-stopped"

    def __init__(self, release: str, findings: int, first: str) -> None:
        more = f" (and {findings - 1} more)" if findings > 1 else ""
        super().__init__(f"'{release}' cannot be released: {first}{more}; refuse it, and ask anew without such files")


class PermissionMissing(Refused):
    """Something in the files needs to be allowed by name."""

    code = "permission-missing"

    def __init__(self, release: str, missing: Iterable[str]) -> None:
        self.missing = tuple(sorted(missing))
        options = " ".join(f"--allow {one}" for one in self.missing)
        super().__init__(
            f"'{release}' holds what needs a permission by name: {', '.join(self.missing)}; release it with "
            f"{options} if the application's approval covers that, else refuse it"
        )


class FilesChanged(Refused):
    """The files are not the ones that were asked for."""

    code = "files-changed"

    def __init__(self, release: str) -> None:
        super().__init__(
            f"files of '{release}' are gone or were changed since they were asked for: refuse it, and ask anew"
        )


class FindingsChanged(Refused):
    """The checks find something else than when it was asked for."""

    code = "findings-changed"

    def __init__(self, release: str) -> None:
        super().__init__(
            f"the checks of '{release}' do not find now what they found when it was asked for: refuse it, and ask anew"
        )


class NotReleased(Refused):
    """Files were to be fetched that nobody has released."""

    code = "not-released"

    def __init__(self, release: str, state: str) -> None:
        super().__init__(f"'{release}' is {state}: only what is released can be fetched")


class ReleaseBroken(Refused):
    """What lies in the release's folder is not what was released."""

    code = "release-broken"

    def __init__(self, release: str) -> None:
        super().__init__(
            f"the files of '{release}' are gone or are not what was released: restore its folder, or ask anew"
        )


class TargetExists(Invalid):
    """A fetched file would replace one that is there."""

    code = "target-exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' is there already: name another file")


class TooMuch(Invalid):
    """A request with more files than are looked at in one go."""

    code = "request-too-large"

    def __init__(self, files: int, most: int) -> None:
        super().__init__(f"{files} files were named, and one request holds {most} at most: ask for fewer")
