"""One thing that is wrong with a recipe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong with a recipe.

    Parameters
    ----------
    file : str
        In the recipe's folder.
    line : int
        From 1 on; 0 for the file as a whole.
    fault : str
        One sentence that says what to do; never a secret that was found.
    """

    file: str
    line: int
    fault: str

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.fault}"
