"""The first push makes the repository, and a pull need not wait for the webhook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import NewClient, NewNamedClient
from harness.process import wait_until
from harness.stack import Stack, User


@pytest.fixture
def held_webhook(stack: Stack) -> Iterator[Stack]:
    """An installation whose webhooks are held back until the test releases them."""
    stack.relay.hold()
    yield stack
    stack.relay.release()


def test_a_pull_right_after_the_first_push_works_while_the_webhook_is_held_back(
    held_webhook: Stack, owner: User, project: str, new_client: NewClient
) -> None:
    stack, item = held_webhook, f"{project}/fresh"
    client = stack.login(new_client, owner)
    digest = client.push(stack.reference(item), "the very first image").check().digest
    assert stack.tags(item) == {}
    assert client.pull(stack.reference(item)).check().digest == digest
    stack.relay.release()
    stack.wait_for_tag(item, "v1", digest)


def test_members_of_the_project_may_pull_it_too_before_the_webhook_came(
    held_webhook: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    stack, item = held_webhook, f"{project}/fresh"
    member = stack.add_member(project, "READ,DOWNLOAD", certified=False)
    stack.login(lambda: new_client_named("crane"), owner).push(stack.reference(item), "fresh").check()
    stack.login(lambda: new_client_named("docker"), member).pull(stack.reference(item)).check()
    assert stack.granted(stack.add_user("stranger"), item, "pull") == set()


def test_a_repository_is_not_listed_before_its_first_manifest(
    stack: Stack, owner: User, project: str
) -> None:
    assert stack.granted(owner, f"{project}/reserved", "pull,push") == {"pull", "push"}
    assert stack.service.cli_json("repository", "list", project) == []


def test_a_name_that_nobody_pushed_grants_no_pull(stack: Stack, owner: User, project: str) -> None:
    assert stack.granted(owner, f"{project}/never-pushed", "pull") == set()


def test_everything_that_was_held_back_arrives_in_the_end(
    held_webhook: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    stack = held_webhook
    client = stack.login(lambda: new_client_named("crane"), owner)
    pushed = {}
    for number in range(5):
        item = f"{project}/held-{number}"
        pushed[item] = client.push(stack.reference(item), f"held {number}").check().digest
    wait_until(lambda: stack.relay.waiting > 0, "the registry sends webhooks")
    stack.relay.release()
    for item, digest in pushed.items():
        stack.wait_for_tag(item, "v1", digest)
