"""Which OAuth servers a service trusts: the sections [login.issuer.NAME] of its configuration."""

from __future__ import annotations

from typing import Any

from harness import canaille as canaille_module
from harness import oidc_provider as provider_module
from harness.canaille import Canaille
from harness.issuer import FakeIssuer
from harness.listener import Listener
from harness.oidc_provider import AUDIENCE, INTROSPECTOR, OidcProvider
from harness.service import Settings

Section = dict[str, Any]

OPAQUE = "[A-Za-z0-9_-]{43}"
"""What the opaque tokens of oidc-provider look like, if it is left as it is."""

CLIENTS = ["ci", "web"]
"""The clients of oidc-provider that take tokens. Its opaque tokens have no audience."""


def issuers(**sections: Section) -> Settings:
    """The sections, by the operator's name for each issuer."""
    return {f"login.issuer.{name}": keys for name, keys in sections.items()}


def trust_provider(provider: OidcProvider, verify: str = "jwt", **keys: Any) -> Section:
    """oidc-provider; where opaque tokens are accepted, by their form."""
    client, secret = INTROSPECTOR
    asks = {"client_id": client, "client_secret": secret} if "introspection" in verify else {}
    opaque = "opaque_pattern" in keys or "opaque_prefix" in keys
    receivers = {"clients": CLIENTS} if opaque else {"audience": [AUDIENCE]}
    return {"url": provider.issuer, "verify": verify, **receivers, **asks, **keys}


def trust_canaille(canaille: Canaille, **keys: Any) -> Section:
    """canaille, which takes its own way with nearly everything that can be set."""
    client, secret = canaille_module.CLIENT
    return {
        "url": canaille.issuer,
        "verify": "jwt+introspection",
        "audience": [client],
        "types": ["JWT"],
        "algorithms": ["RS512"],
        "client_id": client,
        "client_secret": secret,
        **keys,
    }


def trust_stub(stub: FakeIssuer, **keys: Any) -> Section:
    """The stub, as an issuer of JWTs unless the keys say otherwise."""
    return {"url": stub.issuer, "audience": ["registry"], **keys}


def trust_introspection(stub: FakeIssuer | Listener, prefix: str, **keys: Any) -> Section:
    """Somebody who is asked about opaque tokens with this prefix."""
    url = stub.issuer if isinstance(stub, FakeIssuer) else stub.url
    asks = {"client_id": "registry", "client_secret": provider_module.SECRET}
    verify = {"verify": "introspection", "opaque_prefix": [prefix]}
    return {"url": url, "audience": ["registry"], **verify, **asks, **keys}


def trust_user_info(stub: FakeIssuer | Listener, **keys: Any) -> Section:
    """Somebody who is asked whose a token is."""
    url = stub.issuer if isinstance(stub, FakeIssuer) else stub.url
    return {"url": url, "verify": "userinfo", "accept_tokens_of_any_client": True, **keys}
