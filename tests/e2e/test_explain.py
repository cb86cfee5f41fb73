"""`explain` on the command line gives the same decision, and the same reasons, as the endpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import NewStack, Publish
from harness.process import wait_until
from harness.stack import PROMISED_SECONDS, Stack, User
from test_identity_tokens import identity_token, refresh

# Rights on the project, certified or not, what is asked for, whether it exists, and the reason.
CASES = [
    ("READ,DOWNLOAD,CREATE,UPDATE", False, "pull,push", True, "not_certified"),
    ("READ,DOWNLOAD,CREATE", True, "pull,push", True, "no_update"),
    ("READ,DOWNLOAD,UPDATE", True, "pull,push", False, "no_create"),
    ("READ,UPDATE", True, "pull,push", True, "no_download"),
    ("READ", True, "pull", True, "no_download"),
    ("DOWNLOAD", True, "pull,push", True, "not_visible"),
    ("CREATE", True, "pull", True, "not_visible"),
    ("READ,DOWNLOAD,UPDATE", True, "delete", True, "no_delete"),
    ("READ,DOWNLOAD,UPDATE", True, "pull,push", True, None),
]


def explained(stack: Stack, user: User, *scopes: str) -> tuple[int, Any]:
    """Exit code and JSON."""
    outcome = stack.service.cli("--json", "explain", "--user", user.name, *scopes)
    return outcome.exit_code, json.loads(outcome.stdout)


@pytest.mark.parametrize("access, certified, actions, exists, reason", CASES)
def test_explain_agrees_with_what_the_endpoint_does(
    stack: Stack,
    project: str,
    publish: Publish,
    access: str,
    certified: bool,
    actions: str,
    exists: bool,
    reason: str | None,
) -> None:
    item = f"{project}/app"
    if exists:
        publish(item)
    user = stack.add_member(project, access, certified=certified)
    scope = f"repository:{item}:{actions}"
    exit_code, told = explained(stack, user, scope)
    answer = stack.ask_token(user, scope)
    assert told["user"] == user.name
    (one,) = told["scopes"]
    assert (one["type"], one["name"]) == ("repository", item)
    if reason is None:
        assert (exit_code, one["missing"], answer.status) == (0, [], 200)
        assert set(one["granted"]) == stack.granted(user, item, actions)
    else:
        assert (exit_code, answer.status) == (3, 401)
        assert not {"push", "delete"} & set(one["granted"])
        assert reason in [missing["reason"] for missing in one["missing"]]
        assert answer.message in [missing["message"] for missing in one["missing"]]
        assert f"[{reason}]" in answer.message


def test_explain_writes_sentences_for_people(stack: Stack, project: str) -> None:
    user = stack.add_member(project, "READ,CREATE", certified=False)
    outcome = stack.service.cli("explain", "--user", user.name, f"repository:{project}/app:pull,push")
    assert outcome.exit_code == 3
    assert "not_certified" in outcome.stdout
    assert "ask an administrator" in outcome.stdout


def test_explain_of_what_is_in_the_trash(stack: Stack, owner: User, project: str, publish: Publish) -> None:
    publish(f"{project}/app")
    stack.service.cli("trash", f"{project}/app").check()
    exit_code, told = explained(stack, owner, f"repository:{project}/app:pull")
    assert exit_code == 3
    assert told["scopes"][0]["missing"][0]["reason"] == "in_trash"


def test_explain_of_an_administrator_says_what_docker_and_podman_get(stack: Stack, project: str) -> None:
    administrator = stack.add_user("administrator", "--admin")
    scope = f"repository:{project}/new:pull,push"
    token = stack.add_token(administrator)
    ways = {
        ("--login", "docker"): refresh(stack, identity_token(stack, administrator), scope),
        ("--login", "password"): stack.ask_token(administrator, scope),
        ("--login", "token"): stack.ask_token(User("", token), scope),
    }
    for words, answer in ways.items():
        exit_code, told = explained(stack, administrator, *words, scope)
        assert (exit_code == 0) == (answer.status == 200) == (words[1] != "token"), words
        if answer.status != 200:
            assert answer.message in [missing["message"] for missing in told["scopes"][0]["missing"]]
    assert explained(stack, administrator, scope)[0] == 0, "docker, unless something else is said"


def test_explain_of_a_disabled_account_grants_nothing_at_all(stack: Stack, project: str) -> None:
    administrator = stack.add_user("administrator", "--admin")
    stack.service.cli("user", "disable", administrator.name).check()
    wait_until(lambda: stack.ask_token(administrator).status == 401, "it is refused", PROMISED_SECONDS)
    exit_code, told = explained(stack, administrator, f"repository:{project}/app:pull", "registry:catalog:*")
    assert exit_code == 3
    for scope in told["scopes"]:
        assert scope["granted"] == []
        (missing,) = scope["missing"]
        assert missing["message"] == stack.ask_token(administrator, "registry:catalog:*").message


def test_explain_says_that_the_registry_could_not_be_asked(new_stack: NewStack) -> None:
    stack = new_stack()
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    stack.registry.stop()
    exit_code, told = explained(stack, owner, f"repository:{project}/new:pull,push")
    assert exit_code == 3
    assert told["scopes"][0]["granted"] == []
    for missing in told["scopes"][0]["missing"]:
        assert missing["reason"] == "unavailable"
        assert "the registry cannot be asked" in missing["message"]


def test_explain_takes_the_scopes_and_the_project_only_of_a_token(stack: Stack, owner: User, project: str) -> None:
    scope = f"repository:{project}/new:pull,push"
    wrong = stack.service.cli("explain", "--user", owner.name, "--login", "docker", "--scopes", "download", scope)
    assert wrong.exit_code == 2
    assert "write --login token" in wrong.stderr
    _, told = explained(stack, owner, "--project", stack.add_project(owner), scope)
    assert {missing["reason"] for missing in told["scopes"][0]["missing"]} == {"token_scope"}


def test_explain_takes_the_scopes_of_a_token_into_account(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    scope = f"repository:{project}/app:pull,push"
    exit_code, told = explained(stack, owner, "--scopes", "download", scope)
    assert exit_code == 3
    assert told["scopes"][0]["granted"] == ["pull"]
    assert told["scopes"][0]["missing"][0]["reason"] == "token_scope"


def test_explain_of_an_unknown_user_fails_with_one_line(stack: Stack) -> None:
    outcome = stack.service.cli("explain", "--user", "nobody-of-this-name", "repository:syn1/app:pull")
    assert outcome.exit_code == 1
    assert len(outcome.stderr.strip().splitlines()) == 1
