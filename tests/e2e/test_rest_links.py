"""Over the REST interface: an owner links logins at other issuers, and foreign tokens as bearer tokens."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import NewOidcProvider, NewStack
from harness.federation import Federation
from harness.oidc_provider import RESOURCE
from harness.process import wait_until
from harness.rest import call, personal_token, reason, session
from harness.stack import PROMISED_SECONDS, Stack, User
from harness.trust import OPAQUE, issuers, trust_provider
from harness.web import HttpAnswer

LINKS = "/auth/v1/linkedIdentity"
PROFILE = "/repo/v1/userProfile"
TOKENS = "/auth/v1/personalAccessToken"
WORDS = "download modify"


@pytest.fixture
def stack(federation: Federation) -> Stack:
    """The installation that these tests share."""
    return federation.stack


def link(stack: Stack, login: str, token: str) -> HttpAnswer:
    return call(stack, "POST", LINKS, login, {"token": token})


def listed(stack: Stack, login: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = call(stack, "GET", LINKS, login).json()["results"]
    return rows


def unlink(stack: Stack, login: str, issuer: str, subject: str) -> int:
    return call(stack, "DELETE", f"{LINKS}?issuer={issuer}&subject={subject}", login).status


def test_an_owner_links_a_login_and_its_tokens_work_at_once(
    federation: Federation, stack: Stack, owner: User, project: str
) -> None:
    for name in ("signed", "opaque"):
        token = federation.token(f"{owner.name} at work", name, WORDS)
        assert stack.ask_token(User("", token)).status == 401
        made = link(stack, session(stack, owner), token)
        issuer = federation.servers[name].issuer
        assert (made.status, made.json()) == (201, {"issuer": issuer, "subject": f"{owner.name} at work"})
        granted = stack.granted(User("", token), f"{project}/{name}", "pull,push")
        assert granted == {"pull", "push"}
    rows = listed(stack, session(stack, owner))
    assert {row["issuer"] for row in rows} == {
        federation.servers[name].issuer for name in ("signed", "opaque")
    }
    assert all(row["linkedOn"].endswith("Z") for row in rows)


def test_linking_it_once_more_changes_nothing(federation: Federation, stack: Stack, owner: User) -> None:
    login, token = session(stack, owner), federation.token(owner.name, "signed", "download")
    assert link(stack, login, token).status == 201
    rows = listed(stack, login)
    assert link(stack, login, token).status == 201
    assert listed(stack, login) == rows


def test_nobody_links_what_is_linked_to_somebody_else(
    federation: Federation, stack: Stack, owner: User
) -> None:
    token = federation.linked_token(owner, "signed", WORDS)
    other = stack.add_user("other")
    refused = link(stack, session(stack, other), token)
    assert refused.status == 400
    assert "another account" in reason(refused)
    assert owner.name not in reason(refused)
    assert listed(stack, session(stack, other)) == []
    issuer = federation.servers["signed"].issuer
    assert unlink(stack, session(stack, other), issuer, owner.name) == 404
    assert stack.ask_token(User("", token)).status == 200


def test_what_was_unlinked_is_brought_back_by_an_administrator_only(
    federation: Federation, stack: Stack, owner: User
) -> None:
    issuer, login = federation.servers["signed"].issuer, session(stack, owner)
    token = federation.linked_token(owner, "signed", WORDS)
    assert stack.ask_token(User("", token)).status == 200
    assert unlink(stack, login, issuer, owner.name) == 204
    wait_until(lambda: stack.ask_token(User("", token)).status == 401, "it has ended", PROMISED_SECONDS)
    assert unlink(stack, login, issuer, owner.name) == 404
    assert "administrator" in reason(link(stack, login, token))
    stack.link(owner, "signed", owner.name)
    wait_until(lambda: stack.ask_token(User("", token)).status == 200, "it is back", PROMISED_SECONDS)


def test_a_program_a_bad_token_and_an_id_token_are_linked_to_nobody(
    federation: Federation, stack: Stack, owner: User
) -> None:
    login, server = session(stack, owner), federation.servers["signed"]
    program = stack.remember(server.client_token(WORDS, RESOURCE))
    bad = {
        program: "an administrator can link a program to a robot account",
        server.id_token(owner.name): "use the access token, not the ID token",
        server.user_token(owner.name, WORDS, "https://other.test"): "another audience",
        federation.token(owner.name, "signed", WORDS)[:-4]: "is not genuine",
        "no token at all": "must be an access token of an issuer that is configured here",
        stack.add_token(owner): "must be an access token of an issuer that is configured here",
        "x" * 10_000: "must be an access token of an issuer that is configured here",
    }
    for token, sentence in bad.items():
        answer = link(stack, login, token)
        assert answer.status == 400, sentence
        assert sentence in reason(answer)
    for body in ({}, {"token": None}, {"token": 5}, {"token": [program]}, [], "token", 5, None, b"{", b""):
        assert call(stack, "POST", LINKS, login, body).status == 400, body
    assert listed(stack, login) == []


def test_links_are_changed_in_a_session_only(federation: Federation, stack: Stack, owner: User) -> None:
    foreign = federation.linked_token(owner, "signed", f"view {WORDS}")
    another = federation.token(f"{owner.name} too", "signed", WORDS)
    for login in (personal_token(stack, owner), foreign):
        assert link(stack, login, another).status == 403
        assert unlink(stack, login, federation.servers["signed"].issuer, owner.name) == 403
        assert len(listed(stack, login)) == 1
    assert call(stack, "POST", LINKS, body={"token": another}).status == 401


def test_a_foreign_token_is_a_bearer_token_with_its_own_scopes(
    federation: Federation, stack: Stack, owner: User
) -> None:
    token = federation.linked_token(owner, "signed", f"view {WORDS}")
    assert call(stack, "GET", PROFILE, token).json()["userName"] == owner.name
    assert call(stack, "GET", TOKENS, token).status == 200
    made = call(stack, "POST", TOKENS, token, {"name": "more"})
    assert made.status == 403
    assert "authorize" in reason(made)
    narrow = federation.token(owner.name, "signed", "download")
    assert call(stack, "GET", PROFILE, narrow).status == 403
    opaque = federation.linked_token(owner, "opaque", "view")
    assert call(stack, "GET", PROFILE, opaque).json()["userName"] == owner.name


def test_a_foreign_token_that_is_not_good_is_no_bearer_token(
    federation: Federation, stack: Stack, owner: User
) -> None:
    federation.link(owner, "signed")
    server = federation.servers["signed"]
    for token, sentence in {
        server.id_token(owner.name): "use the access token, not the ID token",
        server.user_token(owner.name, "view", "https://other.test"): "another audience",
        federation.token(f"stranger to {owner.name}", "signed", "view"): "no account here is linked",
    }.items():
        for path in (PROFILE, TOKENS):
            answer = call(stack, "GET", path, token)
            assert answer.status == 401
            assert sentence in reason(answer)
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_issuer_that_is_down_is_no_bad_token(
    new_oidc_provider: NewOidcProvider, new_stack: NewStack
) -> None:
    """The Synapse client repeats a 503 by itself, and takes a 401 for the end of the login."""
    provider = new_oidc_provider()
    section = trust_provider(provider, "introspection", opaque_pattern=OPAQUE, cache_seconds=0)
    stack = new_stack(**issuers(hub=section))
    owner = stack.add_user("owner")
    login, token = session(stack, owner), provider.user_token("alice", "view")
    assert link(stack, login, token).status == 201
    provider.stop()
    for answer in (call(stack, "GET", PROFILE, token), link(stack, login, token)):
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "'hub' does not answer" in reason(answer)
    assert call(stack, "GET", PROFILE, login).status == 200
    provider.start()
    wait_until(lambda: call(stack, "GET", PROFILE, token).status == 200, "it is asked again", 15)
