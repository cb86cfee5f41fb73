"""One installation that trusts several real OAuth servers at once, each verified in another way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.oidc_provider import RESOURCE, OidcProvider
from harness.stack import Stack, User
from harness.trust import OPAQUE, issuers, trust_provider

PREFIX = "too-"


class Federation:
    """The installation, and its servers by the operator's names for them.

    `signed` and `elliptic` issue JWTs, by RSA and by an elliptic curve, and `mapped` JWTs with words
    of its own for what is allowed; the tokens of the two whose names begin with `opaque` are so.
    """

    def __init__(self, stack: Stack, new_folder: Callable[[str], Path]) -> None:
        self.stack = stack
        self.servers = of = {
            "signed": OidcProvider(new_folder("signed")),
            "elliptic": OidcProvider(new_folder("elliptic"), algorithm="ES256"),
            "opaque": OidcProvider(new_folder("opaque")),
            "opaque_too": OidcProvider(new_folder("opaque_too"), opaque_prefix=PREFIX),
            "mapped": OidcProvider(new_folder("mapped")),
        }
        both, words = "jwt+introspection", ["registry.read=download", "registry.write=modify"]
        sections = issuers(
            signed=trust_provider(of["signed"]),
            elliptic=trust_provider(of["elliptic"], both),
            opaque=trust_provider(of["opaque"], "introspection", opaque_pattern=OPAQUE, cache_seconds=1),
            opaque_too=trust_provider(of["opaque_too"], both, opaque_prefix=[PREFIX], cache_seconds=0),
            mapped=trust_provider(of["mapped"], scopes=words),
        )
        stack.settings.update(sections)

    def start(self) -> Federation:
        for server in self.servers.values():
            server.start()
        self.stack.start()
        return self

    def close(self) -> None:
        self.stack.close()
        for server in self.servers.values():
            server.stop()

    def link(self, user: User, issuer: str) -> None:
        """The subject that has the account's name at the issuer acts for the account."""
        self.stack.link(user, issuer, user.name)

    def token(self, login: str, issuer: str, scope: str) -> str:
        """An access token of a person."""
        resource = None if issuer.startswith("opaque") else RESOURCE
        return self.stack.remember(self.servers[issuer].user_token(login, scope, resource))

    def linked_token(self, user: User, issuer: str, scope: str) -> str:
        """The same of an account's owner, whose tokens are good from now on."""
        self.link(user, issuer)
        return self.token(user.name, issuer, scope)
