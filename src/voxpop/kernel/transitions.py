"""Life cycles as data: which state may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from voxpop.kernel.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class TransitionTable(Generic[S]):
    """The moves that a life cycle allows.

    Parameters
    ----------
    moves : mapping of state to the states that may follow it
        A state without a row is an end.
    """

    moves: Mapping[S, frozenset[S]]

    def allows(self, source: S, target: S) -> bool:
        """Say whether ``target`` may follow ``source``."""
        return target in self.moves.get(source, frozenset())

    def check(self, subject: str, source: S, target: S) -> None:
        """Refuse a move that the table does not have.

        Raises
        ------
        IllegalMove
            If ``target`` may not follow ``source``.
        """
        if not self.allows(source, target):
            raise IllegalMove(subject, source.value, target.value)
