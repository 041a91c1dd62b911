"""Identifiers that depend on the seed alone."""

from dataclasses import dataclass

from pydicom.uid import UID, generate_uid


@dataclass(frozen=True, slots=True)
class Uids:
    """The UIDs of one patient's objects."""

    seed: int
    index: int

    def make(self, *names: str | int) -> UID:
        """Return the UID of a name; the same name always gives the same UID."""
        return generate_uid(entropy_srcs=["voxpop demo", str(self.seed), str(self.index), *map(str, names)])
