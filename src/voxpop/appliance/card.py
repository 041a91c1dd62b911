"""The card of an appliance: what each of its machines must know, and nothing secret."""

from collections.abc import Mapping

from voxpop.appliance.model import Ground, Workers
from voxpop.appliance.tosca.cluster import FRONT
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.units import MB_PER_GB

PERSON = 2_000_000_100
"""Whose jobs runs are: far from every account of a machine, so that none owns what is written."""

_FORMAT = 1


def card(
    appliance: ApplianceId,
    queue: str,
    workers: Workers,
    ground: Ground,
    folders: Mapping[str, str] | None = None,
) -> dict[str, Json]:
    """Write a card.

    Parameters
    ----------
    folders : mapping of name to str, optional
        What machines see of the bank: ``data`` and ``bench``.
    """
    return {
        "format": _FORMAT,
        "appliance": appliance,
        "queue": queue,
        "front": FRONT,
        "workers": {
            "least": workers.least,
            "most": workers.most,
            "cores": workers.cores,
            "memory_mb": workers.memory_gb * MB_PER_GB,
            "gpus": workers.gpus,
        },
        "idle_s": ground.idle_s,
        "boot_s": ground.boot_s,
        "person": PERSON,
        "folders": dict(folders or {}),
    }
