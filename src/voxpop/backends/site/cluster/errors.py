"""What a cluster that others keep says no to."""

from voxpop.kernel.errors import Refused, Unavailable


class ClusterUnreachable(Unavailable):
    """The machine where jobs are handed in does not answer."""

    code = "cluster-unreachable"

    def __init__(self, site: str, fault: str) -> None:
        super().__init__(f"site '{site}' can't be reached where jobs are handed in: {fault}; try again later")
        self.site = site


class ClusterUnfit(Refused):
    """A cluster on which runs can't be held as they must."""

    code = "cluster-unfit"

    def __init__(self, site: str, fault: str) -> None:
        super().__init__(f"site '{site}' can't hold runs: {fault}")
        self.site = site


class ClusterBusy(Unavailable):
    """A cluster whose queue has not come to the job that tries it out."""

    code = "cluster-busy"

    def __init__(self, site: str, patience_s: int) -> None:
        super().__init__(
            f"site '{site}' has not done the job that tries it out within {patience_s} s: try again when it is less "
            "busy, or give it a larger 'patience_s'"
        )
        self.site = site
