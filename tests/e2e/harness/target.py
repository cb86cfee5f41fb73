"""What forgers aim at: an installation that trusts stubs, with one account that is linked at each."""

from __future__ import annotations

from harness.issuer import FakeIssuer
from harness.listener import Listener
from harness.signing import Claims, SigningKey
from harness.stack import Stack, User
from harness.trust import issuers, trust_stub
from harness.web import HttpAnswer, post_form

ALGORITHMS = ["RS256", "ES256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "EdDSA"]
"""Every one that can be listed; a stub has keys for the first two anyhow."""


class Target:
    """The installation, its issuers, and a trap for requests to addresses that a token names.

    Only `alice` has an account. Tokens of `issuer` need an audience; those of `narrow` are of one
    client too; `lasting` has tokens that never expire, and every kind of signature.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.trap = Listener()
        self.issuer, self.narrow, self.lasting = FakeIssuer(), FakeIssuer(), FakeIssuer()
        self.lasting.published += [SigningKey(algorithm) for algorithm in ALGORITHMS[2:]]
        sections = issuers(
            stub=trust_stub(self.issuer),
            narrow=trust_stub(self.narrow, clients=["web"]),
            lasting=trust_stub(self.lasting, tokens_without_expiry=True, algorithms=ALGORITHMS),
        )
        # What names no issuer is a password: without a limit to wrong ones there is no waiting.
        stack.settings.update({"login": {"free_tries": 0}, **sections})

    def start(self) -> Target:
        for stub in (self.issuer, self.narrow, self.lasting):
            stub.start()
        self.stack.start()
        alice = self.stack.add_user("alice")
        for name in ("stub", "narrow", "lasting"):
            self.stack.link(alice, name, "alice")
        return self

    def close(self) -> None:
        self.stack.close()
        for stub in (self.issuer, self.narrow, self.lasting):
            stub.stop()
        self.trap.close()

    def claims(self, **changes: object) -> Claims:
        """Those of a good token of alice."""
        return self.issuer.claims(**changes)

    def ask(self, token: str, name: str = "x") -> HttpAnswer:
        """In a form, because the longest do not fit into a header."""
        form = {"grant_type": "password", "username": name, "password": token, "service": "registry.test"}
        return post_form(self.stack.service.url + "/token", form)

    def refusal(self, token: str) -> str:
        """Why it is refused, in a form as in a header."""
        by_form, by_header = self.ask(token), self.stack.ask_token(User("x", token))
        assert by_form.status == by_header.status == 401
        assert by_form.message == by_header.message
        return by_form.message

    def assert_that_true_tokens_are_accepted(self) -> None:
        """Else it would prove nothing that a forged one is refused."""
        for algorithm in ("RS256", "ES256"):
            token = self.issuer.sign(self.claims(), {"alg": algorithm})
            assert self.ask(token).status == 200
