"""What a provider says about itself, and how much of it is believed.

Notes
-----
OpenID Connect Discovery 1.0, 3 and 4.3; RP-Initiated Logout 1.0, 2.1; RFC 9207, 3.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from voxpop.access.errors import ProviderWrong

PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's addresses and abilities.

    Parameters
    ----------
    logout : str
        Where a browser signs out; empty for nowhere.
    secret_in_body : bool
        Whether it wants the client's secret in the form, not in a header.
    sends_issuer : bool
        Whether each answer must name the issuer.
    """

    authorization: str
    token: str
    keys: str
    userinfo: str
    logout: str
    secret_in_body: bool
    sends_issuer: bool

    @classmethod
    def read(cls, document: Mapping[str, Any], issuer: str, title: str) -> Self:
        """Read a discovery document.

        Raises
        ------
        ProviderWrong
            If it is another issuer's, lacks what we need, or leads where a browser or this machine must not go.
        """
        if document.get("issuer") != issuer:
            raise ProviderWrong(title, "its discovery document is another issuer's")
        challenges = _words(document, "code_challenge_methods_supported", "S256")
        if "S256" not in challenges:
            raise ProviderWrong(title, "it does not take PKCE with S256")

        def address(name: str) -> str:
            return _address(document.get(name), issuer, title, name)

        methods = _words(document, "token_endpoint_auth_methods_supported", "client_secret_basic")
        return cls(
            authorization=address("authorization_endpoint"),
            token=address("token_endpoint"),
            keys=address("jwks_uri"),
            userinfo=address("userinfo_endpoint"),
            logout=address("end_session_endpoint") if "end_session_endpoint" in document else "",
            secret_in_body="client_secret_basic" not in methods and "client_secret_post" in methods,
            sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )


def is_loopback(host: str) -> bool:
    """Say whether a host's name is this machine.

    Examples
    --------
    >>> is_loopback("localhost"), is_loopback("127.0.0.9"), is_loopback("::1"), is_loopback("localhost.evil.org")
    (True, True, True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(found: object, issuer: str, title: str, name: str) -> str:
    """Return an address of a provider's: on its own host, or by HTTPS on another with a public name."""
    if not isinstance(found, str):
        raise ProviderWrong(title, f"its discovery document has no {name}")
    try:
        here, there = urlsplit(issuer), urlsplit(found)
        host = there.hostname or ""
        plain = there.username is None and there.port != 0 and not there.fragment
    except ValueError as unreadable:
        raise ProviderWrong(title, f"its {name} is no address") from unreadable
    at_home = host == here.hostname and there.scheme == here.scheme
    if not plain or not (at_home or (there.scheme == "https" and _is_name(host))):
        raise ProviderWrong(title, f"its {name} leads where it must not")
    return found


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and not host.rstrip(".").endswith((".localhost", ".local", ".internal"))
    return False


def _words(document: Mapping[str, Any], name: str, default: str) -> list[str]:
    found = document.get(name, [default])
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
