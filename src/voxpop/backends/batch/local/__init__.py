"""Jobs as processes of this machine: what the queues of appliances are held against."""

from voxpop.backends.batch.local.queue import LocalBatch, open_batch

__all__ = ["LocalBatch", "open_batch"]
