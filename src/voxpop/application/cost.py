"""What an application would cost at a site's prices."""

from decimal import ROUND_HALF_UP, Decimal

from voxpop.application.model import ComputeRequest
from voxpop.application.ports import Cost, PriceList

HOURS_A_DAY = 24
HOURS_A_MONTH = 730
"""Hours of a billing month, a twelfth of a year, as clouds count a GB month."""

_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")


def cost(compute: ComputeRequest, prices: PriceList) -> Cost:
    """Reckon what a machine costs when it is kept for all the days asked for.

    Parameters
    ----------
    compute : ComputeRequest
        Cores, GPUs, storage in GB, and days.
    prices : PriceList
        Money for a core hour, a GPU hour and a GB month.

    Returns
    -------
    Cost
        Core hours are cores x 24 x days, GPU hours likewise; GB months are GB x 24 x days / 730, to a tenth.
        Each part's money is rounded to the cent and ``money`` is the sum of the rounded parts, so that the sheet adds
        up.

    Notes
    -----
    It is an upper bound, whatever the hours in which a site gives machines: what is there then stays while it has
    work. An elastic site that shrinks the environment when it is idle bills less. Memory has no
    price of its own; sites price it with the cores.
    """
    hours = HOURS_A_DAY * compute.days
    core_hours = Decimal(compute.cores * hours)
    gpu_hours = Decimal(compute.gpus * hours)
    gb_months = Decimal(compute.storage_gb * HOURS_A_DAY * compute.days) / HOURS_A_MONTH
    parts = {
        "cores": _money(core_hours, prices.core_hour),
        "gpus": _money(gpu_hours, prices.gpu_hour),
        "storage": _money(gb_months, prices.gb_month),
    }
    return Cost(
        core_hours=float(core_hours),
        gpu_hours=float(gpu_hours),
        gb_months=float(gb_months.quantize(_TENTH, ROUND_HALF_UP)),
        money=float(sum(parts.values(), Decimal(0))),
        currency=prices.currency,
        parts={part: float(money) for part, money in parts.items()},
    )


def money_paid(worker_s: float, cores: int, gpus: int, prices: PriceList) -> float:
    """Reckon what workers came to, to the cent.

    Parameters
    ----------
    worker_s : float
        Seconds of workers, all together.
    cores, gpus : int
        Of one worker.
    """
    hours = Decimal(str(round(worker_s, 3))) / 3600
    return float(_money(hours * cores, prices.core_hour) + _money(hours * gpus, prices.gpu_hour))


def _money(quantity: Decimal, price: float) -> Decimal:
    return (quantity * Decimal(str(price))).quantize(_CENT, ROUND_HALF_UP)
