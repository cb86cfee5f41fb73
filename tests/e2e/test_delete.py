"""Deleting with the clients that can: skopeo, crane and oras; docker and podman have no command for it.

crane asks for push first, and skopeo for everything; only when the registry has refused that, they ask
for what the registry names, which is `delete` alone.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import KINDS, NewNamedClient, Publish
from harness.client import Client
from harness.process import Outcome
from harness.stack import Stack, User

# What the clients do has nothing to do with the engine of the database.
pytestmark = pytest.mark.parametrize(
    "stack", [kind for kind in KINDS if kind != "postgresql"], indirect=True, scope="session"
)
Delete = Callable[[Client, str], Outcome]


def with_crane(client: Client, reference: str) -> Outcome:
    return client.run("delete", reference)


def with_skopeo(client: Client, reference: str) -> Outcome:
    return client.run("delete", "--tls-verify=false", f"docker://{reference}")


def with_oras(client: Client, reference: str) -> Outcome:
    return client.run("manifest", "delete", "--plain-http", "--force", reference)


DELETES: dict[str, Delete] = {"crane": with_crane, "skopeo": with_skopeo, "oras": with_oras}
RESOLVE_TAGS = ["skopeo", "oras"]
"""crane hands a tag to the registry as it is, and the registry 2.8 takes none."""


@pytest.fixture
def item(project: str) -> str:
    return f"{project}/app"


@pytest.fixture
def digest(item: str, publish: Publish) -> str:
    return publish(item)


def delete_as(
    stack: Stack, new_client_named: NewNamedClient, name: str, user: User, reference: str
) -> Outcome:
    return DELETES[name](stack.login(lambda: new_client_named(name), user), reference)


def is_there(stack: Stack, owner: User, item: str, digest: str) -> bool:
    """What the registry itself says."""
    token = stack.token(owner, f"repository:{item}:pull")
    return stack.registry.ask("HEAD", f"/v2/{item}/manifests/{digest}", token).status == 200


@pytest.mark.parametrize("name", DELETES)
@pytest.mark.parametrize("access", ["READ,DOWNLOAD,DELETE", "READ,DOWNLOAD,UPDATE,DELETE"])
def test_delete_by_digest_needs_no_permission_to_push(
    stack: Stack,
    owner: User,
    project: str,
    item: str,
    digest: str,
    new_client_named: NewNamedClient,
    name: str,
    access: str,
) -> None:
    user = stack.add_member(project, access)
    delete_as(stack, new_client_named, name, user, stack.reference(item, digest)).check()
    assert not is_there(stack, owner, item, digest)


@pytest.mark.parametrize("name", RESOLVE_TAGS)
def test_an_owner_deletes_by_tag(
    stack: Stack, owner: User, item: str, digest: str, new_client_named: NewNamedClient, name: str
) -> None:
    delete_as(stack, new_client_named, name, owner, stack.reference(item)).check()
    assert not is_there(stack, owner, item, digest)


# crane's first request to delete cannot be distinguished from one to push.
REFUSED = [
    ("crane", "READ,DOWNLOAD,UPDATE", "no_delete"),
    ("crane", "READ,DOWNLOAD", "no_update"),
    ("skopeo", "READ,DOWNLOAD,UPDATE", "no_delete"),
    ("skopeo", "READ,DOWNLOAD", "no_delete"),
    ("oras", "READ,DOWNLOAD,UPDATE", "no_delete"),
    ("oras", "READ,DOWNLOAD", "no_delete"),
]


@pytest.mark.parametrize("name, access, reason", REFUSED)
def test_a_caller_who_may_not_delete_reads_why(
    stack: Stack,
    owner: User,
    project: str,
    item: str,
    digest: str,
    new_client_named: NewNamedClient,
    name: str,
    access: str,
    reason: str,
) -> None:
    user = stack.add_member(project, access)
    refused = delete_as(stack, new_client_named, name, user, stack.reference(item, digest))
    assert not refused.succeeded
    assert f"[{reason}]" in refused.text
    assert "ask an administrator for " in refused.text
    assert is_there(stack, owner, item, digest)


@pytest.mark.parametrize("name", DELETES)
def test_a_token_for_pushing_deletes_nothing_and_the_terminal_says_which_scope_it_lacks(
    stack: Stack, owner: User, item: str, digest: str, new_client_named: NewNamedClient, name: str
) -> None:
    token = User(owner.name, stack.add_token(owner, "--scope", "view,download,modify"))
    refused = delete_as(stack, new_client_named, name, token, stack.reference(item, digest))
    assert not refused.succeeded
    assert "[token_scope]" in refused.text
    assert "deleting also needs delete" in refused.text
    assert is_there(stack, owner, item, digest)


@pytest.mark.parametrize("name", DELETES)
def test_a_token_with_the_scope_delete_deletes(
    stack: Stack, owner: User, item: str, digest: str, new_client_named: NewNamedClient, name: str
) -> None:
    token = User(owner.name, stack.add_token(owner, "--scope", "view,download,delete"))
    delete_as(stack, new_client_named, name, token, stack.reference(item, digest)).check()
    assert not is_there(stack, owner, item, digest)


def test_crane_reads_that_the_registry_takes_no_tag_and_nothing_is_deleted(
    stack: Stack, owner: User, item: str, digest: str, new_client_named: NewNamedClient
) -> None:
    if stack.registry.version != "2.8":
        pytest.skip("later registries delete a tag")
    refused = delete_as(stack, new_client_named, "crane", owner, stack.reference(item))
    assert "DIGEST_INVALID" in refused.text
    assert is_there(stack, owner, item, digest)
