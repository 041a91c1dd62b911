"""OpenID providers for tests: a real one (oidc-provider on Node), and one that can be told to lie."""
