"""Clients that ask for more than they need get what they may have: here those that ask for push to read.

Deleting, for which crane asks for push as well, is in test_delete.py.
"""

from __future__ import annotations

import pytest

from conftest import NewNamedClient, NewStack, Publish
from harness.stack import Stack, User, grants_of
from harness.web import HttpAnswer, basic, request

# What `docker manifest inspect` says it is, up to 23.0.6 and 24.0.5.
INSPECTS = "Docker-Client/20.10.24+dfsg1 (linux)"
# The daemon of the same docker, which pushes.
PUSHES = "docker/20.10.24+dfsg1 go/go1.19 os/linux UpstreamClient(Docker-Client/20.10.24 \\(linux\\))"


def ask_as(agent: str, stack: Stack, user: User | None, scope: str) -> HttpAnswer:
    """One token request of the client that calls itself so."""
    login = {"Authorization": basic(user.name, user.password)} if user else {}
    url = f"{stack.service.url}/token?service=registry.test&scope={scope}"
    return request("GET", url, headers={"User-Agent": agent, **login})


def assert_pull_alone(answer: HttpAnswer, item: str) -> None:
    assert answer.status == 200, answer.body
    assert grants_of(answer.json()["token"]) == {item: {"pull"}}


def test_docker_manifest_inspect_reads_what_may_be_read(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    reader = stack.add_member(project, "READ,DOWNLOAD", certified=False)
    limited = User("", stack.add_token(owner, "--scope", "download"))
    scope = f"repository:{item}:push,pull"
    for user, reason in ((reader, "not_certified"), (limited, "token_scope")):
        assert_pull_alone(ask_as(INSPECTS, stack, user, scope), item)
        assert f"[{reason}]" in ask_as(PUSHES, stack, user, scope).message
    stranger = stack.add_user("stranger")
    assert "[not_visible]" in ask_as(INSPECTS, stack, stranger, scope).message


def test_docker_manifest_inspect_reads_open_data_without_a_login(
    new_stack: NewStack, new_client_named: NewNamedClient
) -> None:
    stack = new_stack(access={"anonymous_pull": True})
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    item = f"{project}/app"
    client = stack.login(lambda: new_client_named("crane"), owner)
    stack.wait_for_tag(item, "v1", client.push(stack.reference(item), "open").check().digest)
    stack.grant(project, "PUBLIC", "READ")
    stack.service.cli("open-data", project, "on").check()
    scope = f"repository:{item}:push,pull"
    assert_pull_alone(ask_as(INSPECTS, stack, None, scope), item)
    assert "[anonymous]" in ask_as(PUSHES, stack, None, scope).message


@pytest.mark.parametrize("name, words", [("docker", ("manifest",)), ("buildx", ("buildx", "imagetools"))])
def test_the_command_lines_of_today_inspect_with_the_right_to_pull(
    stack: Stack,
    project: str,
    publish: Publish,
    new_client_named: NewNamedClient,
    name: str,
    words: tuple[str, ...],
) -> None:
    item = f"{project}/app"
    publish(item)
    reader = stack.add_member(project, "READ,DOWNLOAD", certified=False)
    client = stack.login(lambda: new_client_named(name), reader)
    insecure = ["--insecure"] if name == "docker" else []
    seen = client.run(*words, "inspect", *insecure, stack.reference(item)).check()
    assert "application/vnd.oci.image.manifest.v1+json" in seen.text


def test_a_login_that_asks_for_the_catalogue_alone_is_a_login(stack: Stack, owner: User) -> None:
    answer = stack.ask_token(owner, "registry:catalog:*")
    assert answer.status == 200, answer.body
    assert grants_of(answer.json()["token"]) == {}
    assert not stack.lists_everything(owner)
    assert stack.ask_token(User(owner.name, "wrong"), "registry:catalog:*").status == 401
    assert "[anonymous]" in stack.ask_token(None, "registry:catalog:*").message
