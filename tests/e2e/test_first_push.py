"""The first push makes the repository, and a pull need not wait for the webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote

import pytest

from conftest import NewClient, NewNamedClient
from harness.process import wait_until
from harness.stack import Stack, User
from harness.web import HttpAnswer, request


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


def test_a_name_that_nobody_pushed_can_be_looked_at_by_those_who_may_push_it(
    stack: Stack, owner: User, project: str
) -> None:
    item = f"{project}/never-pushed"
    member = stack.add_member(project, "READ,DOWNLOAD,UPDATE")
    uncertified = stack.add_member(project, "READ,DOWNLOAD,CREATE", certified=False)
    for nobody in (member, uncertified, stack.add_user("stranger")):
        assert stack.granted(nobody, item, "pull") == set()
    assert stack.granted(owner, item, "pull") == {"pull"}
    answer = ask_registry(stack, "GET", f"{item}/tags/list", stack.token(owner, f"repository:{item}:pull"))
    assert answer.status == 404


def ask_registry(
    stack: Stack, method: str, path: str, token: str, body: bytes | None = None, media_type: str | None = None
) -> HttpAnswer:
    headers = {"Authorization": f"Bearer {token}"}
    if media_type:
        headers["Content-Type"] = media_type
    url = path if path.startswith("http") else f"http://{stack.host}/v2/{path}"
    return request(method, url, headers=headers, body=body)


@pytest.mark.parametrize("holding", ["layer", "untagged manifest"])
def test_a_name_under_which_the_registry_has_no_tag_but_something_is_closed(
    stack: Stack, owner: User, project: str, holding: str
) -> None:
    item = f"{project}/{holding.split()[0]}"
    token = stack.token(owner, f"repository:{item}:pull,push")
    content = b"{}"
    begun = ask_registry(stack, "POST", f"{item}/blobs/uploads/", token)
    place = begun.headers["location"]
    target = place if place.startswith("http") else f"http://{stack.host}{place}"
    digest = "sha256:" + sha256(content).hexdigest()
    uploaded = ask_registry(
        stack, "PUT", f"{target}&digest={quote(digest)}", token, content, "application/octet-stream"
    )
    assert uploaded.status == 201, uploaded.body
    if holding == "untagged manifest":
        media_type = "application/vnd.docker.distribution.manifest.v2+json"
        config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": digest}
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}
        ).encode()
        name = "sha256:" + sha256(manifest).hexdigest()
        pushed = ask_registry(stack, "PUT", f"{item}/manifests/{name}", token, manifest, media_type)
        assert pushed.status == 201, pushed.body
        wait_until(
            lambda: stack.service.cli_json("repository", "list", project) != [], "the push is on record"
        )
    # As if the database had been restored from a copy that is older.
    stack.forget_repository(item)
    stack.wait_for_grant(owner, item, "pull", set())
    assert stack.granted(owner, item, "pull,push") == set()


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
