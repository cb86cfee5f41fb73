"""Which account a token of another issuer acts for: links, their end, and robot accounts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from conftest import NewNamedClient, NewStack, Publish
from harness.federation import Federation
from harness.issuer import FakeIssuer
from harness.oidc_provider import RESOURCE
from harness.process import wait_until
from harness.service import Service
from harness.stack import PROMISED_SECONDS, Stack, User, anybody
from harness.trust import issuers, trust_stub

WORDS = "download modify"
NOT_LINKED = "no account here is linked to this login; log in with your password and link it"
ROBOTS_ONLY = "this token belongs to an OAuth client, not to a person, and needs a robot account"


@pytest.fixture
def stack(federation: Federation) -> Stack:
    """The installation that these tests share."""
    return federation.stack


def wait_for_status(stack: Stack, token: str, status: int, service: Service | None = None) -> None:
    """What the command line has changed holds in a running server within one second."""
    wait_until(
        lambda: stack.ask_token(anybody(token), service=service).status == status,
        f"the token is answered with {status}",
        PROMISED_SECONDS,
    )


def test_the_refusal_of_an_unlinked_subject_names_the_command_that_links_it(
    federation: Federation, stack: Stack, owner: User, new_client_named: NewNamedClient
) -> None:
    """Though there is an account of the same name."""
    token = federation.token(owner.name, "signed", WORDS)
    client = new_client_named("docker")
    login = client.login(stack.host, owner.name, token)
    assert not login.succeeded
    assert NOT_LINKED in login.text


@pytest.mark.parametrize("issuer", ["signed", "opaque"])
def test_a_link_and_its_end_hold_within_a_second(
    federation: Federation, stack: Stack, owner: User, issuer: str
) -> None:
    token = federation.token(owner.name, issuer, WORDS)
    assert stack.ask_token(anybody(token)).status == 401
    federation.link(owner, issuer)
    wait_for_status(stack, token, 200)
    (link,) = stack.service.cli_json("user", "links", owner.name)
    assert (link["subject"], link["issuerName"]) == (owner.name, issuer)
    stack.service.cli("user", "unlink", owner.name, issuer, owner.name).check()
    wait_for_status(stack, token, 401)
    assert NOT_LINKED in stack.ask_token(anybody(token)).message
    assert stack.service.cli_json("user", "links", owner.name) == []
    federation.link(owner, issuer)
    wait_for_status(stack, token, 200)


def test_a_subject_never_comes_to_mean_somebody_else(
    federation: Federation, stack: Stack, owner: User
) -> None:
    token = federation.linked_token(owner, "signed", WORDS)
    other = stack.add_user("other")

    def link_to_the_other() -> str:
        outcome = stack.service.cli("user", "link", other.name, "signed", owner.name)
        assert outcome.exit_code == 1
        return outcome.stderr

    sentence = "this login belongs, or once belonged, to another account, and can never be linked"
    assert sentence in link_to_the_other()
    stack.service.cli("user", "unlink", owner.name, "signed", owner.name).check()
    assert sentence in link_to_the_other()
    stack.service.cli("user", "remove", owner.name).check()
    assert sentence in link_to_the_other()
    wait_for_status(stack, token, 401)


def test_a_name_at_one_issuer_means_nothing_at_another(
    federation: Federation, stack: Stack, owner: User
) -> None:
    federation.link(owner, "signed")
    assert stack.ask_token(anybody(federation.token(owner.name, "elliptic", WORDS))).status == 401
    assert stack.ask_token(anybody(federation.token(owner.name.upper(), "signed", WORDS))).status == 401
    assert stack.ask_token(anybody(federation.token(owner.name, "signed", WORDS))).status == 200


@pytest.mark.parametrize("issuer", ["signed", "opaque"])
def test_a_disabled_account_is_closed_to_its_foreign_tokens_within_a_second(
    federation: Federation, stack: Stack, owner: User, issuer: str
) -> None:
    token = federation.linked_token(owner, issuer, WORDS)
    wait_for_status(stack, token, 200)
    stack.service.cli("user", "disable", owner.name).check()
    wait_for_status(stack, token, 401)
    assert "[account_disabled]" in stack.ask_token(anybody(token)).message
    stack.service.cli("user", "enable", owner.name).check()
    wait_for_status(stack, token, 200)


def test_a_new_password_does_not_end_foreign_tokens(
    federation: Federation, stack: Stack, owner: User
) -> None:
    token = federation.linked_token(owner, "signed", WORDS)
    stack.change_password(owner)
    assert stack.ask_token(anybody(token)).status == 200


def test_the_command_line_refuses_what_cannot_be_linked(stack: Stack, owner: User) -> None:
    for words, sentence in {
        ("link", owner.name, "nobody", "x"): "the issuer nobody is not configured under login.issuer",
        ("link", "no-such-account", "signed", "x"): "no-such-account",
        ("link", owner.name, "signed", "a\nb"): "no control characters",
        ("unlink", owner.name, "signed", "x"): "is not linked to",
    }.items():
        outcome = stack.service.cli("user", *words)
        assert not outcome.succeeded
        assert sentence in outcome.stderr


# Programs. `ci` is a client of every issuer, and at each it can be linked once.


def test_a_programs_token_acts_for_a_robot_account_and_for_no_person(
    federation: Federation,
    stack: Stack,
    owner: User,
    project: str,
    publish: Publish,
    new_client_named: NewNamedClient,
) -> None:
    publish(f"{project}/app")
    tokens = {
        name: stack.remember(federation.servers[name].client_token(WORDS, RESOURCE))
        for name in ("signed", "elliptic")
    }
    assert NOT_LINKED in stack.ask_token(anybody(tokens["signed"])).message
    stack.link(owner, "signed", "ci")
    wait_until(lambda: ROBOTS_ONLY in stack.ask_token(anybody(tokens["signed"])).message, "the link holds", 1)
    stack.link(stack.add_robot(project), "elliptic", "ci")
    wait_for_status(stack, tokens["elliptic"], 200)
    client = stack.login(partial(new_client_named, "podman"), User("robot", tokens["elliptic"]))
    client.pull(stack.reference(f"{project}/app")).check()
    client.push(stack.reference(f"{project}/by-a-robot"), "by a robot").check()
    other = stack.add_project(owner)
    assert stack.granted(anybody(tokens["elliptic"]), f"{other}/new", "pull,push") == set()


def test_an_opaque_token_of_a_program_acts_for_a_robot_account_too(
    federation: Federation, stack: Stack, owner: User, project: str
) -> None:
    """Introspection names no subject for it, neither at oidc-provider nor at canaille, only the client."""
    token = stack.remember(federation.servers["opaque"].client_token(WORDS))
    assert "sub" not in federation.servers["opaque"].introspect(token).json()
    assert NOT_LINKED in stack.ask_token(anybody(token)).message
    robot = stack.add_robot(project)
    stack.link(robot, "opaque", "ci")
    wait_for_status(stack, token, 200)
    assert stack.granted(anybody(token), f"{project}/new", "pull,push") == {"pull", "push"}


# Two processes, and passwords that others get wrong.


@pytest.fixture
def two_processes(new_stack: NewStack, fake_issuer: FakeIssuer) -> Iterator[tuple[Stack, Service]]:
    """Two servers on one PostgreSQL database."""
    stack = new_stack("postgresql", **issuers(stub=trust_stub(fake_issuer)))
    sibling = stack.service.sibling()
    sibling.serve()
    yield stack, sibling
    sibling.stop()


def test_two_processes_on_one_database_see_each_others_links(
    two_processes: tuple[Stack, Service], fake_issuer: FakeIssuer
) -> None:
    stack, sibling = two_processes
    owner = stack.add_user("owner")
    token = stack.remember(fake_issuer.sign(fake_issuer.claims(sub="alice")))
    for service in (stack.service, sibling):
        wait_for_status(stack, token, 401, service)
    for one, other in ((stack.service, sibling), (sibling, stack.service)):
        one.cli("user", "link", owner.name, "stub", "alice").check()
        wait_for_status(stack, token, 200, other)
        wait_for_status(stack, token, 200, one)
        other.cli("user", "unlink", owner.name, "stub", "alice").check()
        wait_for_status(stack, token, 401, one)
        wait_for_status(stack, token, 401, other)
    stack.assert_that_no_log_shows_a_secret()


def test_foreign_tokens_neither_count_for_the_lock_out_nor_wait_for_its_end(
    new_stack: NewStack, fake_issuer: FakeIssuer
) -> None:
    stack = new_stack(login={"free_tries": 3}, **issuers(stub=trust_stub(fake_issuer)))
    owner = stack.add_user("owner")
    stack.link(owner, "stub", "alice")
    token = stack.remember(fake_issuer.sign(fake_issuer.claims()))
    expired = fake_issuer.sign(fake_issuer.claims(exp=1))
    for bad in [expired, token[:-8], *(fake_issuer.sign(fake_issuer.claims(sub=str(n))) for n in range(8))]:
        assert stack.ask_token(User(owner.name, bad)).status == 401
    assert stack.ask_token(owner).status == 200, "nothing was counted"
    for number in range(4):
        stack.ask_token(User(owner.name, f"guess {number}"))
    fresh = User(owner.name, "another guess")
    assert "[locked_out]" in stack.ask_token(fresh).message
    assert stack.ask_token(User(owner.name, token)).status == 200
    assert stack.ask_token(User(owner.name, expired)).status == 401
