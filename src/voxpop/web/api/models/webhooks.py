"""Addresses that are told of events."""

from typing import Annotated

from pydantic import Field, StringConstraints

from voxpop.web.api.models.base import NO_NUL, Answer, Asked, Moment

Address = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]
Beginning = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z.-]+$")]


class WebhookAsked(Asked):
    """An address to be told of events of what one may read."""

    url: Address = Field(description="An https address; it gets a POST with `seq`, `at`, `action` and `subject`.")
    actions: list[Beginning] = Field(
        default_factory=list, max_length=50, description="What the actions begin with, such as `run.`; none for all."
    )


class WebhookFacts(Answer):
    """An address that is told of events."""

    webhook: str = Field(description="Its id.")
    url: str = Field(description="Where it is told.")
    actions: list[str] = Field(description="What the actions begin with; none for all.")
    made_at: Moment = Field(description="When it was made.")
    seq: int = Field(description="The last event that it was told, or that was not for it.")
    failures: int = Field(description="How often telling the next one has failed.")
    enabled: bool = Field(description="False once it was given up, or its token ended: make it anew.")


class WebhookMade(WebhookFacts):
    """A new webhook, with what its notices are signed by."""

    secret: str = Field(description="The key of the HMAC-SHA256 signature; it is told once.")
