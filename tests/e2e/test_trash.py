"""The trash can closes a repository, or a whole project, to everybody until it is restored."""

from __future__ import annotations

import pytest

from conftest import NewClient, Publish
from harness.stack import Stack, User


@pytest.mark.parametrize("what", ["repository", "project"])
def test_nobody_pulls_or_pushes_what_is_in_the_trash(
    stack: Stack, owner: User, project: str, publish: Publish, new_client: NewClient, what: str
) -> None:
    item = f"{project}/app"
    digest = publish(item)
    client = stack.login(new_client, owner)
    stack.service.cli("trash", item if what == "repository" else project).check()
    stack.wait_for_grant(owner, item, "pull", set())
    pulled = client.pull(stack.reference(item))
    pushed = client.push(stack.reference(item), "into the trash")
    for refused in (pulled, pushed):
        assert not refused.succeeded
        assert "[in_trash]" in refused.text
        assert "ask an administrator to restore it" in refused.text
    stack.service.cli("restore", item if what == "repository" else project).check()
    stack.wait_for_grant(owner, item, "pull", {"pull"})
    assert client.pull(stack.reference(item)).check().digest == digest


def test_not_even_an_administrator_pulls_from_the_trash(stack: Stack, project: str, publish: Publish) -> None:
    publish(f"{project}/app")
    administrator = stack.add_user("administrator", "--admin")
    stack.service.cli("trash", f"{project}/app").check()
    stack.wait_for_grant(administrator, f"{project}/app", "pull", set())
    stack.wait_for_grant(administrator, f"{project}/app", "*", set())


def test_nothing_new_is_pushed_into_a_project_in_the_trash(stack: Stack, owner: User, project: str) -> None:
    stack.service.cli("trash", project).check()
    stack.wait_for_grant(owner, f"{project}/new", "pull,push", set())
    refused = stack.ask_token(owner, f"repository:{project}/new:pull,push")
    assert refused.status == 401
    assert "[in_trash]" in refused.message


def test_callers_without_read_do_not_learn_that_it_is_in_the_trash(
    stack: Stack, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    stack.service.cli("trash", f"{project}/app").check()
    refused = stack.ask_token(stack.add_user("stranger"), f"repository:{project}/app:pull")
    assert "[not_visible]" in refused.message


def test_a_restored_repository_has_its_local_sharing_again(
    stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    member = stack.add_member(project, "READ,DOWNLOAD")
    guest = stack.add_user("guest")
    stack.service.cli("sharing", item, "--local").check()
    stack.service.cli("revoke", item, member.name).check()
    stack.grant(item, guest, "READ,DOWNLOAD")
    stack.service.cli("trash", item).check()
    stack.service.cli("restore", item).check()
    stack.wait_for_grant(member, item, "pull", set())
    stack.wait_for_grant(guest, item, "pull", {"pull"})


def test_the_tags_are_there_again_after_a_restore(stack: Stack, project: str, publish: Publish) -> None:
    item = f"{project}/app"
    digest = publish(item)
    stack.service.cli("trash", item).check()
    stack.service.cli("restore", item).check()
    assert stack.tags(item) == {"v1": digest}


def test_only_the_repository_in_the_trash_is_closed(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/thrown-away")
    publish(f"{project}/kept")
    stack.service.cli("trash", f"{project}/thrown-away").check()
    stack.wait_for_grant(owner, f"{project}/kept", "pull,push", {"pull", "push"})
