"""Accounts that are made by the first token of somebody who has none, where the operator wants that."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from conftest import KINDS, NewNamedClient, running_stack
from harness.issuer import FakeIssuer
from harness.process import wait_until
from harness.rest import call, reason, session
from harness.stack import PROMISED_SECONDS, Stack, User
from harness.trust import issuers, trust_stub

_numbers = itertools.count(1)
NOT_LINKED = "no account here is linked to this login"


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    """A stub, because names and addresses have to be chosen."""
    stub = FakeIssuer().start()
    yield stub
    stub.stop()


@pytest.fixture(scope="module")
def untyped() -> Iterator[FakeIssuer]:
    """An issuer whose tokens are all of type JWT, whatever they are for."""
    stub = FakeIssuer().start()
    yield stub
    stub.stop()


@pytest.fixture(scope="module", params=KINDS)
def stack(request: pytest.FixtureRequest, issuer: FakeIssuer, untyped: FakeIssuer) -> Iterator[Stack]:
    """An installation that makes an account for each new subject of the issuers."""
    sections = issuers(
        stub=trust_stub(issuer, create_accounts=True),
        untyped=trust_stub(untyped, types=["JWT"], create_accounts=True),
    )
    with running_stack(request.param, request, **sections) as stack:
        yield stack


def new_subject() -> str:
    return f"subject-{next(_numbers)}"


def token_of(issuer: FakeIssuer, subject: str, **claims: object) -> User:
    return User("", issuer.sign(issuer.claims(sub=subject, client_id="web", **claims)))


def accounts(stack: Stack) -> dict[str, dict[str, Any]]:
    """Every account by its name."""
    return {row["userName"]: row for row in stack.service.cli_json("user", "list")}


def account_of(stack: Stack, subject: str) -> dict[str, Any]:
    """The one account that the subject is linked to."""
    linked = [
        row
        for name, row in accounts(stack).items()
        if subject in [link["subject"] for link in stack.service.cli_json("user", "links", name)]
    ]
    assert len(linked) == 1, f"{len(linked)} accounts are linked to {subject}"
    return linked[0]


def test_the_first_token_makes_an_ordinary_account(stack: Stack, issuer: FakeIssuer) -> None:
    subject = new_subject()
    name, email = f"Ann.{subject}", f"{subject}@example.org"
    token = token_of(issuer, subject, preferred_username=name, email=email)
    assert stack.ask_token(token).status == 200
    account = account_of(stack, subject)
    assert (account["userName"], account["emails"]) == (name.lower(), [email])
    assert not account["certified"]
    assert not account["administrator"]
    before = set(accounts(stack))
    assert stack.ask_token(token_of(issuer, subject, preferred_username="another")).status == 200
    assert set(accounts(stack)) == before, "there is one account for the subject"


def test_a_newcomer_sees_what_is_shared_with_everybody_and_pushes_nothing(
    stack: Stack, issuer: FakeIssuer, new_client_named: NewNamedClient
) -> None:
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    digest = stack.login(partial(new_client_named, "crane"), owner).push(
        stack.reference(f"{project}/app"), "for everybody"
    )
    stack.wait_for_tag(f"{project}/app", "v1", digest.check().digest)
    stack.grant(project, "AUTHENTICATED_USERS", "READ,DOWNLOAD,CREATE")
    client = stack.login(
        partial(new_client_named, "docker"), User("x", token_of(issuer, new_subject()).password)
    )
    client.pull(stack.reference(f"{project}/app")).check()
    pushed = client.push(stack.reference(f"{project}/new"), "by a newcomer")
    assert not pushed.succeeded
    assert "[not_certified]" in pushed.text


def test_a_name_that_is_taken_gets_a_number(stack: Stack, issuer: FakeIssuer) -> None:
    taken = stack.add_user("taken").name
    one, two = new_subject(), new_subject()
    for subject in (one, two):
        assert stack.ask_token(token_of(issuer, subject, preferred_username=taken)).status == 200
    assert account_of(stack, one)["userName"] == one, "the subject's own name is nicer than a number"
    stack.service.cli("team", "add", new_subject()).check()
    team = f"subject-{next(_numbers) - 1}"
    assert stack.ask_token(token_of(issuer, team)).status == 200
    assert account_of(stack, team)["userName"] == f"{team}-2"


def test_an_address_that_somebody_has_is_not_copied_and_links_nobody(
    stack: Stack, issuer: FakeIssuer
) -> None:
    owner = stack.add_user("owner")
    subject = new_subject()
    email = f"{owner.name}@example.org"
    token = token_of(issuer, subject, preferred_username=owner.name, email=email)
    assert stack.ask_token(token).status == 200
    account = account_of(stack, subject)
    assert account["userName"] != owner.name
    assert account["emails"] == []
    assert stack.service.cli_json("user", "links", owner.name) == []


def test_an_address_that_is_not_verified_is_not_taken_over(stack: Stack, issuer: FakeIssuer) -> None:
    for verified, is_taken in ((False, False), ("false", False), (True, True), ("true", True)):
        subject = new_subject()
        email = f"{subject}@example.org"
        token = token_of(issuer, subject, email=email, email_verified=verified)
        assert stack.ask_token(token).status == 200
        assert account_of(stack, subject)["emails"] == ([email] if is_taken else []), verified


def test_names_that_cannot_be_are_made_fit(stack: Stack, issuer: FakeIssuer) -> None:
    for proposed, fit in {
        "PUBLIC": None,
        "12": None,
        "../../etc": "etc",
        "Ödön\n": "d-n",
        "x" * 300: "x" * 56,
    }.items():
        subject = new_subject()
        assert stack.ask_token(token_of(issuer, subject, preferred_username=proposed)).status == 200
        assert account_of(stack, subject)["userName"] == (fit or subject)


def test_two_first_requests_at_once_make_one_account_and_both_get_a_token(
    stack: Stack, issuer: FakeIssuer
) -> None:
    """Clients ask for several tokens at the same time."""
    for _ in range(5):
        token = token_of(issuer, new_subject())
        before = set(accounts(stack))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(stack.ask_token, [token] * 8))
        assert [answer.status for answer in answers] == [200] * 8
        assert len(set(accounts(stack)) - before) == 1


def test_two_processes_make_one_account(stack: Stack, issuer: FakeIssuer) -> None:
    sibling = stack.service.sibling()
    sibling.serve()
    try:
        for _ in range(3):
            token = token_of(issuer, new_subject())
            before = set(accounts(stack))
            with ThreadPoolExecutor(4) as pool:
                asked = [
                    pool.submit(stack.ask_token, token, service=service)
                    for service in (stack.service, sibling) * 2
                ]
            assert [answer.result().status for answer in asked] == [200] * 4
            assert len(set(accounts(stack)) - before) == 1
    finally:
        sibling.stop()


@pytest.mark.parametrize("way", ["unlink", "remove"])
def test_a_removed_user_gets_no_account_again(stack: Stack, issuer: FakeIssuer, way: str) -> None:
    subject = new_subject()
    token = token_of(issuer, subject)
    assert stack.ask_token(token).status == 200
    name = account_of(stack, subject)["userName"]
    words = ("unlink", name, "stub", subject) if way == "unlink" else ("remove", name)
    stack.service.cli("user", *words).check()
    wait_until(lambda: stack.ask_token(token).status == 401, "it is refused", PROMISED_SECONDS)
    before = set(accounts(stack))
    assert NOT_LINKED in stack.ask_token(token).message
    assert set(accounts(stack)) == before


LOGOUT = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
NO_USE = "the token has no scope that allows anything here"
OTHER_TOKENS = {
    "an ID token": ({"scope": None, "client_id": None}, "use the access token, not the ID token"),
    "a logout token": ({"scope": None, **LOGOUT}, "use the access token, not the ID token"),
    "a logout token with a scope": (LOGOUT, "use the access token, not the ID token"),
    "an access token for something else": ({"scope": "openid profile"}, NO_USE),
}
"""What an issuer signs besides access tokens for here, and what its owner reads who links it."""


@pytest.mark.parametrize(("claims", "sentence"), OTHER_TOKENS.values(), ids=OTHER_TOKENS)
def test_only_an_access_token_for_this_service_makes_or_links_an_account(
    stack: Stack, untyped: FakeIssuer, claims: dict[str, object], sentence: str
) -> None:
    subject, before = new_subject(), set(accounts(stack))

    def signed(**changes: object) -> str:
        return untyped.sign(untyped.claims(**{"sub": subject, "client_id": "web", **changes}), {"typ": "JWT"})

    others = signed(**claims)
    assert stack.ask_token(User("", others)).status == 401
    assert set(accounts(stack)) == before
    thief = session(stack, stack.add_user("thief"))
    linked = call(stack, "POST", "/auth/v1/linkedIdentity", thief, {"token": others})
    assert (linked.status, sentence in reason(linked)) == (400, True)
    assert stack.ask_token(User("", signed())).status == 200
    assert account_of(stack, subject)["userName"] == subject, "it is still its owner's"


def test_a_program_gets_no_account_and_neither_does_a_forger(stack: Stack, issuer: FakeIssuer) -> None:
    before = set(accounts(stack))
    program = User("", issuer.sign(issuer.claims(sub="ci", client_id="ci")))
    assert NOT_LINKED in stack.ask_token(program).message
    for claims in ({"aud": "other"}, {"exp": 1}, {"iss": "https://issuer.invalid"}, {"nonce": "x"}):
        assert stack.ask_token(token_of(issuer, new_subject(), **claims)).status == 401
    assert set(accounts(stack)) == before
