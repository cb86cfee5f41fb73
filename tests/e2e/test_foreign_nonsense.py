"""Issuers that answer nonsense: no answer says that the login is wrong, and no login succeeds. All are stubs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from conftest import NewStack
from harness.issuer import INTROSPECTION, JWKS, OAUTH_METADATA, OPENID_METADATA, FakeIssuer, Reply
from harness.process import wait_until
from harness.signing import SigningKey
from harness.stack import anybody
from harness.trust import issuers, trust_introspection, trust_stub


HTML = Reply(200, b"<html><h1>Welcome</h1></html>", {"Content-Type": "text/html"})
KEYS_NONSENSE: dict[str, dict[str, object]] = {
    "keys in HTML": {JWKS: HTML},
    "keys with an error": {JWKS: Reply(500)},
    "keys that are not there": {JWKS: Reply(404)},
    "keys without end": {JWKS: {"keys": [], "padding": "x" * 600_000}},
    "keys that are none": {JWKS: {"keys": "none"}},
    "metadata in HTML": {OPENID_METADATA: HTML},
    "metadata with an error": {OPENID_METADATA: Reply(503)},
    "metadata that is not there": {OPENID_METADATA: Reply(404), OAUTH_METADATA: Reply(404)},
    "metadata of nobody": {OPENID_METADATA: {}},
}
ANSWERS: dict[str, object] = {
    "in HTML": HTML,
    "with an error": Reply(502),
    "that does not know this service": Reply(401, b'{"error":"invalid_client"}'),
    "of a bad request": Reply(400, b'{"error":"invalid_request"}'),
    "of nothing": Reply(204),
    "without a word": {},
    "in words": {"active": "true", "sub": "alice", "aud": "registry"},
    "in numbers": {"active": 1, "sub": "alice", "aud": "registry"},
    "twice": Reply(200, b'{"active":false,"active":true,"sub":"alice","aud":"registry"}'),
    "in a list": [{"active": True, "sub": "alice", "aud": "registry"}],
}


@pytest.fixture
def stubs() -> Iterator[list[FakeIssuer]]:
    """As many as there are ways to talk nonsense, so that none of them is left alone for another's."""
    made = [FakeIssuer().start() for _ in range(max(len(KEYS_NONSENSE), len(ANSWERS)))]
    yield made
    for stub in made:
        stub.stop()


def test_nonsense_in_place_of_keys_is_no_wrong_login(stubs: list[FakeIssuer], new_stack: NewStack) -> None:
    stack = new_stack(**issuers(**{f"hub{n}": trust_stub(stub) for n, stub in enumerate(stubs)}))
    for stub, (name, replies) in zip(stubs, KEYS_NONSENSE.items(), strict=False):
        stub.replies = replies
        answer = stack.ask_token(anybody(stub.sign(stub.claims())))
        assert (name, answer.status) == (name, 429)
        stub.replies = {}
    for stub in stubs[: len(KEYS_NONSENSE)]:
        token = anybody(stub.sign(stub.claims()))
        wait_until(lambda token=token: stack.ask_token(token).status == 401, "keys are read again", 5)
        assert "no account here is linked" in stack.ask_token(token).message


def test_nonsense_in_place_of_an_introspection_is_no_wrong_login(
    stubs: list[FakeIssuer], new_stack: NewStack
) -> None:
    sections = {f"hub{n}": trust_introspection(stub, f"hub{n}_") for n, stub in enumerate(stubs)}
    stack = new_stack(**issuers(**sections))
    for number, (stub, (name, reply)) in enumerate(zip(stubs, ANSWERS.items(), strict=False)):
        stub.replies = {INTROSPECTION: reply}
        answer = stack.ask_token(anybody(f"hub{number}_token"))
        assert (name, answer.status) == (name, 429)
        stub.replies = {}
        answer = stack.ask_token(anybody(f"hub{number}_token"))
        assert (name, answer.status) == (name, 401)
        assert "was revoked or has expired; get a new one" in answer.message
    assert "its introspection endpoint answers" in stack.service.log(), "the cause is for the operator"


def test_with_keys_that_fit_no_token_everything_is_forged(
    fake_issuer: FakeIssuer, new_stack: NewStack
) -> None:
    """Keys for encryption and shared secrets are as good as none."""
    stack = new_stack(**issuers(hub=trust_stub(fake_issuer, cache_seconds=0)))
    public = fake_issuer.rsa.public_jwk()
    fake_issuer.replies[JWKS] = {
        "keys": [
            {"kty": "oct", "k": "c2VjcmV0", "kid": public["kid"], "alg": "HS256"},
            {**public, "use": "enc"},
            {**public, "key_ops": ["encrypt"]},
            {**public, "alg": "RSA-OAEP"},
            {"kty": "RSA", "kid": public["kid"]},
            "nonsense",
        ]
    }
    answer = stack.ask_token(anybody(fake_issuer.sign(fake_issuer.claims())))
    assert answer.status == 401
    assert "is not genuine" in answer.message


def test_a_key_that_can_be_broken_verifies_nothing(fake_issuer: FakeIssuer, new_stack: NewStack) -> None:
    stack = new_stack(**issuers(hub=trust_stub(fake_issuer)))
    stack.link(stack.add_user("alice"), "hub", "alice")
    weak = SigningKey()
    weak.private = rsa.generate_private_key(65537, 1024)
    fake_issuer.published.append(weak)
    answer = stack.ask_token(anybody(weak.sign(fake_issuer.claims())))
    assert answer.status == 401
    assert "is not genuine" in answer.message
    assert stack.ask_token(anybody(fake_issuer.sign(fake_issuer.claims()))).status == 200
