"""The typed client of the API: ``Bank(url, token)``."""

from voxpop.client.bank import Bank
from voxpop.client.errors import BankUnreachable, OperationFailed

__all__ = ["Bank", "BankUnreachable", "OperationFailed"]
