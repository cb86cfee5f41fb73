"""Issuers that are asked whose a token is: one with opaque tokens, one like Synapse. Both are stubs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from conftest import NewNamedClient, Publish, running_stack
from harness.issuer import SYNAPSE_PROFILE, USERINFO, FakeIssuer, Reply
from harness.process import wait_until
from harness.stack import PROMISED_SECONDS, Stack, User
from harness.trust import issuers, trust_user_info

_numbers = itertools.count(1)
ENDED = "was revoked or has expired; get a new one"


@dataclass(frozen=True)
class Askable:
    """Two stubs that know tokens, and the installation that asks them."""

    stack: Stack
    hub: FakeIssuer
    synapse: FakeIssuer


@pytest.fixture(scope="module")
def askable(request: pytest.FixtureRequest) -> Iterator[Askable]:
    hub, synapse = FakeIssuer().start(), FakeIssuer().start()
    like_synapse = {
        "userinfo_url": synapse.issuer + SYNAPSE_PROFILE,
        "subject_claim": "ownerId",
        "name_claim": "userName",
        "tokens_without_expiry": True,
    }
    sections = issuers(
        hub=trust_user_info(hub, opaque_prefix=["hub_"], cache_seconds=1),
        synapse=trust_user_info(synapse, cache_seconds=1, **like_synapse),
    )
    try:
        with running_stack("sqlite", request, **sections) as stack:
            yield Askable(stack, hub, synapse)
    finally:
        hub.stop()
        synapse.stop()


@pytest.fixture
def stack(askable: Askable) -> Stack:
    return askable.stack


@pytest.fixture
def hub_token(askable: Askable, owner: User) -> User:
    """An opaque token of the owner, who may download and modify."""
    known = {"sub": owner.name, "scope": "download modify"}
    askable.hub.userinfo = lambda token: known if token == f"hub_{owner.name}" else Reply(401)
    askable.stack.link(owner, "hub", owner.name)
    return User("", askable.stack.remember(f"hub_{owner.name}"))


def synapse_token(synapse: FakeIssuer, owner_id: str, *scopes: str, **claims: object) -> str:
    """As Synapse makes personal access tokens, which never expire unless they are left unused."""
    token = {
        "iss": synapse.issuer,
        "sub": owner_id,
        "aud": "0",
        "nbf": int(time.time()),
        "jti": str(next(_numbers)),
        "access": {"scope": list(scopes), "oidc_claims": {}},
        "token_type": "PERSONAL_ACCESS_TOKEN",
        **claims,
    }
    return synapse.rsa.sign(token, synapse.rsa.header(typ="JWT"))


def know(synapse: FakeIssuer, *tokens: str, owner_id: str) -> None:
    """The server knows these tokens and no others."""
    profile = {"ownerId": owner_id, "userName": f"name-of-{owner_id}", "emails": []}
    synapse.userinfo = lambda token: profile if token in tokens else Reply(401, b'{"reason":"invalid"}')


# One with opaque tokens.


def test_the_owner_of_the_token_pulls_and_pushes(
    stack: Stack, project: str, hub_token: User, new_client_named: NewNamedClient
) -> None:
    for name in ("docker", "skopeo"):
        client = stack.login(
            partial(new_client_named, name),
            User("x", hub_token.password),
        )
        pushed = client.push(stack.reference(f"{project}/{name}"), f"by {name}").check()
        assert client.pull(stack.reference(f"{project}/{name}")).check().digest == pushed.digest


def test_a_token_that_is_not_known_there_is_refused(stack: Stack, hub_token: User) -> None:
    answer = stack.ask_token(User("", hub_token.password + "x"))
    assert answer.status == 401
    assert f"the token from 'hub' {ENDED}" in answer.message


def test_an_answer_that_changes_holds_when_the_former_one_is_forgotten(
    askable: Askable, stack: Stack, project: str, hub_token: User, owner: User
) -> None:
    item = f"{project}/new"
    assert stack.granted(hub_token, item, "pull,push") == {"pull", "push"}
    askable.hub.userinfo = lambda _: {"sub": owner.name, "scope": "view"}
    wait_until(lambda: stack.granted(hub_token, item, "pull,push") == set(), "the scope is less", 3)
    assert "[token_scope]" in stack.ask_token(hub_token, f"repository:{item}:pull").message
    askable.hub.userinfo = lambda _: {"sub": "somebody else", "scope": "download modify"}
    wait_until(lambda: stack.ask_token(hub_token).status == 401, "it is somebody else's", 3)
    assert "no account here is linked" in stack.ask_token(hub_token).message
    askable.hub.userinfo = lambda _: {"sub": owner.name, "scope": "download modify"}
    wait_until(lambda: stack.granted(hub_token, item, "pull,push") == {"pull", "push"}, "it is back", 3)


def test_an_answer_is_remembered_for_as_long_as_the_operator_says(
    askable: Askable, stack: Stack, hub_token: User
) -> None:
    """A second here; and after it the next answer is remembered for as long."""
    before, began = askable.hub.asked(USERINFO), time.monotonic()
    while time.monotonic() - began < 2.2:
        assert stack.ask_token(hub_token).status == 200
    seconds = time.monotonic() - began
    assert 2 <= askable.hub.asked(USERINFO) - before <= seconds + 1


def test_without_a_scope_there_are_no_rights(
    askable: Askable, stack: Stack, owner: User, project: str, publish: Publish, hub_token: User
) -> None:
    publish(f"{project}/app")
    askable.hub.userinfo = lambda _: {"sub": owner.name}
    assert stack.ask_token(hub_token).status == 200
    assert "[token_scope]" in stack.ask_token(hub_token, f"repository:{project}/app:pull").message


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({"scope": "download"}, 401),
        ({"ok": False, "error": "invalid_auth"}, 401),
        ({"sub": ["a", "list"], "scope": "download"}, 401),
        ({"sub": "", "scope": "download"}, 401),
        (Reply(403), 401),
        (Reply(200, b"<html>"), 429),
        (Reply(200, b'["sub"]'), 429),
        (Reply(200, b'{"sub":"a","sub":"b"}'), 429),
        (Reply(302, b"", {"Location": "/other"}), 429),
        (Reply(500), 429),
    ],
)
def test_an_answer_that_does_not_say_whose_it_is_logs_nobody_in(
    askable: Askable, stack: Stack, reply: object, status: int
) -> None:
    askable.hub.userinfo = lambda _: reply
    assert stack.ask_token(User("", f"hub_{next(_numbers)}")).status == status


# One that is like Synapse.


def test_a_token_that_never_expires_is_accepted_with_the_scope_that_it_carries(
    askable: Askable,
    stack: Stack,
    owner: User,
    project: str,
    publish: Publish,
    new_client_named: NewNamedClient,
) -> None:
    publish(f"{project}/app")
    whole = synapse_token(askable.synapse, "273", "view", "download", "modify")
    only_download = synapse_token(askable.synapse, "273", "view", "download")
    know(askable.synapse, whole, only_download, owner_id="273")
    stack.link(owner, "synapse", "273")
    client = stack.login(partial(new_client_named, "docker"), User("x", whole))
    client.pull(stack.reference(f"{project}/app")).check()
    client.push(stack.reference(f"{project}/new"), "with a token of Synapse").check()
    item = f"{project}/app"
    assert stack.granted(User("", only_download), item, "pull") == {"pull"}
    refused = stack.ask_token(User("", only_download), f"repository:{item}:pull,push").message
    assert "a token that allows only view and download, and pushing also needs modify;" in refused
    assert {seen.path for seen in askable.synapse.requests} == {SYNAPSE_PROFILE}
    stack.service.cli("user", "unlink", owner.name, "synapse", "273").check()
    wait_until(lambda: stack.ask_token(User("", whole)).status == 401, "it is unlinked", PROMISED_SECONDS)


def test_a_revoked_token_of_synapse_ends_when_the_answer_is_forgotten(
    askable: Askable, stack: Stack, owner: User
) -> None:
    token = synapse_token(askable.synapse, owner.name, "download")
    know(askable.synapse, token, owner_id=owner.name)
    stack.link(owner, "synapse", owner.name)
    assert stack.ask_token(User("", token)).status == 200
    know(askable.synapse, owner_id=owner.name)
    wait_until(lambda: stack.ask_token(User("", token)).status == 401, "it is forgotten", 3)
    assert f"the token from 'synapse' {ENDED}" in stack.ask_token(User("", token)).message


def test_a_forged_token_is_the_servers_to_refuse_and_its_claims_never_say_whose_it_is(
    askable: Askable, stack: Stack, owner: User
) -> None:
    """Some servers answer with 200 and an error."""
    stack.link(owner, "synapse", owner.name)
    forged = synapse_token(askable.synapse, owner.name, "download", ownerId=owner.name)
    askable.synapse.userinfo = lambda _: {"ok": False, "error": "invalid_auth"}
    answer = stack.ask_token(User("", forged))
    assert answer.status == 401
    assert "the token from 'synapse' has no usable subject" in answer.message


@pytest.mark.parametrize("kind", ["OIDC_ID_TOKEN", "WEBHOOK_MESSAGE_TOKEN"])
def test_tokens_of_synapse_that_give_access_to_nothing_are_refused(
    askable: Askable, stack: Stack, owner: User, kind: str
) -> None:
    token = synapse_token(askable.synapse, owner.name, "download", token_type=kind)
    know(askable.synapse, token, owner_id=owner.name)
    stack.link(owner, "synapse", owner.name)
    assert "is not an access token" in stack.ask_token(User("", token)).message


def test_an_expired_token_is_refused_though_the_server_still_has_it(
    askable: Askable, stack: Stack, owner: User
) -> None:
    token = synapse_token(askable.synapse, owner.name, "download", exp=int(time.time()) - 120)
    know(askable.synapse, token, owner_id=owner.name)
    stack.link(owner, "synapse", owner.name)
    assert "has expired; get a new one" in stack.ask_token(User("", token)).message
