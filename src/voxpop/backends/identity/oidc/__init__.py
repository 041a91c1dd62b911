"""A provider of identity that speaks OpenID Connect: discovery, authorization code with PKCE, userinfo, logout."""

from voxpop.backends.identity.oidc.provider import OidcProvider, Registration, open_provider

__all__ = ["OidcProvider", "Registration", "open_provider"]
