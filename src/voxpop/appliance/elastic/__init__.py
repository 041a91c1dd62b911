"""How many workers an appliance with a queue has: what decides it, and what does it."""

from voxpop.appliance.elastic.model import Decision, Hours, Memory, Policy, Snapshot, Step
from voxpop.appliance.elastic.policy import decide, grant

__all__ = ["Decision", "Hours", "Memory", "Policy", "Snapshot", "Step", "decide", "grant"]
