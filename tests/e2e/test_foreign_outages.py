"""Issuers that change their keys, are slow, or are not there at all."""

from __future__ import annotations

import time
from functools import partial

from conftest import NewNamedClient, NewOidcProvider, NewStack
from harness.issuer import INTROSPECTION as STUB_INTROSPECTION
from harness.issuer import FakeIssuer, Reply
from harness.oidc_provider import INTROSPECTION, JWKS, RESOURCE, OidcProvider
from harness.process import wait_until
from harness.signing import SigningKey
from harness.stack import Stack, User, anybody
from harness.trust import OPAQUE, issuers, trust_introspection, trust_provider

WORDS = "download modify"
NO_ANSWER = "does not answer; nothing is wrong with your login; try again in a minute [unavailable]"
REFRESH = 30


def jwt_of(provider: OidcProvider, login: str = "alice") -> User:
    return anybody(provider.user_token(login, WORDS, RESOURCE))


def opaque_of(provider: OidcProvider, login: str = "alice") -> User:
    return anybody(provider.user_token(login, WORDS))


def link_alice(stack: Stack, *names: str) -> User:
    """An account for whom every issuer knows as alice."""
    owner = stack.add_user("owner")
    for name in names:
        stack.link(owner, name, "alice")
    return owner


def assert_no_answer(stack: Stack, token: User) -> None:
    """429 with a text, because docker shows that of no 5xx; and never a 401, which would end the login."""
    answer = stack.ask_token(token)
    assert (answer.status, answer.code) == (429, "TOOMANYREQUESTS")
    assert NO_ANSWER in answer.message
    assert int(answer.headers["retry-after"]) > 0


def test_a_new_key_is_accepted_within_half_a_minute_and_a_removed_one_refused(
    new_oidc_provider: NewOidcProvider, new_stack: NewStack
) -> None:
    """Keys are read again at most once in 30 s, so that invented names of keys make no flood."""
    provider = new_oidc_provider()
    stack = new_stack(**issuers(hub=trust_provider(provider, cache_seconds=0)))
    link_alice(stack, "hub")
    old = jwt_of(provider)
    assert stack.ask_token(old).status == 200
    began = time.monotonic()
    provider.roll_keys(keep_old=False)
    new = jwt_of(provider)
    assert stack.ask_token(old).status == 200, "a removed key is good until keys are read again"
    invented = [SigningKey("ES256", kid=f"invented {number}") for number in range(100)]
    claims = {"iss": provider.issuer, "sub": "alice", "aud": "registry", "exp": int(time.time()) + 300}
    assert {stack.ask_token(anybody(key.sign(claims))).status for key in invented} == {429}
    assert provider.requests().count(("GET", JWKS)) == 1
    statuses = []

    def is_accepted() -> bool:
        statuses.append(stack.ask_token(new).status)
        return statuses[-1] == 200

    wait_until(is_accepted, "the new key is found", REFRESH + 5 - (time.monotonic() - began))
    assert set(statuses) <= {429, 200}, "no answer said that the login is wrong"
    assert stack.ask_token(old).status in (401, 429)
    assert provider.requests().count(("GET", JWKS)) == 2


def test_while_an_issuer_is_down_cached_keys_and_answers_stay_in_use(
    new_oidc_provider: NewOidcProvider, new_stack: NewStack
) -> None:
    provider = new_oidc_provider()
    section = trust_provider(provider, "jwt+introspection", opaque_pattern=OPAQUE)
    stack = new_stack(**issuers(hub=section))
    link_alice(stack, "hub")
    used, used_opaque = jwt_of(provider), opaque_of(provider)
    unused, unused_opaque = jwt_of(provider), opaque_of(provider)
    for token in (used, used_opaque):
        assert stack.ask_token(token).status == 200
    provider.stop()
    for token in (used, used_opaque, unused):
        assert stack.ask_token(token).status == 200
    assert_no_answer(stack, unused_opaque)
    provider.start()
    assert stack.ask_token(unused_opaque).status == 200


def test_a_pull_while_an_issuer_is_down_says_so_and_keeps_the_login(
    new_oidc_provider: NewOidcProvider, new_stack: NewStack, new_client_named: NewNamedClient
) -> None:
    provider = new_oidc_provider()
    section = trust_provider(provider, "introspection", opaque_pattern=OPAQUE, cache_seconds=0)
    stack = new_stack(**issuers(hub=section))
    project = stack.add_project(link_alice(stack, "hub"))
    token = opaque_of(provider)
    user = User("x", token.password)
    clients = [stack.login(partial(new_client_named, name), user) for name in ("docker", "podman")]
    clients[0].push(stack.reference(f"{project}/app"), "before").check()
    provider.stop()
    texts = [client.pull(stack.reference(f"{project}/app")) for client in clients]
    assert not any(pulled.succeeded for pulled in texts)
    assert f"the identity provider 'hub' {NO_ANSWER}" in texts[0].text
    provider.start()
    wait_until(lambda: stack.ask_token(token).status == 200, "it is asked again", 15)
    for client in clients:
        client.pull(stack.reference(f"{project}/app")).check()


def test_a_slow_issuer_is_waited_for_as_long_as_the_operator_says(
    new_oidc_provider: NewOidcProvider, new_stack: NewStack
) -> None:
    provider = new_oidc_provider()
    keys = {"opaque_pattern": OPAQUE, "cache_seconds": 0, "timeout_seconds": 1}
    stack = new_stack(**issuers(hub=trust_provider(provider, "introspection", **keys)))
    link_alice(stack, "hub")
    token = opaque_of(provider)
    provider.disturb(INTROSPECTION, delay=0.4)
    assert stack.ask_token(token).status == 200
    provider.disturb(INTROSPECTION, delay=8)
    began = time.monotonic()
    assert_no_answer(stack, token)
    assert time.monotonic() - began < 5, "one try and one repetition"
    assert stack.ask_token(stack.add_user("other")).status == 200, "passwords do not wait for it"
    provider.calm()
    assert stack.ask_token(token).status == 200


def test_after_some_failures_an_issuer_is_left_alone_for_a_while(
    fake_issuer: FakeIssuer, new_stack: NewStack
) -> None:
    stack = new_stack(**issuers(hub=trust_introspection(fake_issuer, "hub_", cache_seconds=0)))
    link_alice(stack, "hub")
    good = {"active": True, "sub": "alice", "aud": "registry", "scope": WORDS}
    fake_issuer.introspect = lambda _: Reply(500)
    began = time.monotonic()
    for number in range(100):
        assert_no_answer(stack, anybody(f"hub_{number}"))
    assert time.monotonic() - began < 9, "the machine is too slow for this test"
    assert fake_issuer.asked(STUB_INTROSPECTION) <= 6, "three failures, of two tries each"
    fake_issuer.introspect = lambda _: good
    wait_until(lambda: stack.ask_token(anybody("hub_x")).status == 200, "it is asked again", 12)
    assert fake_issuer.asked(STUB_INTROSPECTION) <= 8
