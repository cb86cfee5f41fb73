"""Local sharing of a repository replaces what its project gives: it can open and it can close."""

from __future__ import annotations

from conftest import NewClient, Publish
from harness.stack import Stack, User


def test_local_sharing_opens_one_repository(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    publish(f"{project}/open")
    publish(f"{project}/closed")
    guest = stack.add_user("guest", certified=False)
    stack.service.cli("sharing", f"{project}/open", "--local").check()
    stack.grant(f"{project}/open", guest, "READ,DOWNLOAD")
    client = stack.login(new_client, guest)
    client.pull(stack.reference(f"{project}/open")).check()
    refused = client.pull(stack.reference(f"{project}/closed"))
    assert not refused.succeeded
    assert "[not_visible]" in refused.text


def test_local_sharing_closes_one_repository(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    publish(f"{project}/open")
    publish(f"{project}/closed")
    member = stack.add_member(project, "READ,DOWNLOAD")
    stack.service.cli("sharing", f"{project}/closed", "--local").check()
    stack.service.cli("revoke", f"{project}/closed", member.name).check()
    client = stack.login(new_client, member)
    client.pull(stack.reference(f"{project}/open")).check()
    refused = client.pull(stack.reference(f"{project}/closed"))
    assert not refused.succeeded
    assert "[not_visible]" in refused.text


def test_dropping_local_sharing_brings_back_what_the_project_gives(
    stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    member = stack.add_member(project, "READ,DOWNLOAD")
    stack.service.cli("sharing", item, "--local").check()
    stack.service.cli("revoke", item, member.name, "DOWNLOAD").check()
    stack.wait_for_grant(member, item, "pull", set())
    stack.service.cli("sharing", item, "--inherit").check()
    stack.wait_for_grant(member, item, "pull", {"pull"})


def test_a_grant_on_the_project_does_not_reach_a_repository_with_local_sharing(
    stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    stack.service.cli("sharing", item, "--local").check()
    member = stack.add_member(project, "READ,DOWNLOAD")
    stack.wait_for_grant(member, item, "pull", set())


def test_an_editor_of_one_repository_may_not_push_another(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/mine")
    publish(f"{project}/theirs")
    editor = stack.add_member(project, "READ,DOWNLOAD")
    stack.service.cli("sharing", f"{project}/mine", "--local").check()
    stack.grant(f"{project}/mine", editor, "READ,DOWNLOAD,UPDATE")
    stack.wait_for_grant(editor, f"{project}/mine", "pull,push", {"pull", "push"})
    stack.wait_for_grant(editor, f"{project}/theirs", "pull,push", set())
    stack.wait_for_grant(owner, f"{project}/mine", "pull,push", {"pull", "push"})
