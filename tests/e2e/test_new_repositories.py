"""The first push makes the repository: with every command of the stock clients that can do so.

Some of them look first whether something is there already, and push only when the registry has said
that there is not. `oras attach`, `cosign sign` and `notation sign` push beside an image that exists.
"""

from __future__ import annotations

import json

import pytest

from conftest import KINDS, NewNamedClient, Publish
from harness.client import Program
from harness.clients import NAMES, Clients
from harness.first_pushes import COMMANDS, Command, Names, some_file
from harness.process import Outcome, wait_until
from harness.stack import Stack, User

# What the clients do has nothing to do with the engine of the database.
pytestmark = pytest.mark.parametrize(
    "stack", [kind for kind in KINDS if kind != "postgresql"], indirect=True, scope="session"
)
LOOKS_FIRST = [name for name, command in COMMANDS.items() if command.looks_first]


@pytest.fixture
def names(stack: Stack, project: str, publish: Publish) -> Names:
    """An image of the project, and a free name in it."""
    publish(f"{project}/source")
    return Names(stack.reference(f"{project}/source"), stack.reference(f"{project}/new"))


def repositories(stack: Stack, project: str) -> set[str]:
    return {str(row["name"]) for row in stack.service.cli_json("repository", "list", project)}


def program(clients: Clients, command: Command) -> Program:
    return clients.cosign() if command.client == "cosign" else clients.make(command.client)


def run_as(stack: Stack, clients: Clients, user: User, command: Command, names: Names) -> Outcome:
    return command.push(stack.login(lambda: program(clients, command), user), names)


@pytest.mark.parametrize("typed", COMMANDS)
def test_a_certified_owner_makes_a_repository_with_it(
    stack: Stack, owner: User, project: str, clients: Clients, names: Names, typed: str
) -> None:
    command = COMMANDS[typed]
    run_as(stack, clients, owner, command, names).check()
    if not command.makes_repository:
        # A layer alone makes none, and does not stand in the way of the image that comes after it.
        run_as(stack, clients, owner, COMMANDS["oras push"], names).check()
    wait_until(lambda: len(repositories(stack, project)) == 2, "a second repository is listed")


@pytest.mark.parametrize("typed", COMMANDS)
def test_a_reader_makes_no_repository_with_it_and_reads_why(
    stack: Stack, project: str, clients: Clients, names: Names, typed: str
) -> None:
    command = COMMANDS[typed]
    reader = stack.add_member(project, "READ,DOWNLOAD")
    refused = run_as(stack, clients, reader, command, names)
    assert not refused.succeeded
    if command.shows_why:
        # imagetools shows the status line alone, which has the reason in fewer words.
        assert ("not_visible" if command.looks_first else "no_create") in refused.text
        assert "ask an administrator" in refused.text
    assert repositories(stack, project) == {f"{project}/source"}


@pytest.mark.parametrize("typed", LOOKS_FIRST)
def test_a_client_that_looks_first_shows_an_uncertified_owner_the_same_as_a_reader(
    stack: Stack, project: str, clients: Clients, names: Names, typed: str
) -> None:
    user = stack.add_member(project, "READ,DOWNLOAD,CREATE,UPDATE", certified=False)
    refused = run_as(stack, clients, user, COMMANDS[typed], names)
    assert not refused.succeeded
    assert "[not_visible]" in refused.text


def test_crane_does_not_overwrite_a_tag_that_is_there(
    stack: Stack, owner: User, project: str, publish: Publish, clients: Clients, names: Names
) -> None:
    digest = publish(f"{project}/new", "what was there before")
    refused = run_as(stack, clients, owner, COMMANDS["crane copy --no-clobber"], names)
    assert "refusing to clobber existing tag" in refused.text
    assert stack.tags(f"{project}/new") == {"v1": digest}


@pytest.mark.parametrize("name", [*NAMES, "helm"])
def test_callers_who_may_make_a_repository_get_not_found_from_the_registry_itself(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient, name: str
) -> None:
    pulled = stack.login(lambda: new_client_named(name), owner).pull(stack.reference(f"{project}/nothing"))
    assert not pulled.succeeded
    said = pulled.text.lower()
    assert any(words in said for words in ("manifest unknown", "manifest_unknown", "not found")), said
    assert "not_visible" not in said


def test_a_look_makes_no_repository_and_reserves_no_name(stack: Stack, owner: User, project: str) -> None:
    item = f"{project}/looked-for"
    member = stack.add_member(project, "READ,DOWNLOAD")
    assert stack.granted(owner, item, "pull") == {"pull"}
    assert stack.granted(member, item, "pull") == set()
    assert repositories(stack, project) == set()


# What is pushed beside an image.


def attach(stack: Stack, user: User, clients: Clients, reference: str) -> Outcome:
    oras = stack.login(lambda: clients.make("oras"), user)
    words = ("attach", "--plain-http", "--artifact-type=text/x-note", reference)
    return oras.run(*words, f"{some_file(oras).name}:text/plain", cwd=oras.home)


def cosign_sign(stack: Stack, user: User, clients: Clients, reference: str) -> Outcome:
    return stack.login(clients.cosign, user).sign(reference)


def notation_sign(stack: Stack, user: User, clients: Clients, reference: str) -> Outcome:
    return stack.login(clients.notation, user).sign(reference)


BESIDE = {"oras attach": attach, "cosign sign": cosign_sign, "notation sign": notation_sign}


@pytest.mark.parametrize("typed", BESIDE)
def test_an_owner_pushes_a_signature_or_a_note_beside_an_image(
    stack: Stack, owner: User, project: str, publish: Publish, clients: Clients, typed: str
) -> None:
    digest = publish(f"{project}/app")
    reference = stack.reference(f"{project}/app", digest)
    BESIDE[typed](stack, owner, clients, reference).check()
    found = stack.login(lambda: clients.make("oras"), owner).run(
        "discover", "--plain-http", "--format=json", reference
    )
    assert len(json.loads(found.check().stdout)["referrers"]) == 1


@pytest.mark.parametrize("typed", BESIDE)
def test_a_reader_pushes_nothing_beside_an_image_and_reads_why(
    stack: Stack, project: str, publish: Publish, clients: Clients, typed: str
) -> None:
    digest = publish(f"{project}/app")
    reader = stack.add_member(project, "READ,DOWNLOAD")
    refused = BESIDE[typed](stack, reader, clients, stack.reference(f"{project}/app", digest))
    assert not refused.succeeded
    assert "[no_update]" in refused.text
    assert "ask an administrator for UPDATE" in refused.text


def test_a_signature_of_cosign_is_found_again(
    stack: Stack, owner: User, project: str, publish: Publish, clients: Clients
) -> None:
    reference = stack.reference(f"{project}/app", publish(f"{project}/app"))
    cosign = stack.login(clients.cosign, owner)
    cosign.sign(reference).check()
    cosign.verify(reference).check()
    unsigned = stack.reference(f"{project}/app", publish(f"{project}/app", "unsigned"))
    assert not cosign.verify(unsigned).succeeded
