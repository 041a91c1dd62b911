"""What the client says no with: the kinds of ``kernel.errors``, with the server's code and sentence."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable, VoxpopError

_KINDS: dict[int, type[VoxpopError]] = {
    400: Invalid,
    401: Refused,
    403: Refused,
    404: Absent,
    405: Invalid,
    409: Refused,
    412: Refused,
    413: Invalid,
    416: Invalid,
    422: Invalid,
    429: Unavailable,
}


class BankUnreachable(Unavailable):
    """The bank did not answer."""

    code = "bank-unreachable"

    def __init__(self, url: str) -> None:
        super().__init__(f"the bank at {url} did not answer: see whether the address is right and the bank is up")


class AddressUnsafe(Invalid):
    """A token would travel where others can read it."""

    code = "address-unsafe"

    def __init__(self) -> None:
        super().__init__("the bank's address must begin with https://, or be this machine's: a token is a secret")


class AnswerUnreadable(Unavailable):
    """What answered is no bank of ours, or a newer one."""

    code = "answer-unreadable"

    def __init__(self, status: int) -> None:
        super().__init__(f"what answered with status {status} is no voxpop that can be read: see the address")


class OperationFailed(Refused):
    """A piece of durable work did not come to its end."""

    code = "operation-failed"


class TooSlow(Unavailable):
    """A piece of durable work did not end in time; it goes on."""

    code = "too-slow"

    def __init__(self, operation: str) -> None:
        super().__init__(f"'{operation}' is still going on: look again later")


def error_of(status: int, code: str, sentence: str) -> VoxpopError:
    """Return an answer's problem as the kind of error that it was raised as."""
    kind = _KINDS.get(status, Unavailable)
    answered: type[VoxpopError] = type("Answered", (kind,), {"code": code, "__doc__": kind.__doc__})
    return answered(sentence)
