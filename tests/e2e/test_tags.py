"""Tags move; a digest stays what it was."""

from __future__ import annotations

from conftest import NewClient, NewNamedClient
from harness.stack import Stack, User


def test_a_pull_by_digest_gets_the_old_image_after_the_tag_moved(
    stack: Stack, owner: User, project: str, new_client: NewClient
) -> None:
    item = f"{project}/moving"
    client = stack.login(new_client, owner)
    old = client.push(stack.reference(item), "the old image").check().digest
    stack.wait_for_tag(item, "v1", old)
    new = client.push(stack.reference(item), "the new image").check().digest
    assert old != new
    stack.wait_for_tag(item, "v1", new)
    assert client.pull(stack.reference(item, old)).check().digest == old
    assert client.pull(stack.reference(item, "v1")).check().digest == new


def test_each_tag_is_listed_with_the_digest_it_points_to_now(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/many"
    client = stack.login(lambda: new_client_named("crane"), owner)
    pushed = {
        tag: client.push(stack.reference(item, tag), f"image {tag}").check().digest for tag in ("a", "b", "c")
    }
    pushed["b"] = client.push(stack.reference(item, "b"), "image b, moved").check().digest
    for tag, digest in pushed.items():
        stack.wait_for_tag(item, tag, digest)
    assert stack.tags(item) == pushed


def test_the_same_image_pushed_again_changes_nothing(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/again"
    client = stack.login(lambda: new_client_named("crane"), owner)
    first = client.push(stack.reference(item), "once and again").check().digest
    second = client.push(stack.reference(item), "once and again").check().digest
    assert first == second
    stack.wait_for_tag(item, "v1", first)
    assert stack.tags(item) == {"v1": first}


def test_the_repositories_of_a_project_are_listed(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    client = stack.login(lambda: new_client_named("crane"), owner)
    for name in ("one", "two/deep"):
        digest = client.push(stack.reference(f"{project}/{name}"), name).check().digest
        stack.wait_for_tag(f"{project}/{name}", "v1", digest)
    listed = stack.service.cli_json("repository", "list", project)
    names = sorted(row["repositoryName"] for row in listed)
    assert names == [f"{stack.host}/{project}/one", f"{stack.host}/{project}/two/deep"]


def test_tags_of_attachments_are_left_out_of_the_list_and_the_help_says_so(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/signed"
    client = stack.login(lambda: new_client_named("crane"), owner)
    attachment = f"sha256-{'0' * 64}.sig"
    client.push(stack.reference(item, attachment), "a signature").check()
    digest = client.push(stack.reference(item), "what is signed").check().digest
    stack.wait_for_tag(item, "v1", digest)
    assert attachment in client.run("ls", f"{stack.host}/{item}").check().stdout
    assert stack.tags(item) == {"v1": digest}
    assert "sha256-" in stack.service.cli("repository", "tags", "--help").stdout
