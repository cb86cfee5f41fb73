"""A layer that the registry already has elsewhere is mounted, if the pusher may read it there.

If not, the push must still succeed, by uploading the layer.
"""

from __future__ import annotations

import pytest

from conftest import NewClient, NewNamedClient, Publish
from harness.stack import Stack, User, grants_of

REMEMBERING = ["docker", "docker-containerd", "podman", "skopeo"]
"""The clients that remember where a layer went and try to mount it from there."""


@pytest.mark.parametrize("new_client", REMEMBERING, indirect=True)
@pytest.mark.parametrize("may_read", [True, False], ids=["readable", "unreadable"])
def test_a_push_of_a_known_layer_succeeds_whether_its_source_is_readable_or_not(
    stack: Stack, owner: User, project: str, new_client: NewClient, may_read: bool
) -> None:
    source, content = f"{project}/source", f"a layer known from {project}"
    stack.login(new_client, owner).push(stack.reference(source), content).check()
    pusher = stack.add_member(project, "READ,DOWNLOAD") if may_read else stack.add_user("pusher")
    target = f"{stack.add_project(pusher)}/target"
    pushed = stack.login(new_client, pusher).push(stack.reference(target), content).check()
    stack.wait_for_tag(target, "v1", pushed.digest)


def test_crane_copies_between_repositories_of_different_projects(
    stack: Stack, owner: User, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    digest = publish(f"{project}/source")
    target = f"{stack.add_project(owner)}/target"
    client = stack.login(lambda: new_client_named("crane"), owner)
    copied = client.run("copy", stack.reference(f"{project}/source"), stack.reference(target))
    copied.check()
    stack.wait_for_tag(target, "v1", digest)


def test_oras_copies_although_it_asks_for_both_repositories_at_once(
    stack: Stack, owner: User, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    digest = publish(f"{project}/source")
    target = f"{stack.add_project(owner)}/target"
    client = stack.login(lambda: new_client_named("oras"), owner)
    plain = ("--from-plain-http", "--to-plain-http")
    copied = client.run("cp", *plain, stack.reference(f"{project}/source"), stack.reference(target))
    copied.check()
    stack.wait_for_tag(target, "v1", digest)


@pytest.mark.parametrize("may_read, status", [(True, 201), (False, 401)], ids=["readable", "unreadable"])
def test_the_registry_mounts_only_what_the_pusher_may_read(
    stack: Stack, project: str, publish: Publish, may_read: bool, status: int
) -> None:
    publish(f"{project}/source", "mounted")
    layer = some_layer_of(stack, f"{project}/source", project)
    pusher = stack.add_member(project, "READ,DOWNLOAD") if may_read else stack.add_user("pusher")
    target = f"{stack.add_project(pusher)}/target"
    token = stack.token(pusher, f"repository:{target}:push,pull", f"repository:{project}/source:pull")
    assert grants_of(token).get(f"{project}/source", set()) == ({"pull"} if may_read else set())
    path = f"/v2/{target}/blobs/uploads/?mount={layer}&from={project}/source"
    assert stack.registry.ask("POST", path, token).status == status


def some_layer_of(stack: Stack, item: str, project: str) -> str:
    """The digest of the image's only layer."""
    reader = stack.add_member(project, "READ,DOWNLOAD")
    manifest = stack.registry.ask(
        "GET", f"/v2/{item}/manifests/v1", stack.token(reader, f"repository:{item}:pull")
    )
    return str(manifest.json()["layers"][0]["digest"])
