"""What the command line changes holds in running servers within one second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import NewStack, Publish
from harness.process import wait_until
from harness.service import Service
from harness.stack import PROMISED_SECONDS, Stack, User, grants_of


def test_a_grant_and_its_revocation_hold_within_a_second(
    stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    user = stack.add_user("user", certified=False)
    assert stack.granted(user, item, "pull") == set()
    stack.grant(project, user, "READ,DOWNLOAD")
    stack.wait_for_grant(user, item, "pull", {"pull"})
    stack.service.cli("revoke", project, user.name, "DOWNLOAD").check()
    stack.wait_for_grant(user, item, "pull", set())


def test_certification_holds_within_a_second(stack: Stack, project: str) -> None:
    item = f"{project}/new"
    user = stack.add_member(project, "READ,CREATE", certified=False)
    assert stack.granted(user, item, "pull,push") == set()
    stack.service.cli("user", "certify", user.name).check()
    stack.wait_for_grant(user, item, "pull,push", {"pull", "push"})
    stack.service.cli("user", "uncertify", user.name).check()
    stack.wait_for_grant(user, item, "pull,push", set())


def test_a_disabled_user_is_out_within_a_second(stack: Stack, owner: User) -> None:
    assert stack.ask_token(owner).status == 200
    stack.service.cli("user", "disable", owner.name).check()
    wait_until(lambda: stack.ask_token(owner).status == 401, "the login is refused", PROMISED_SECONDS)


def test_a_demoted_administrator_has_ordinary_rights_within_a_second(
    stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    user = stack.add_user("administrator", "--admin")
    stack.add_user("administrator", "--admin")
    assert stack.granted(user, item, "pull") == {"pull"}
    stack.service.cli("user", "demote", user.name).check()
    stack.wait_for_grant(user, item, "pull", set())


def test_the_trash_closes_within_a_second(stack: Stack, owner: User, project: str, publish: Publish) -> None:
    item = f"{project}/app"
    publish(item)
    assert stack.granted(owner, item, "pull") == {"pull"}
    stack.service.cli("trash", item).check()
    stack.wait_for_grant(owner, item, "pull", set())


@pytest.fixture
def two_processes(new_stack: NewStack) -> Iterator[tuple[Stack, Service]]:
    """Two servers on one PostgreSQL database, as two replicas run."""
    stack = new_stack("postgresql")
    sibling = stack.service.sibling()
    sibling.serve()
    yield stack, sibling
    sibling.stop()


def test_two_processes_on_one_database_see_each_others_changes(two_processes: tuple[Stack, Service]) -> None:
    stack, sibling = two_processes
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    reader = stack.add_member(project, "READ,DOWNLOAD")
    item = f"{project}/app"

    def granted_by(service: Service, actions: str, user: User = owner) -> set[str]:
        answer = stack.ask_token(user, f"repository:{item}:{actions}", service=service)
        return grants_of(answer.json()["token"]).get(item, set()) if answer.status == 200 else set()

    assert granted_by(sibling, "pull", reader) == set()
    assert granted_by(stack.service, "pull,push") == {"pull", "push"}
    wait_until(
        lambda: granted_by(sibling, "pull", reader) == {"pull"},
        "the other sees the reservation",
        PROMISED_SECONDS,
    )
    sibling.cli("user", "uncertify", owner.name).check()
    wait_until(lambda: granted_by(stack.service, "pull,push") == set(), "the one refuses", PROMISED_SECONDS)
    wait_until(lambda: granted_by(sibling, "pull,push") == set(), "the other refuses", PROMISED_SECONDS)
    sibling.cli("key", "rotate").check()
    assert registry_accepts(stack, owner, stack.service)
    assert registry_accepts(stack, owner, sibling)


def registry_accepts(stack: Stack, user: User, service: Service) -> bool:
    token = stack.ask_token(user, service=service).json()["token"]
    return stack.registry.ask("GET", "/v2/", token).status == 200
