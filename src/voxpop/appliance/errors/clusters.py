"""Why a queue or its workers are not as they are asked to be."""

from voxpop.appliance.errors.words import last_words
from voxpop.kernel.errors import Invalid, Refused, Unavailable


class ClusterNotMade(Unavailable):
    """A front end or its first workers that did not come up."""

    code = "cluster-not-made"

    def __init__(self, appliance: str, site: str, fault: str, said: str) -> None:
        words = last_words(said)
        super().__init__(
            f"appliance '{appliance}' could not be put up on site '{site}' ({fault}); "
            f"its front end's last words: {words or 'none'}"
        )
        self.appliance = appliance


class QueueNeedsRoot(Refused):
    """A queue whose jobs would be the account that keeps the bank."""

    code = "queue-needs-root"

    def __init__(self, site: str) -> None:
        super().__init__(
            f"site '{site}' gives a queue only to a bank that runs as root, since jobs and people would else be the "
            "bank's own account there: run voxpop as root, or take software without a queue"
        )
        self.site = site


class FrontEndAway(Unavailable):
    """A front end that can't be asked."""

    code = "front-end-away"

    def __init__(self, appliance: str, site: str) -> None:
        super().__init__(
            f"the front end of appliance '{appliance}' on site '{site}' can't be reached: deploy the appliance again"
        )
        self.appliance = appliance


class NoWorkersHere(Refused):
    """Workers were asked for where no queue stands."""

    code = "no-workers-here"

    def __init__(self, appliance: str, site: str) -> None:
        super().__init__(
            f"appliance '{appliance}' has no queue on site '{site}': deploy one whose application asks for it"
        )
        self.appliance = appliance


class WorkersNotGiven(Refused):
    """More workers were asked for than there may be, or by other names."""

    code = "workers-not-given"

    def __init__(self, appliance: str, most: int) -> None:
        super().__init__(
            f"appliance '{appliance}' may have {most} workers, w1 to w{most}, and no other: ask for some of these"
        )
        self.appliance = appliance


class WorkersRefused(Refused):
    """Workers that an appliance does not get."""

    code = "workers-refused"

    def __init__(self, appliance: str, workers: int, why: str) -> None:
        super().__init__(f"appliance '{appliance}' gets {workers} of the workers asked for: {why}")
        self.appliance = appliance


class WorkersUnknown(Invalid):
    """A name that is no worker's."""

    code = "workers-unknown"

    def __init__(self) -> None:
        super().__init__("a worker is called w1, w2 and so on: give such names")


class NoWorkers(Refused):
    """An appliance whose size is fixed."""

    code = "no-workers"

    def __init__(self, appliance: str) -> None:
        super().__init__(
            f"appliance '{appliance}' has no queue that workers come and go for: ask for 'htcondor' or 'slurm' in the "
            "application's software"
        )
        self.appliance = appliance


class SizeRefused(Refused):
    """A number of workers that an appliance can't have now."""

    code = "size-refused"

    def __init__(self, appliance: str, why: str) -> None:
        super().__init__(f"appliance '{appliance}' stays as it is: {why}")
        self.appliance = appliance


class SizeInvalid(Invalid):
    """Two numbers that are no size."""

    code = "size-invalid"

    def __init__(self) -> None:
        super().__init__(
            "the least number of workers is 0 or more, the most 1 or more, and the least not above the most"
        )


class QueueUnreachable(Unavailable):
    """A batch queue that nobody here can ask."""

    code = "queue-unreachable"

    def __init__(self, site: str, queue: str) -> None:
        super().__init__(
            f"the batch queue '{queue}' of an appliance on site '{site}' can't be asked from here: deploy the "
            "appliance again, on a site that has queues"
        )
        self.site = site
