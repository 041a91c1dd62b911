"""Which addresses we may be sent to by others: none inside the hospital's network, unless a setting allows it.

Notes
-----
OWASP, "Server Side Request Forgery Prevention". The name is resolved here, and the caller connects to the very address
that was looked at, so a name cannot point elsewhere a moment later.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from voxpop.kernel.errors import Invalid, Unavailable

_HTTPS = "https"
_PORTS = {"http": 80, _HTTPS: 443}


class TargetRefused(Invalid):
    """An address is one that we do not call."""

    code = "target-refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"this address is not called: {why}")


class TargetUnknown(Unavailable):
    """A host's name cannot be resolved now."""

    code = "target-unknown"

    def __init__(self) -> None:
        super().__init__("the host of this address is not known: see its name")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to.

    Parameters
    ----------
    url : str
        With the address in the name's place.
    host : str
        The name, for the certificate and the ``Host`` header.
    """

    url: str
    host: str
    authority: str


def target_of(url: str, *, private: bool) -> Target:
    """Resolve where an address leads, and refuse what is not public.

    Parameters
    ----------
    private : bool
        Whether addresses of private networks and of this machine, and plain http to them, are let through.

    Raises
    ------
    TargetRefused
        If it is no address that we call.
    TargetUnknown
        If its name cannot be resolved.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as unreadable:
        raise TargetRefused("it cannot be read") from unreadable
    if not host or parts.scheme not in _PORTS or parts.username or parts.password or parts.fragment:
        raise TargetRefused("it must be an https:// address without a user or a fragment")
    addresses = _resolved(host, port)
    inside = [address for address in addresses if not _is_public(address)]
    if inside and not private:
        raise TargetRefused("it lies in a private network, or on this machine")
    if parts.scheme != _HTTPS and not all(address.is_loopback for address in addresses):
        raise TargetRefused("it must begin with https://")
    first = addresses[0]
    literal = f"[{first}]" if first.version == 6 else str(first)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(f"{parts.scheme}://{literal}:{port}{path}", host, parts.netloc)


def _resolved(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise TargetUnknown from unknown
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    return bool(inner.is_global and not inner.is_multicast and address.is_global)
