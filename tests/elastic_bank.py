"""A cluster in memory with its keeper, whose time is turned by hand."""

from datetime import UTC, datetime

from voxpop.appliance.elastic import Decision, Memory, Policy
from voxpop.appliance.elastic.fakes import MemoryBooks, MemoryCluster
from voxpop.appliance.elastic.keeper import Keeper, Office
from voxpop.appliance.fakes import MemoryAppliances
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import ApplianceId

NAME = ApplianceId("bone-density-a1")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERY_S = 2.0


class Bank:
    """A cluster in memory with its keeper, whose time is turned by hand."""

    def __init__(self, policy: Policy, boot_s: float = 10.0, slots: int = 1) -> None:
        self.policy = policy
        self.cluster = MemoryCluster(boot_s, slots)
        self.books = MemoryBooks()
        self.ledger = MemoryAppliances()
        self.last = Decision(Memory())
        self.start()

    def start(self) -> None:
        """Start voxpop, which remembers nothing."""
        cluster = self.cluster
        office = Office(self.books, self.ledger, cluster.clock, lambda: cluster.now_s)
        self.keeper = Keeper(NAME, cluster, cluster, lambda: self.policy, office)

    def go(self, seconds: float) -> None:
        """Let time go on, with a pass every two seconds."""
        end_s = self.cluster.now_s + seconds
        while self.cluster.now_s < end_s:
            try:
                self.last = self.keeper.look()
            except Unavailable:
                self.last = Decision(Memory())
            self.cluster.turn(EVERY_S)
