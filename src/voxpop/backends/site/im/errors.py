"""What a site with an Infrastructure Manager says no to."""

import re

from voxpop.appliance.errors.words import last_words
from voxpop.kernel.errors import Refused, Unavailable

_SECRET = re.compile(r"(?i)(password|token|secret|private_key)(\W+)\S+")


class SiteUnauthorized(Unavailable):
    """The service does not know us, or no longer."""

    code = "site-unauthorized"

    def __init__(self, site: str) -> None:
        super().__init__(
            f"site '{site}' does not accept our credentials, or no longer: renew the files that its settings name, "
            f"then `voxpop site check {site}`"
        )
        self.site = site


class InfrastructureRefused(Refused):
    """The service said no to what it was asked for."""

    code = "infrastructure-refused"

    def __init__(self, site: str, said: str) -> None:
        super().__init__(f"site '{site}' refuses it; its words: {told(said)}")
        self.site = site


class InfrastructureUnconfigured(Refused):
    """Machines that did not become what the document says; nothing of them is left."""

    code = "infrastructure-unconfigured"

    def __init__(self, site: str, appliance: str, fault: str, said: str) -> None:
        super().__init__(
            f"appliance '{appliance}' could not be made on site '{site}', {fault}, and nothing of it is left; the last "
            f"words of its log: {told(said)}"
        )
        self.appliance = appliance


class InfrastructureLeft(Unavailable):
    """A deployment failed, and what there is of it could not be removed."""

    code = "infrastructure-left"

    def __init__(self, site: str, appliance: str, sentence: str) -> None:
        super().__init__(
            f"{sentence}; what was made of appliance '{appliance}' could not be removed from site '{site}' then: "
            f"`voxpop appliance remove {appliance}` does, once it answers"
        )
        self.appliance = appliance


class InfrastructureStays(Unavailable):
    """The service says that it destroyed something, and lists it still."""

    code = "infrastructure-stays"

    def __init__(self, site: str, appliance: str) -> None:
        super().__init__(
            f"site '{site}' still lists machines of appliance '{appliance}' that it was told to destroy: "
            f"`voxpop appliance remove {appliance}` tries again"
        )
        self.appliance = appliance


class InfrastructureGone(Unavailable):
    """The service knows nothing of an appliance."""

    code = "infrastructure-gone"

    def __init__(self, site: str, appliance: str) -> None:
        super().__init__(f"site '{site}' has no machines of appliance '{appliance}': deploy it again, or remove it")
        self.appliance = appliance


class SiteWithoutQueue(Refused):
    """An environment without a batch queue on a site that makes clusters."""

    code = "site-without-queue"

    def __init__(self, site: str) -> None:
        super().__init__(
            f"site '{site}' makes a front end and workers, and the application asks for no batch queue: add 'slurm' or "
            "'htcondor' to its software, or take another site"
        )
        self.site = site


class RunsNotHeld(Refused):
    """A run or a terminal on machines that do not see the data."""

    code = "runs-not-held"

    def __init__(self, site: str, appliance: str) -> None:
        super().__init__(
            f"appliance '{appliance}' holds no runs and no terminals: its machines on site '{site}' do not see the "
            "data; deploy on another site by `voxpop appliance deploy`"
        )
        self.appliance = appliance


class FrontEndUnreachable(Unavailable):
    """The front end of an appliance does not let us in."""

    code = "front-end-unreachable"

    def __init__(self, appliance: str, fault: str) -> None:
        super().__init__(f"the front end of appliance '{appliance}' can't be reached: {fault}; try again later")
        self.appliance = appliance


def told(said: str) -> str:
    """Return the end of a log on one line, without what stands behind a word for a secret."""
    return last_words(_SECRET.sub(r"\1\2(hidden)", said)) or "none"
