"""Pushing with each stock client: who may, and what the others read on their terminal."""

from __future__ import annotations

from conftest import NewClient, NewNamedClient, Publish
from harness.client import Transfer
from harness.stack import Stack, User


def digest_in_registry(stack: Stack, user: User, item: str, tag: str) -> str:
    """What the registry itself says that a tag points to."""
    token = stack.token(user, f"repository:{item}:pull")
    head = stack.registry.ask("HEAD", f"/v2/{item}/manifests/{tag}", token)
    assert head.status == 200
    return head.headers["docker-content-digest"]


def assert_refused(stack: Stack, pushed: Transfer, item: str, reason: str, sentence: str) -> None:
    """The terminal says why, with the code to search for, and nothing is on record."""
    assert not pushed.succeeded
    assert f"[{reason}]" in pushed.text
    assert sentence in pushed.text


def test_a_certified_owner_pushes_and_the_tag_is_on_record(
    stack: Stack, owner: User, project: str, new_client: NewClient
) -> None:
    item = f"{project}/{new_client().name}"
    client = stack.login(new_client, owner)
    pushed = client.push(stack.reference(item), f"first push to {item}").check()
    assert pushed.digest == digest_in_registry(stack, owner, item, "v1")
    stack.wait_for_tag(item, "v1", pushed.digest)
    assert stack.granted(owner, item, "pull,push") == {"pull", "push"}


def test_a_push_without_a_tag_is_recorded_as_latest(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/a/name/with/slashes"
    client = stack.login(lambda: new_client_named("docker"), owner)
    pushed = client.push(f"{stack.host}/{item}", "without a tag").check()
    stack.wait_for_tag(item, "latest", pushed.digest)


def test_a_push_by_an_uncertified_user_says_why_on_the_terminal(
    stack: Stack, project: str, new_client: NewClient
) -> None:
    item = f"{project}/app"
    user = stack.add_member(project, "READ,DOWNLOAD,CREATE,UPDATE", certified=False)
    pushed = stack.login(new_client, user).push(stack.reference(item), "by an uncertified user")
    assert_refused(stack, pushed, item, "not_certified", "ask an administrator to certify your account")
    assert stack.granted(user, item, "pull,push") == set()
    assert stack.tags(item) == {}


def test_a_push_to_an_existing_repository_needs_edit_permission(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    item = f"{project}/app"
    digest = publish(item)
    user = stack.add_member(project, "READ,DOWNLOAD,CREATE")
    pushed = stack.login(new_client, user).push(stack.reference(item), "without UPDATE")
    assert_refused(stack, pushed, item, "no_update", "ask an administrator for UPDATE on ")
    assert stack.granted(user, item, "pull,push") == set()
    assert stack.granted(user, item, "pull") == {"pull"}
    assert stack.tags(item) == {"v1": digest}


def test_a_push_of_a_new_repository_needs_create_on_the_project(
    stack: Stack, project: str, new_client: NewClient
) -> None:
    item = f"{project}/brand-new"
    user = stack.add_member(project, "READ,DOWNLOAD,UPDATE")
    pushed = stack.login(new_client, user).push(stack.reference(item), "without CREATE")
    assert_refused(stack, pushed, item, "no_create", "ask an administrator for CREATE on ")
    assert stack.tags(item) == {}


def test_a_push_with_edit_but_no_download_permission_says_that_both_are_needed(
    stack: Stack, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/app"
    publish(item)
    user = stack.add_member(project, "READ,UPDATE")
    client = stack.login(lambda: new_client_named("docker"), user)
    pushed = client.push(stack.reference(item), "without DOWNLOAD")
    assert_refused(stack, pushed, item, "no_download", "a push also reads")


def test_buildx_pushes_what_it_builds(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    client = stack.login(lambda: new_client_named("buildx"), owner)
    pushed = client.push(stack.reference(f"{project}/built"), "built and pushed").check()
    stack.wait_for_tag(f"{project}/built", "v1", pushed.digest)
    client.pull(stack.reference(f"{project}/built")).outcome.check()


def test_buildx_shows_why_a_push_is_refused(
    stack: Stack, project: str, new_client_named: NewNamedClient
) -> None:
    user = stack.add_member(project, "READ,CREATE", certified=False)
    client = stack.login(lambda: new_client_named("buildx"), user)
    pushed = client.push(stack.reference(f"{project}/built"), "by an uncertified user")
    assert_refused(stack, pushed, f"{project}/built", "not_certified", "ask an administrator")


def test_a_push_outside_any_project_explains_how_names_are_made(
    stack: Stack, owner: User, new_client: NewClient
) -> None:
    pushed = stack.login(new_client, owner).push(f"{stack.host}/library/app:v1", "outside of projects")
    assert not pushed.succeeded
    assert "[bad_name]" in pushed.text
    assert f"{stack.host}/syn<number>/<name>" in pushed.text
