"""An access token of another issuer as the password of each stock client; the issuers are oidc-provider."""

from __future__ import annotations

from functools import partial

import pytest

from conftest import NewClient, NewNamedClient, Publish
from harness.federation import Federation
from harness.oidc_provider import RESOURCE
from harness.process import wait_until
from harness.stack import PROMISED_SECONDS, Stack, User, grants_of
from harness.web import post_form

ISSUERS = ("signed", "elliptic", "opaque", "opaque_too")
WORDS = "download modify"
MISSING_SCOPE = "a token that allows only download, and pushing also needs modify;"


@pytest.fixture
def stack(federation: Federation) -> Stack:
    """The installation that these tests share."""
    return federation.stack


def anybody(token: str) -> User:
    """What a client sends; the name is nobody's here."""
    return User("nobody-of-this-name", token)


def test_a_token_pulls_and_pushes_whatever_the_user_name(
    federation: Federation, stack: Stack, owner: User, project: str, new_client: NewClient
) -> None:
    client = stack.login(new_client, anybody(federation.linked_token(owner, "signed", WORDS)))
    reference = stack.reference(f"{project}/{client.name}")
    pushed = client.push(reference, f"with a JWT by {client.name}").check()
    assert client.pull(reference).check().digest == pushed.digest


def test_a_token_with_download_only_pulls_and_the_terminal_says_why_it_does_not_push(
    federation: Federation, stack: Stack, owner: User, project: str, publish: Publish, new_client: NewClient
) -> None:
    item = f"{project}/app"
    publish(item)
    client = stack.login(new_client, anybody(federation.linked_token(owner, "opaque", "download")))
    client.pull(stack.reference(item)).check()
    pushed = client.push(stack.reference(item), "another content")
    assert not pushed.succeeded
    assert MISSING_SCOPE in pushed.text


@pytest.mark.parametrize(
    ("issuer", "name"), zip(ISSUERS, ("podman", "skopeo", "docker", "docker-containerd"), strict=True)
)
def test_every_way_of_verifying_lets_push_and_pull(
    federation: Federation,
    stack: Stack,
    owner: User,
    project: str,
    new_client_named: NewNamedClient,
    issuer: str,
    name: str,
) -> None:
    client = stack.login(
        partial(new_client_named, name), anybody(federation.linked_token(owner, issuer, WORDS))
    )
    reference = stack.reference(f"{project}/{issuer}")
    pushed = client.push(reference, f"with a token of {issuer}").check()
    assert client.pull(reference).check().digest == pushed.digest


@pytest.mark.parametrize("issuer", ISSUERS)
def test_what_a_token_allows_is_what_its_scopes_and_its_owners_rights_both_allow(
    federation: Federation, stack: Stack, owner: User, project: str, publish: Publish, issuer: str
) -> None:
    item = f"{project}/app"
    publish(item)
    federation.link(owner, issuer)

    def granted(scope: str) -> set[str]:
        return stack.granted(anybody(federation.token(owner.name, issuer, scope)), item, "pull,push")

    assert granted("download modify") == {"pull", "push"}
    assert granted("download") == set()
    assert granted("modify") == set(), "an upload also reads"
    assert granted("openid view") == set()
    reader = stack.add_member(project, "READ,DOWNLOAD")
    token = anybody(federation.linked_token(reader, issuer, WORDS))
    assert stack.granted(token, item, "pull") == {"pull"}
    assert stack.granted(token, item, "pull,push") == set()


def test_an_empty_user_name_will_do_and_a_form_as_well(
    federation: Federation, stack: Stack, owner: User
) -> None:
    for issuer in ("signed", "opaque"):
        token = federation.linked_token(owner, issuer, WORDS)
        assert stack.ask_token(User("", token)).status == 200
        form = {"grant_type": "password", "username": "", "password": token, "service": "registry.test"}
        assert post_form(stack.service.url + "/token", form).status == 200


def test_a_foreign_token_gets_no_identity_token_and_is_not_one(
    federation: Federation, stack: Stack, owner: User
) -> None:
    token = federation.linked_token(owner, "signed", WORDS)
    url = stack.service.url + "/token"
    form = {"grant_type": "password", "username": "x", "password": token, "access_type": "offline"}
    answer = post_form(url, form)
    assert answer.status == 200
    assert "refresh_token" not in answer.json()
    refresh = post_form(url, {"grant_type": "refresh_token", "refresh_token": token})
    assert refresh.status == 401


def test_scopes_mean_what_the_operator_says(
    federation: Federation, stack: Stack, owner: User, project: str
) -> None:
    federation.link(owner, "mapped")

    def granted(scope: str) -> set[str]:
        return stack.granted(
            anybody(federation.token(owner.name, "mapped", scope)), f"{project}/new", "pull,push"
        )

    assert granted("registry.read registry.write") == {"pull", "push"}
    assert granted("download modify") == set(), "these words mean nothing there"
    only_read = anybody(federation.token(owner.name, "mapped", "registry.read"))
    assert MISSING_SCOPE in stack.ask_token(only_read, f"repository:{project}/new:pull,push").message


def test_a_token_without_a_scope_logs_in_and_gives_no_rights(
    federation: Federation, stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    token = anybody(federation.linked_token(owner, "signed", "openid"))
    assert stack.ask_token(token).status == 200
    assert "[token_scope]" in stack.ask_token(token, f"repository:{item}:pull").message


def test_an_administrators_foreign_token_has_ordinary_rights(
    federation: Federation, stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    administrator = stack.add_user("administrator", "--admin")
    token = anybody(federation.linked_token(administrator, "signed", WORDS))
    assert stack.granted(administrator, item, "pull") == {"pull"}
    assert stack.granted(token, item, "pull") == set()
    assert not stack.lists_everything(token)


def test_a_token_made_for_another_audience_or_another_client_is_refused(
    federation: Federation, stack: Stack, owner: User
) -> None:
    federation.link(owner, "signed")
    server = federation.servers["signed"]
    elsewhere = server.user_token(owner.name, WORDS, "https://other.test")
    answer = stack.ask_token(anybody(elsewhere))
    assert answer.status == 401
    assert "the token from 'signed' was made for another audience" in answer.message


def test_an_id_token_is_refused(federation: Federation, stack: Stack, owner: User) -> None:
    for issuer in ("signed", "elliptic"):
        federation.link(owner, issuer)
        answer = stack.ask_token(anybody(federation.servers[issuer].id_token(owner.name)))
        assert answer.status == 401
        assert "is not an access token; use the access token, not the ID token" in answer.message


def test_a_jwt_of_an_issuer_that_is_only_asked_is_refused(
    federation: Federation, stack: Stack, owner: User
) -> None:
    """oidc-provider does not introspect JWTs: it answers with status 400."""
    federation.link(owner, "opaque")
    token = federation.servers["opaque"].user_token(owner.name, WORDS, RESOURCE)
    for _ in range(4):
        answer = stack.ask_token(anybody(token))
        assert answer.status == 401
        assert "the token from 'opaque'" in answer.message
    opaque = federation.token(owner.name, "opaque", WORDS)
    assert stack.ask_token(anybody(opaque)).status == 200


def test_an_opaque_token_ends_with_its_time(federation: Federation, stack: Stack, owner: User) -> None:
    server = federation.servers["opaque"]
    federation.link(owner, "opaque")
    server.set_lifetime(2)
    token = anybody(federation.token(owner.name, "opaque", WORDS))
    server.set_lifetime(3600)
    assert stack.ask_token(token).status == 200
    wait_until(lambda: stack.ask_token(token).status == 401, "it has expired", 5)
    assert "was revoked or has expired; get a new one" in stack.ask_token(token).message


def test_a_revoked_token_ends_when_the_issuers_answer_is_forgotten_and_the_terminal_says_so(
    federation: Federation,
    stack: Stack,
    owner: User,
    project: str,
    publish: Publish,
    new_client_named: NewNamedClient,
) -> None:
    item = f"{project}/app"
    publish(item)
    token = federation.linked_token(owner, "opaque", WORDS)
    client = stack.login(partial(new_client_named, "docker"), anybody(token))
    client.pull(stack.reference(item)).check()
    federation.servers["opaque"].revoke(token)
    wait_until(lambda: stack.ask_token(anybody(token)).status == 401, "the answer is forgotten", 2)
    pulled = client.pull(stack.reference(item))
    assert not pulled.succeeded
    assert "the token from 'opaque' was revoked or has expired; get a new one" in pulled.text


def test_a_revoked_token_ends_at_once_where_nothing_is_remembered(
    federation: Federation, stack: Stack, owner: User
) -> None:
    token = federation.linked_token(owner, "opaque_too", WORDS)
    assert stack.ask_token(anybody(token)).status == 200
    federation.servers["opaque_too"].revoke(token)
    assert stack.ask_token(anybody(token)).status == 401


def test_the_shares_of_a_foreign_token_can_be_taken_from_its_owner(
    federation: Federation, stack: Stack, owner: User, project: str
) -> None:
    token = anybody(federation.linked_token(owner, "signed", WORDS))
    item = f"{project}/new"
    assert grants_of(stack.token(token, f"repository:{item}:pull,push"))[item] == {"pull", "push"}
    stack.service.cli("user", "uncertify", owner.name).check()
    wait_until(lambda: stack.granted(token, item, "pull,push") == set(), "pushing is over", PROMISED_SECONDS)
