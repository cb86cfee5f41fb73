"""canaille as the issuer: JWTs without a scope, fractions of seconds, and opaque tokens of nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from conftest import NewNamedClient, NewStack, Publish, running_stack
from harness.canaille import USER, Canaille
from harness.process import wait_until
from harness.stack import Stack, User
from harness.trust import issuers, trust_canaille
from harness.web import decode_token

OPAQUE = "[A-Za-z0-9]{48}"


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest, canaille: Canaille) -> Iterator[Stack]:
    """An installation that trusts it, and where its only user has an account with a project."""
    section = trust_canaille(canaille, opaque_pattern=OPAQUE, cache_seconds=1)
    with running_stack("sqlite", request, **issuers(canaille=section)) as stack:
        yield stack


@pytest.fixture(scope="module")
def owner(stack: Stack) -> User:
    """Linked to canaille's user, who can be linked once."""
    owner = stack.add_user("owner")
    stack.link(owner, "canaille", USER[0])
    return owner


def token_of_the_user(stack: Stack, canaille: Canaille, scope: str) -> User:
    return User("", stack.remember(canaille.user_token(scope)))


def test_a_jwt_without_a_scope_is_completed_by_introspection(
    stack: Stack, canaille: Canaille, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/app"
    publish(item)
    token = token_of_the_user(stack, canaille, "openid download modify")
    assert "scope" not in decode_token(token.password)[1]
    assert isinstance(canaille.introspect(token.password).json()["exp"], float)
    for name in ("docker", "skopeo"):
        client = stack.login(
            partial(new_client_named, name),
            User("x", token.password),
        )
        client.pull(stack.reference(item)).check()
        client.push(stack.reference(item, name), f"by {name}").check()


def test_exactly_what_introspection_allows_is_allowed(
    stack: Stack, canaille: Canaille, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    token = token_of_the_user(stack, canaille, "openid download")
    assert stack.granted(token, item, "pull") == {"pull"}
    answer = stack.ask_token(token, f"repository:{item}:pull,push")
    assert "a token that allows only download, and pushing also needs modify;" in answer.message
    without = token_of_the_user(stack, canaille, "openid")
    assert "[token_scope]" in stack.ask_token(without, f"repository:{item}:pull").message


@pytest.mark.usefixtures("owner")
def test_a_revoked_jwt_is_refused_when_the_answer_is_forgotten(stack: Stack, canaille: Canaille) -> None:
    """Its signature stays good; introspection reports that it has ended."""
    token = token_of_the_user(stack, canaille, "openid download")
    assert stack.ask_token(token).status == 200
    canaille.revoke(token.password)
    wait_until(lambda: stack.ask_token(token).status == 401, "it is refused", 3)
    assert "was revoked or has expired; get a new one" in stack.ask_token(token).message


@pytest.mark.usefixtures("owner")
def test_an_id_token_is_refused(stack: Stack, canaille: Canaille) -> None:
    """It has the type and the audience of an access token there, and introspection does not know it."""
    token = canaille.id_token()
    access = canaille.user_token("openid download")
    assert decode_token(token)[0] == decode_token(access)[0]
    assert decode_token(token)[1]["aud"] == decode_token(access)[1]["aud"]
    answer = stack.ask_token(User("", token))
    assert answer.status == 401
    assert "the token from 'canaille'" in answer.message


def test_an_opaque_token_of_its_client_stands_for_that(
    stack: Stack, canaille: Canaille
) -> None:
    token = stack.remember(canaille.client_token("download modify"))
    assert "sub" not in canaille.introspect(token).json()
    answer = stack.ask_token(User("", token))
    assert answer.status == 401
    assert "no account here is linked to this login" in answer.message
    assert stack.ask_token(User("", token[:-1] + "!")).message.startswith("wrong user name or password")
    invented = stack.ask_token(User("", "x" * 48))
    assert "the token from 'canaille' was revoked or has expired" in invented.message


@pytest.fixture
def new_owner(new_stack: NewStack, canaille: Canaille) -> Callable[[str], tuple[Stack, str]]:
    """Makes installations that verify in another way, each with a project of canaille's user."""

    def make(verify: str) -> tuple[Stack, str]:
        stack = new_stack(**issuers(canaille=trust_canaille(canaille, verify=verify)))
        owner = stack.add_user("owner")
        stack.link(owner, "canaille", USER[0])
        return stack, f"repository:{stack.add_project(owner)}/new:pull,push"

    return make


def test_introspection_alone_will_do(
    new_owner: Callable[[str], tuple[Stack, str]], canaille: Canaille
) -> None:
    stack, scope = new_owner("introspection")
    token = token_of_the_user(stack, canaille, "openid download modify")
    assert stack.ask_token(token, scope).status == 200
    refused = stack.ask_token(User("", canaille.id_token()))
    assert "was revoked or has expired" in refused.message, "what it says of what it does not know"


def test_without_introspection_its_jwts_cannot_be_distinguished_from_id_tokens(
    new_owner: Callable[[str], tuple[Stack, str]], canaille: Canaille
) -> None:
    stack, _ = new_owner("jwt")
    token = token_of_the_user(stack, canaille, "openid download modify")
    unclear = stack.ask_token(token)
    assert unclear.status == 401
    assert "names no scope, so it may not be an access token" in unclear.message
    refused = stack.ask_token(User("", canaille.id_token()))
    assert "is not an access token; use the access token, not the ID token" in refused.message


@pytest.mark.usefixtures("owner")
def test_while_it_is_down_no_answer_says_that_the_login_is_wrong(stack: Stack, canaille: Canaille) -> None:
    token = token_of_the_user(stack, canaille, "openid download")
    assert canaille.introspect(token.password).json()["active"]
    canaille.stop()
    try:
        answer = stack.ask_token(token)
        assert answer.status == 429
        assert "the identity provider 'canaille' does not answer" in answer.message
    finally:
        canaille.start()
    wait_until(lambda: stack.ask_token(token).status == 200, "it is asked again", 15)
