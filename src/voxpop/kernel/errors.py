"""The one tree of errors, split by what the caller can do.

::

    VoxpopError
    ├── Invalid       what was given is wrong: mend it and try again
    ├── Refused       understood, and not allowed as things stand
    ├── Absent        what was named is not there
    └── Unavailable   a part outside did not answer: try again later

Each error carries a ``code`` for programs and reads as one sentence for people. A sentence never holds a patient's
value: it names archives, ordinals and pseudonyms only.
"""

from typing import ClassVar


class VoxpopError(Exception):
    """Anything that voxpop says no to."""

    code: ClassVar[str] = "error"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class Invalid(VoxpopError):
    """What was given is wrong: mend it and try again."""

    code = "invalid"


class Refused(VoxpopError):
    """Understood, and not allowed as things stand."""

    code = "refused"


class Absent(VoxpopError):
    """What was named is not there."""

    code = "absent"


class Unavailable(VoxpopError):
    """A part outside did not answer: try again later."""

    code = "unavailable"


class IllegalMove(Refused):
    """A life cycle was asked for a step that its transition table does not have."""

    code = "illegal-move"

    def __init__(self, subject: str, source: str, target: str) -> None:
        super().__init__(f"{subject} is {source}, and cannot become {target}")
        self.subject = subject
        self.source = source
        self.target = target
