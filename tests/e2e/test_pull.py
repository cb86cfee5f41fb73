"""Pulling with each stock client: by whom, through which grant, and what the others read."""

from __future__ import annotations

import pytest

from conftest import NewClient, NewNamedClient, Publish
from harness.stack import Stack, User


def test_a_member_with_download_permission_pulls(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    digest = publish(f"{project}/app")
    user = stack.add_member(project, "READ,DOWNLOAD", certified=False)
    pulled = stack.login(new_client, user).pull(stack.reference(f"{project}/app")).check()
    assert pulled.digest == digest
    assert stack.granted(user, f"{project}/app", "pull") == {"pull"}


def test_a_member_without_download_permission_reads_what_is_missing(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    publish(f"{project}/app")
    user = stack.add_member(project, "READ")
    pulled = stack.login(new_client, user).pull(stack.reference(f"{project}/app"))
    assert not pulled.succeeded
    assert "[no_download]" in pulled.text
    assert "ask an administrator for DOWNLOAD on " in pulled.text
    assert stack.granted(user, f"{project}/app", "pull") == set()


def test_a_stranger_reads_the_same_whether_it_exists_or_not(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    publish(f"{project}/app")
    client = stack.login(new_client, stack.add_user("stranger"))
    existing = client.pull(stack.reference(f"{project}/app"))
    missing = client.pull(stack.reference(f"{project}/xyz"))
    assert "[not_visible]" in existing.text
    assert "[not_visible]" in missing.text
    assert existing.outcome.exit_code == missing.outcome.exit_code != 0


def test_the_whole_answer_to_a_stranger_is_the_same_for_anything_hidden(
    stack: Stack, project: str, publish: Publish
) -> None:
    """Existing, missing and in the trash differ in nothing but the name that was asked for."""
    publish(f"{project}/app1")
    publish(f"{project}/app2")
    stack.service.cli("trash", f"{project}/app2").check()
    stranger = stack.add_user("stranger")
    answers = []
    for name in ("app1", "app2", "app3"):
        answer = stack.ask_token(stranger, f"repository:{project}/{name}:pull,push")
        headers = {key: value for key, value in answer.headers.items() if key not in ("date", "x-request-id")}
        body = answer.body.replace(name.encode(), b"NAME")
        answers.append((answer.status, answer.reason.replace(name, "NAME"), headers, body))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401


@pytest.mark.parametrize("principal", ["a team", "AUTHENTICATED_USERS"])
def test_a_grant_to_a_group_reaches_its_members(
    stack: Stack, project: str, publish: Publish, principal: str
) -> None:
    publish(f"{project}/app")
    user = stack.add_user("member", certified=False)
    if principal == "a team":
        principal = f"team-of-{user.name}"
        stack.service.cli("team", "add", principal).check()
        stack.service.cli("team", "join", principal, user.name).check()
    assert stack.granted(user, f"{project}/app", "pull") == set()
    stack.grant(project, principal, "READ,DOWNLOAD")
    stack.wait_for_grant(user, f"{project}/app", "pull", {"pull"})


def test_a_user_who_leaves_the_team_loses_its_permissions(stack: Stack, project: str, publish: Publish) -> None:
    publish(f"{project}/app")
    user = stack.add_user("member", certified=False)
    team = f"team-of-{user.name}"
    stack.service.cli("team", "add", team).check()
    stack.service.cli("team", "join", team, user.name).check()
    stack.grant(project, team, "READ,DOWNLOAD")
    stack.wait_for_grant(user, f"{project}/app", "pull", {"pull"})
    stack.service.cli("team", "leave", team, user.name).check()
    stack.wait_for_grant(user, f"{project}/app", "pull", set())


def test_an_administrator_may_pull_everything(stack: Stack, project: str, publish: Publish) -> None:
    publish(f"{project}/app")
    administrator = stack.add_user("administrator", "--admin")
    assert stack.granted(administrator, f"{project}/app", "*") == {"pull", "push", "delete"}


def test_open_data_needs_only_read_permission(stack: Stack, project: str, publish: Publish) -> None:
    publish(f"{project}/app")
    user = stack.add_member(project, "READ", certified=False)
    assert stack.granted(user, f"{project}/app", "pull") == set()
    stack.service.cli("open-data", project, "on").check()
    stack.wait_for_grant(user, f"{project}/app", "pull", {"pull"})


def test_the_catalogue_is_for_administrators(
    stack: Stack, owner: User, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    publish(f"{project}/app")
    administrator = stack.login(lambda: new_client_named("crane"), stack.add_user("administrator", "--admin"))
    listed = administrator.run("catalog", stack.host)
    assert f"{project}/app" in listed.check().text
    refused = stack.login(lambda: new_client_named("crane"), owner).run("catalog", stack.host)
    assert not refused.succeeded
    assert project not in refused.text
