"""The OAuth side of the test bench without the service: a failure here is the bench's."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import jwt
import pytest
from jwt.types import Options

from conftest import NewOidcProvider
from harness import canaille as canaille_module
from harness import issuer
from harness import oidc_provider as provider_module
from harness.canaille import Canaille
from harness.forged import forged_tokens
from harness.issuer import FakeIssuer, Reply
from harness.listener import Listener
from harness.oidc_provider import AUDIENCE, INTROSPECTION, RESOURCE, OidcProvider
from harness.process import wait_until
from harness.synapse_client import VERSIONS, login_and_print_profile, run_synapse_client
from harness.web import decode_token, post_form, request


def verified(token: str, jwks_url: str, audience: str) -> dict[str, Any]:
    """The claims, if the signature is by a key that is served."""
    keys = jwt.PyJWKSet.from_dict(request("GET", jwks_url).json())
    header = decode_token(token)[0]
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]].key, algorithms=[header["alg"]], audience=audience
    )
    return claims


def provider_verified(provider: OidcProvider, token: str, audience: str = AUDIENCE) -> dict[str, Any]:
    return verified(token, provider.issuer + provider_module.JWKS, audience)


def is_active(server: OidcProvider | Canaille, token: str) -> bool:
    return bool(server.introspect(token).json()["active"])


# oidc-provider


def test_a_client_gets_an_opaque_token_that_introspection_knows(oidc_provider: OidcProvider) -> None:
    token = oidc_provider.client_token("download modify unknown")
    answer = oidc_provider.introspect(token).json()
    assert "." not in token
    assert (answer["active"], answer["client_id"], answer["scope"]) == (True, "ci", "download modify")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_client_gets_a_jwt_for_a_resource(new_oidc_provider: NewOidcProvider, algorithm: str) -> None:
    provider = new_oidc_provider(algorithm=algorithm)
    token = provider.client_token("download", RESOURCE)
    claims = provider_verified(provider, token)
    header = decode_token(token)[0]
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    assert (claims["iss"], claims["scope"], claims["client_id"]) == (provider.issuer, "download", "ci")


def test_a_jwt_for_another_resource_has_another_audience(oidc_provider: OidcProvider) -> None:
    token = oidc_provider.client_token("download", "https://other.test")
    assert provider_verified(oidc_provider, token, "https://other.test")["aud"] == "https://other.test"


def test_a_person_gets_tokens_by_logging_in(oidc_provider: OidcProvider) -> None:
    opaque = oidc_provider.user_token("alice", "openid download")
    assert oidc_provider.introspect(opaque).json()["sub"] == "alice"
    headers = {"Authorization": f"Bearer {opaque}"}
    info = request("GET", oidc_provider.issuer + provider_module.USERINFO, headers=headers)
    assert info.json() == {"sub": "alice"}
    structured = oidc_provider.user_token("bob", "download", RESOURCE)
    claims = provider_verified(oidc_provider, structured)
    assert (claims["sub"], claims["scope"], claims["client_id"]) == ("bob", "download", "web")
    identity = provider_verified(oidc_provider, oidc_provider.id_token("carol"), "web")
    assert identity["sub"] == "carol"
    assert "scope" not in identity


def test_introspection_refuses_a_jwt_with_an_error(oidc_provider: OidcProvider) -> None:
    answer = oidc_provider.introspect(oidc_provider.client_token("download", RESOURCE))
    assert (answer.status, answer.json()["error"]) == (400, "unsupported_token_type")


def test_a_revoked_token_is_inactive(oidc_provider: OidcProvider) -> None:
    for token in (oidc_provider.client_token("download"), oidc_provider.user_token("alice", "download")):
        assert is_active(oidc_provider, token)
        oidc_provider.revoke(token)
        assert not is_active(oidc_provider, token)


def test_a_token_of_one_second_expires(new_oidc_provider: NewOidcProvider) -> None:
    provider = new_oidc_provider(lifetime_seconds=1)
    token, structured = provider.client_token("download"), provider.client_token("download", RESOURCE)
    provider.set_lifetime(60)
    lasting = provider.client_token("download")
    wait_until(lambda: not is_active(provider, token), "it expires", 3)
    assert is_active(provider, lasting)
    assert decode_token(structured)[1]["exp"] <= time.time()


def test_keys_roll_while_it_runs(new_oidc_provider: NewOidcProvider) -> None:
    provider = new_oidc_provider()
    old = provider.client_token("download", RESOURCE)
    opaque = provider.client_token("download")
    provider.roll_keys()
    new = provider.client_token("download", RESOURCE)
    assert decode_token(new)[0]["kid"] != decode_token(old)[0]["kid"]
    for token in (old, new):
        assert provider_verified(provider, token)["scope"] == "download"
    provider.roll_keys(keep_old=False)
    with pytest.raises(KeyError):
        provider_verified(provider, new)
    assert is_active(provider, opaque)


def test_it_stops_and_starts_with_the_same_issuer(new_oidc_provider: NewOidcProvider) -> None:
    provider = new_oidc_provider()
    opaque, old = provider.client_token("download"), provider.client_token("download", RESOURCE)
    provider.stop()
    with pytest.raises(ConnectionRefusedError):
        provider.introspect(opaque)
    provider.start()
    assert is_active(provider, opaque)
    assert provider_verified(provider, old)["iss"] == provider.issuer
    provider.stop()
    provider.start(new_keys=True)
    with pytest.raises(KeyError):
        provider_verified(provider, old)


def test_its_endpoints_can_be_disturbed(new_oidc_provider: NewOidcProvider) -> None:
    provider = new_oidc_provider()
    token = provider.client_token("download")
    provider.disturb(INTROSPECTION, delay=0.5)
    began = time.monotonic()
    assert is_active(provider, token)
    assert time.monotonic() - began >= 0.5
    provider.disturb(INTROSPECTION, status=200)
    answer = provider.introspect(token)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html")
    assert answer.body.startswith(b"<html>")
    provider.disturb(INTROSPECTION, status=500)
    assert provider.introspect(token).status == 500
    provider.calm()
    assert is_active(provider, token)


def test_it_lists_what_others_asked(new_oidc_provider: NewOidcProvider) -> None:
    provider = new_oidc_provider()
    provider.introspect(provider.user_token("alice", "download"))
    assert provider.requests() == []
    request("GET", provider.issuer + provider_module.DISCOVERY + "?query")
    post_form(provider.issuer + INTROSPECTION, {"token": "x"}, credentials=provider_module.INTROSPECTOR)
    assert provider.requests() == [("GET", provider_module.DISCOVERY), ("POST", INTROSPECTION)]
    provider.stop()
    assert provider.start().requests() == []


# canaille


def test_canaille_gives_a_person_a_jwt_without_scope(canaille: Canaille) -> None:
    token = canaille.user_token("openid download")
    claims = verified(token, canaille.issuer + canaille_module.JWKS, "reg")
    header = decode_token(token)[0]
    assert (header["alg"], header["typ"]) == ("RS512", "JWT")
    assert (claims["sub"], claims["aud"]) == ("bob", ["reg"])
    assert "scope" not in claims
    answer = canaille.introspect(token).json()
    assert (answer["active"], answer["sub"], answer["scope"]) == (True, "bob", "openid download")
    assert isinstance(answer["exp"], float)
    canaille.revoke(token)
    assert not is_active(canaille, token)


def test_canaille_gives_its_client_an_opaque_token(canaille: Canaille) -> None:
    token = canaille.client_token("download modify")
    answer = canaille.introspect(token).json()
    assert "." not in token
    assert (answer["active"], answer["scope"], answer["aud"]) == (True, "download modify", ["reg"])


def test_canaille_stops_and_starts(canaille: Canaille) -> None:
    token = canaille.client_token()
    canaille.stop()
    with pytest.raises(ConnectionRefusedError):
        canaille.introspect(token)
    canaille.start()
    assert is_active(canaille, token)


# The stub, forged tokens, and the trap


def test_the_stub_signs_with_the_keys_that_it_serves(fake_issuer: FakeIssuer) -> None:
    metadata = request("GET", fake_issuer.issuer + issuer.OPENID_METADATA).json()
    for algorithm in ("RS256", "ES256"):
        token = fake_issuer.sign(fake_issuer.claims(), {"alg": algorithm})
        assert verified(token, metadata["jwks_uri"], "registry")["sub"] == "alice"
    fake_issuer.rotate(keep_old=False)
    with pytest.raises(KeyError):
        verified(token, metadata["jwks_uri"], "registry")
    assert fake_issuer.asked(issuer.JWKS) == 3
    assert "exp" not in fake_issuer.claims(exp=None)


def test_the_stub_answers_as_the_test_set_it_up(fake_issuer: FakeIssuer) -> None:
    fake_issuer.introspect = lambda token: {"active": token == "good"}
    fake_issuer.userinfo = lambda token: {"sub": token}
    url = fake_issuer.issuer
    assert post_form(url + issuer.INTROSPECTION, {"token": "good"}).json() == {"active": True}
    assert post_form(url + issuer.INTROSPECTION, {"token": "bad"}).json() == {"active": False}
    headers = {"Authorization": "Bearer mine"}
    assert request("GET", url + issuer.USERINFO, headers=headers).json() == {"sub": "mine"}
    fake_issuer.replies[issuer.JWKS] = Reply(503, b"nonsense", {"Retry-After": "1"})
    answer = request("GET", url + issuer.JWKS)
    assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "1", b"nonsense")
    assert [seen.method for seen in fake_issuer.requests] == ["POST", "POST", "GET", "GET"]
    assert fake_issuer.requests[0].body == b"token=good"


def test_the_stub_is_slow_and_refuses_connections(fake_issuer: FakeIssuer) -> None:
    url = fake_issuer.issuer + issuer.JWKS
    fake_issuer.delays[issuer.JWKS] = 0.5
    began = time.monotonic()
    assert request("GET", url).status == 200
    assert time.monotonic() - began >= 0.5
    kept = socket.create_connection(("127.0.0.1", fake_issuer.port), 5)
    kept.sendall(b"GET /jwks HTTP/1.1\r\nHost: stub\r\n\r\n")
    wait_until(lambda: fake_issuer.asked(issuer.JWKS) == 2, "the request came in")
    fake_issuer.delays.clear()
    fake_issuer.stop()
    assert kept.recv(1) == b"", "a stopped issuer answered"
    kept.close()
    with pytest.raises(ConnectionRefusedError):
        request("GET", url)
    fake_issuer.start()
    assert request("GET", url).status == 200


BEYOND_A_LIBRARY = ("1 MB", "typ ", "two ", "no sub", "exp as a string", "nbf as a string")
"""Forgeries that PyJWT takes: it reads times from strings, the last of two members, and any typ."""


def test_forged_tokens_are_refused_by_a_library_that_is_used_well(
    fake_issuer: FakeIssuer, listener: Listener
) -> None:
    claims = fake_issuer.claims()
    keys = {key.kid: key.private.public_key() for key in fake_issuer.published}

    def accepts(token: str) -> bool:
        required: Options = {"require": ["exp", "iss", "aud"]}
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            jwt.decode(
                token, key, ["RS256", "ES256"], required, audience="registry", issuer=fake_issuer.issuer
            )
        except (jwt.PyJWTError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return False
        return True

    for algorithm in ("RS256", "ES256"):
        assert accepts(fake_issuer.sign(claims, {"alg": algorithm}))
    battery = forged_tokens(fake_issuer.rsa, fake_issuer.ec, claims, listener.url)
    accepted = [name for name, token in battery.items() if accepts(token)]
    assert len(battery) > 100
    assert [name for name in accepted if not name.startswith(BEYOND_A_LIBRARY)] == []
    listener.assert_that_nobody_connected()


def test_the_trap_sees_a_connection(listener: Listener) -> None:
    listener.assert_that_nobody_connected()
    assert request("GET", listener.url + "/keys").status == 404
    assert listener.wait_for_connection().first_bytes.startswith(b"GET /keys HTTP/1.1\r\n")
    with pytest.raises(AssertionError, match="somebody connected"):
        listener.assert_that_nobody_connected()


def test_the_trap_sees_a_connection_that_says_nothing(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port), 5):
        pass
    with pytest.raises(AssertionError, match="somebody connected"):
        listener.assert_that_nobody_connected()


# The official Synapse client


@pytest.mark.parametrize("version", VERSIONS)
def test_the_synapse_client_logs_in(
    fake_issuer: FakeIssuer, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", "of somebody else")
    fake_issuer.userinfo = lambda token: {"ownerId": "7", "userName": "alice", "emails": [], "token": token}
    profile = json.loads(login_and_print_profile(fake_issuer.issuer, "a token", version).check().stdout)
    assert (profile["userName"], profile["token"]) == ("alice", "a token")
    outcome = run_synapse_client("print(synapseclient.__version__)", fake_issuer.issuer, version=version)
    assert outcome.check().stdout.strip() == version


@pytest.mark.parametrize("version", VERSIONS)
def test_the_synapse_client_does_not_ask_again(fake_issuer: FakeIssuer, version: str) -> None:
    fake_issuer.userinfo = lambda token: Reply(503, b'{"reason": "out of order"}')
    outcome = login_and_print_profile(fake_issuer.issuer, "a token", version)
    assert not outcome.succeeded
    assert "out of order" in outcome.text
    assert len(fake_issuer.requests) == 1
