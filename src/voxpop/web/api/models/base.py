"""What all answers and requests share: how a moment, a day and a text are written, pages and problems."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

T = TypeVar("T")
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What an id looks like, of whatever kind."""
NO_NUL = r"^[^\x00]*$"


def _only_text(value: Any) -> Any:
    if isinstance(value, (str, date)):
        return value
    raise ValueError("write a day as year-month-day")


Moment = Annotated[
    datetime,
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in UTC, ISO 8601."""
Day = Annotated[date, BeforeValidator(_only_text), WithJsonSchema({"type": "string", "format": "date"})]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME)]
Words = Annotated[str, StringConstraints(max_length=4000, pattern=NO_NUL)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]


class Answer(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """What the API is asked; a field that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Page(Answer, Generic[T]):
    """A part of a list."""

    items: list[T] = Field(description="What may be read, in the list's order.")
    next: str | None = Field(description="Give it as `cursor` to get the next part; null where the list ends.")


class Problem(Answer):
    """Why a request was not done (RFC 9457)."""

    type: str = Field(description="`urn:voxpop:` and the code.")
    title: str = Field(description="One sentence for people: what is wrong and what to do.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="What it is, for programs; stable.")


class Reason(Asked):
    """A step that a person takes, and why."""

    reason: Words = Field(default="", description="Why; it stands in the audit log.")
