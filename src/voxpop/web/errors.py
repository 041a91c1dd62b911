"""Which HTTP status answers which error: the one place that says so."""

from voxpop.access.errors import AccountKeptOut, IdentityRefused, NoMember, NotAllowed, TokenInvalid, TooManyTries
from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable, VoxpopError

UNAUTHORIZED = 401
_STATUS: tuple[tuple[type[VoxpopError], int], ...] = (
    (TokenInvalid, UNAUTHORIZED),
    (NotAllowed, 403),
    (IdentityRefused, 403),
    (NoMember, 403),
    (AccountKeptOut, 403),
    (TooManyTries, 429),
    (Invalid, 422),
    (Absent, 404),
    (Refused, 409),
    (Unavailable, 503),
)


class SignInWanted(Refused):
    """What was asked for is only for those who have signed in."""

    code = "sign-in-wanted"

    def __init__(self) -> None:
        super().__init__("sign in first, or bring a token: what you ask for is not public")


class FormNotOurs(Refused):
    """A form did not come from a page of ours, or from another session."""

    code = "form-not-ours"

    def __init__(self) -> None:
        super().__init__(
            "this form is from another page or an older sign-in: go back, load the page again, and send it"
        )


class TooLarge(Invalid):
    """A request is larger than anything that is asked of us."""

    code = "too-large"

    def __init__(self, most: int) -> None:
        super().__init__(f"the request is larger than {most // 1024} KiB: send less")


def status_of(error: VoxpopError) -> int:
    """Return the HTTP status that answers an error."""
    if isinstance(error, SignInWanted):
        return UNAUTHORIZED
    if isinstance(error, FormNotOurs):
        return 403
    if isinstance(error, TooLarge):
        return 413
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
