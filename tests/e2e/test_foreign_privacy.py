"""A password never leaves the process, and a token goes to its own issuer only. The issuers are traps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from conftest import NewStack, running_stack
from harness.issuer import JWKS, OAUTH_METADATA, OPENID_METADATA, FakeIssuer, Reply
from harness.listener import Connection, Listener
from harness.process import wait_until
from harness.signing import SigningKey, base64url
from harness.stack import Stack, User
from harness.trust import issuers, trust_introspection, trust_stub, trust_user_info
from harness.web import post_form, request

HEX = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Trapped:
    """An installation whose issuers are traps, by the operator's names for them."""

    stack: Stack
    traps: dict[str, Listener]

    def assert_that_nothing_went_out(self) -> None:
        for trap in self.traps.values():
            trap.assert_that_nobody_connected()

    def bring(self, secret: str, name: str = "x") -> set[int]:
        """The statuses of a secret in every place where a client can put one."""
        url = self.stack.service.url + "/token"
        form = {"grant_type": "password", "username": name, "password": secret}
        as_name = {"grant_type": "password", "username": secret, "password": "a password"}
        refresh = {"grant_type": "refresh_token", "refresh_token": secret}
        answers = [post_form(url, fields) for fields in (form, as_name, refresh)]
        answers.append(self.stack.ask_token(User(name, secret)))
        bearer = {"Authorization": f"Bearer {secret}"}
        if len(secret) < 20_000 and "\n" not in secret and secret.isascii():
            answers.append(request("GET", url, headers=bearer))
        return {answer.status for answer in answers}

    def requests(self, name: str) -> list[bytes]:
        """What the trap was sent first on each connection, once there is something."""

        def sent() -> list[Connection]:
            return [seen for seen in self.traps[name].connections if seen.first_bytes]

        return [seen.first_bytes for seen in wait_until(sent, f"somebody asks {name}")]


def everywhere(trap: Listener) -> dict[str, Any]:
    """Every endpoint of an issuer, in the trap."""
    names = ("jwks_url", "introspection_url", "userinfo_url")
    return {name: f"{trap.url}/{name}" for name in names}


@pytest.fixture
def trapped(request: pytest.FixtureRequest) -> Iterator[Trapped]:
    traps = {name: Listener() for name in ("signed", "asked", "info")}
    signed, asked, info = traps.values()
    sections = issuers(
        signed={"url": signed.url, "audience": ["registry"], **everywhere(signed)},
        asked=trust_introspection(asked, "hub_", opaque_pattern="[0-9a-f]{40}", **everywhere(asked)),
        info=trust_user_info(info, opaque_prefix=["inf_token_"], **everywhere(info)),
    )
    try:
        with running_stack("sqlite", request, login={"free_tries": 0}, **sections) as stack:
            yield Trapped(stack, traps)
    finally:
        for trap in traps.values():
            trap.close()


HEADER = base64url(b'{"alg":"RS256"}')


def jwt(claims: object) -> str:
    """One that nobody has signed."""
    return f"{HEADER}.{base64url(json.dumps(claims).encode())}.{base64url(b'x' * 64)}"


def almost_tokens(url: str) -> list[str]:
    """A text that is not a token of the issuers, though it looks much like one."""
    begin = HEADER
    claims = base64url(json.dumps({"iss": url}).encode())
    return [
        "hub", "hub-" + HEX, "HUB_" + HEX, " hub_" + HEX, "xhub_" + HEX, "inf_token", "inf-token-" + HEX,
        "hub_" + HEX + " x", "hub_" + HEX + "\n", "hub_\u00e4" + HEX, "hub_{" + HEX + "}", "hub_=" + HEX,
        HEX[:-1], HEX + "0", HEX.upper(), HEX + "\n", "\n" + HEX, HEX.replace("0", "\u0660"), HEX[:-1] + "g",
        jwt({"iss": "https://issuer.invalid"}), jwt({"iss": url + "/"}), jwt({"iss": url.upper()}),
        jwt({"iss": [url]}), jwt({"iss": None}), jwt({"aud": url}), jwt([url]),
        f"{begin}.{claims}", f"{begin}.{claims}.x.y", f"{begin}.{claims}.x.y.z", f"{begin}.{claims}=.x",
        f" {begin}.{claims}.x", f"Bearer {begin}.{claims}.x", f".{claims}.x", "..",
    ]  # fmt: skip


def test_no_password_and_nothing_that_only_looks_like_a_token_goes_out(trapped: Trapped) -> None:
    stack = trapped.stack
    owner = stack.add_user("owner")
    own = stack.add_token(owner)
    ours = stack.token(owner, f"repository:{stack.add_project(owner)}/a:pull,push")
    assert stack.ask_token(owner).status == 200
    assert stack.ask_token(User(owner.name, own)).status == 200
    passwords = ["", "wrong", owner.name, f"{owner.name}@example.org", "correct horse battery staple"]
    passwords += ["x" * 8192, "x" * 100_000, "päss wörd", trapped.traps["signed"].url]
    passwords += [own[:-1], own + "x", "asp_nonsense", "asi_" + HEX, "ass_" + HEX, ours, ours[:-2]]
    for secret in [*passwords, *almost_tokens(trapped.traps["signed"].url)]:
        for name in (owner.name, ""):
            statuses = trapped.bring(secret, name)
            assert statuses <= {401, 200} if secret == "" else statuses <= {401, 400, 431}, secret
    trapped.assert_that_nothing_went_out()


def test_a_token_goes_to_its_own_issuer_and_to_nobody_else(trapped: Trapped) -> None:
    key = SigningKey()
    signed = key.sign({"iss": trapped.traps["signed"].url, "sub": "x", "aud": "registry"})
    for name, token in {
        "signed": signed,
        "asked": "hub_" + HEX,
        "info": "inf_token_" + HEX,
        "asked too": HEX,
    }.items():
        trapped.assert_that_nothing_went_out()
        issuer = name.split()[0]
        answer = trapped.stack.ask_token(User("x", trapped.stack.remember(token)))
        assert answer.status == 429
        assert f"the identity provider '{issuer}' does not answer" in answer.message
        assert all(signed.encode() not in sent for sent in trapped.requests(issuer))
        trapped.traps[issuer].connections.clear()


def test_a_token_that_is_brought_as_something_else_goes_nowhere(trapped: Trapped) -> None:
    """As a user name, as a refresh token, or with another scheme; and in the address."""
    url = trapped.stack.service.url + "/token"
    signed = SigningKey().sign({"iss": trapped.traps["signed"].url, "sub": "x", "aud": "registry"})
    for token in (signed, "hub_" + HEX, HEX, "inf_token_" + HEX):
        as_name = {"grant_type": "password", "username": token, "password": "a password"}
        as_refresh = {"grant_type": "refresh_token", "refresh_token": token}
        answers = [post_form(url, form) for form in (as_name, as_refresh)]
        answers.append(request("GET", url, headers={"Authorization": f"Bearer {token}"}))
        answers.append(request("GET", f"{url}?access_token={token}&account={token}"))
        assert {answer.status for answer in answers} == {401}
    trapped.assert_that_nothing_went_out()


def test_a_jwt_never_leaves_the_process_where_its_signature_is_verified(
    fake_issuer: FakeIssuer, new_stack: NewStack
) -> None:
    stack = new_stack(**issuers(stub=trust_stub(fake_issuer)))
    stack.link(stack.add_user("alice"), "stub", "alice")
    token = fake_issuer.sign(fake_issuer.claims())
    assert stack.ask_token(User("", token)).status == 200
    assert [(seen.method, seen.path) for seen in fake_issuer.requests] == [
        ("GET", OPENID_METADATA),
        ("GET", JWKS),
    ]
    for seen in fake_issuer.requests:
        assert seen.body == b""
        assert not any(token in value for value in seen.headers.values())


def test_nothing_goes_out_before_a_token_is_brought(trapped: Trapped) -> None:
    request("GET", trapped.stack.service.url + "/readyz")
    request("GET", trapped.stack.service.ops_url + "/metrics")
    trapped.stack.service.cli("config", "check").check()
    trapped.stack.link(trapped.stack.add_user("owner"), "signed", "x")
    trapped.assert_that_nothing_went_out()


@pytest.fixture
def misleading(listener: Listener) -> Iterator[dict[str, FakeIssuer]]:
    """Issuers that would send this service elsewhere, and an honest one."""
    stubs = {
        name: FakeIssuer() for name in ("honest", "keys", "asking", "profile", "name", "moved", "moved_keys")
    }
    elsewhere = Reply(302, b"", {"Location": listener.url + "/elsewhere"})
    stubs["keys"].metadata["jwks_uri"] = listener.url + "/keys"
    stubs["asking"].metadata["introspection_endpoint"] = listener.url + "/introspect"
    stubs["profile"].metadata["userinfo_endpoint"] = listener.url + "/userinfo"
    stubs["name"].metadata["issuer"] = listener.url
    stubs["moved"].replies = {OPENID_METADATA: elsewhere, OAUTH_METADATA: elsewhere}
    stubs["moved_keys"].replies = {JWKS: elsewhere}
    for stub in stubs.values():
        stub.start()
    yield stubs
    for stub in stubs.values():
        stub.stop()


def test_what_an_issuer_says_leads_nowhere_else(
    misleading: dict[str, FakeIssuer], listener: Listener, new_stack: NewStack
) -> None:
    """Neither a redirect nor an endpoint on another server is followed, though the issuer names it."""
    stack = new_stack(**issuers(**{name: trust_stub(stub) for name, stub in misleading.items()}))
    alice = stack.add_user("alice")
    statuses = {}
    for name, stub in misleading.items():
        stack.link(alice, name, "alice")
        statuses[name] = stack.ask_token(User("", stub.sign(stub.claims()))).status
    assert statuses.pop("honest") == 200
    assert set(statuses.values()) == {429}, statuses
    listener.assert_that_nobody_connected()


def test_a_password_cannot_have_the_shape_of_an_issuers_token(trapped: Trapped) -> None:
    owner = trapped.stack.add_user("owner")
    for shape in ("hub_x", HEX, "inf_token_1", jwt({"iss": trapped.traps["signed"].url})):
        outcome = trapped.stack.service.cli("user", "password", owner.name, "--password-stdin", stdin=shape)
        assert "cannot have the form of an access token" in outcome.stderr
    trapped.assert_that_nothing_went_out()
