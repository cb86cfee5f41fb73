"""CI jobs act for robot accounts by rule, without a stored secret. The issuer is a stub of GitHub's."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from functools import partial

import pytest

from conftest import NewNamedClient, running_stack
from harness.issuer import FakeIssuer
from harness.places import REPOSITORY as REPOSITORY_FOLDER
from harness.process import wait_until
from harness.service import Service
from harness.stack import PROMISED_SECONDS, Stack, User
from harness.trust import issuers, trust_stub

REPOSITORY = "repository_id=74 repository_owner_id=9 event_name=push"
NO_RULE = "is from a job that no rule allows to act for a robot account; ask an administrator for a rule"


def rule(robot: str, reference: str, claims: str = REPOSITORY) -> str:
    return f"{robot}: {claims} ref={reference}"


@pytest.fixture(scope="module")
def github() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer().start()
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest, github: FakeIssuer) -> Iterator[Stack]:
    """An installation with rules for three robots, of which one has no account."""
    rules = [
        rule("ci-main", "refs/heads/main"),
        rule("ci-tags", "refs/tags/v*"),
        rule("ci-none", "refs/heads/none"),
    ]
    section = trust_stub(github, types=["JWT"], workload="github", robots=rules)
    with running_stack("sqlite", request, **issuers(github=section)) as stack:
        yield stack


@pytest.fixture(scope="module")
def project(stack: Stack) -> str:
    """The project that both robots belong to; the one for tags may only read."""
    project = stack.add_project(stack.add_user("owner"))
    for name, access in {"ci-main": "READ,DOWNLOAD,CREATE,UPDATE", "ci-tags": "READ,DOWNLOAD"}.items():
        stack.service.cli("robot", "add", name, "--project", project, "--certified").check()
        stack.grant(project, name, access)
    return project


def job(github: FakeIssuer, **changes: object) -> User:
    """What a job gets of GitHub for the audience `registry`: no scope, no client, and typ JWT."""
    claims = {
        "sub": "repo:octo/app:ref:refs/heads/main",
        "repository": "octo/app",
        "repository_id": "74",
        "repository_owner_id": "9",
        "event_name": "push",
        "ref": "refs/heads/main",
        "scope": None,
        "client_id": None,
        **changes,
    }
    return User("job", github.sign(github.claims(**claims), {"typ": "JWT"}))


def test_a_job_pushes_as_its_robot_without_a_stored_secret(
    stack: Stack, project: str, github: FakeIssuer, new_client_named: NewNamedClient
) -> None:
    for name in ("docker", "skopeo", "buildx"):
        client = stack.login(partial(new_client_named, name), job(github))
        client.push(stack.reference(f"{project}/{name}"), f"by a job with {name}").check()
        client.pull(stack.reference(f"{project}/{name}")).check()


def documented(kind: str, beginning: str) -> list[str]:
    """The lines of docs/CI.md's blocks of this kind from the one that begins so to its block's end."""
    page = (REPOSITORY_FOLDER / "docs" / "CI.md").read_text()
    blocks = [block.split("```")[0] for block in page.split(f"```{kind}\n")[1:]]
    (lines,) = [block[block.index(beginning) :].splitlines() for block in blocks if beginning in block]
    return lines


def test_the_documented_commands_let_a_job_make_the_first_push(
    request: pytest.FixtureRequest, github: FakeIssuer, new_client_named: NewNamedClient
) -> None:
    section = tomllib.loads("\n".join(documented("toml", "[login.issuer.github]")))["login"]["issuer"]["github"]
    section |= trust_stub(github)
    with running_stack("sqlite", request, **issuers(github=section)) as stack:
        project = stack.add_project(stack.add_user("owner"))
        commands = documented("sh", "auth-service robot add ci-tool")
        assert len(commands) == 2
        for command in commands:
            words = command.split("#")[0].replace("syn123", project).split()
            stack.service.cli(*words[1:]).check()
        of_main = job(github, repository_id="123456", repository_owner_id="7890")
        for name in ("docker", "podman"):
            client = stack.login(partial(new_client_named, name), of_main)
            image = stack.reference(f"{project}/tool-{name}")
            client.push(image, "the first").check()
            client.push(image, "the second").check()
            client.pull(image).check()


def test_a_robot_has_rights_in_its_own_project_only(
    stack: Stack, project: str, github: FakeIssuer
) -> None:
    other = stack.add_project(stack.add_user("other"))
    refused = stack.service.cli("grant", other, "ci-main", "READ,DOWNLOAD")
    assert refused.exit_code == 1
    assert f"this is a robot account of {project}, and can be given rights there only" in refused.stderr
    stack.service.cli("team", "add", "crew").check()
    stack.service.cli("team", "join", "crew", "ci-main").check()
    for principal in ("crew", "AUTHENTICATED_USERS"):
        stack.grant(other, principal, "READ,DOWNLOAD,CREATE")
    answer = stack.ask_token(job(github), f"repository:{other}/new:pull,push")
    assert answer.status == 401
    assert f"this robot account works in {project} only; use a robot account of {other} [token_scope]" in answer.message
    assert stack.granted(job(github), f"{project}/new", "pull,push") == {"pull", "push"}


def test_the_rule_that_matches_says_which_robot_it_is(stack: Stack, project: str, github: FakeIssuer) -> None:
    item = f"{project}/new"
    tagged = job(github, ref="refs/tags/v1.2")
    assert stack.granted(job(github), item, "pull,push") == {"pull", "push"}
    assert stack.granted(tagged, item, "pull,push") == set(), "that robot may not create"
    assert stack.granted(job(github, repository_id=74), item, "pull") == {"pull"}, "digits are digits"


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/heads/other"},
        {"ref": "refs/heads/main2"},
        {"ref": "refs/heads/Main"},
        {"ref": None},
        {"event_name": "pull_request"},
        {"event_name": "pull_request_target"},
        {"repository_id": "75"},
        {"repository_id": "740"},
        {"repository_id": ["74"]},
        {"repository_owner_id": "10"},
    ],
    ids=str,
)
def test_another_job_reads_that_no_rule_matches_it(
    stack: Stack, project: str, github: FakeIssuer, changes: dict[str, object]
) -> None:
    answer = stack.ask_token(job(github, **changes), f"repository:{project}/new:pull,push")
    assert answer.status == 401
    assert NO_RULE in answer.message


def test_docker_prints_why_a_job_is_refused(
    stack: Stack, github: FakeIssuer, new_client_named: NewNamedClient
) -> None:
    refused = new_client_named("docker").login(
        stack.host, "job", job(github, ref="refs/pull/7/merge").password
    )
    assert not refused.succeeded
    assert NO_RULE in refused.text


def test_a_rule_for_a_robot_that_does_not_exist_admits_nobody(stack: Stack, github: FakeIssuer) -> None:
    answer = stack.ask_token(job(github, ref="refs/heads/none"))
    assert answer.status == 401
    assert (
        "the robot account for this job does not exist; ask an administrator to create it" in answer.message
    )
    person = stack.add_user("person")
    linking = stack.service.cli("user", "link", person.name, "github", "repo:octo/app:ref:refs/heads/main")
    assert "act for robot accounts only, by login.issuer.github.robots" in linking.stderr


def test_an_account_that_a_person_has_is_no_robot(stack: Stack, github: FakeIssuer) -> None:
    """Otherwise a user who makes an account of the robot's name first would have the job's images."""
    add = ("user", "add", "ci-none", "--email", "ci-none@example.org", "--certified", "--password-stdin")
    stack.service.cli(*add, stdin="robots have none").check()
    wait_until(lambda: stack.ask_token(User("ci-none", "robots have none")).status == 200, "it is there", 2)
    assert stack.ask_token(job(github, ref="refs/heads/none")).status == 401
    stack.service.cli("user", "remove", "ci-none").check()


def test_a_disabled_robot_is_out_within_a_second(stack: Stack, project: str, github: FakeIssuer) -> None:
    assert stack.granted(job(github), f"{project}/new", "pull,push") == {"pull", "push"}
    stack.service.cli("user", "disable", "ci-main").check()
    wait_until(lambda: stack.ask_token(job(github)).status == 401, "it is refused", PROMISED_SECONDS)
    stack.service.cli("user", "enable", "ci-main").check()
    wait_until(lambda: stack.ask_token(job(github)).status == 200, "it is back", PROMISED_SECONDS)


def test_nobody_logs_in_to_a_robot_with_a_password(stack: Stack, project: str) -> None:
    assert stack.ask_token(User("ci-main", "")).status == 401
    assert stack.ask_token(User("ci-main", project)).status == 401


def test_the_check_of_the_configuration_refuses_loose_and_overlapping_rules(
    stack: Stack,
) -> None:
    settings = deepcopy(stack.settings)
    loose = rule("ci-main", "refs/heads/main", "repository=octo/app")
    settings["login.issuer.github"]["robots"] = [
        loose,
        rule("ci-tags", "refs/tags/v*"),
        rule("ci-all", "refs/tags/*"),
    ]
    outcome = Service(stack.folder, settings, "loose").cli("config", "check")
    assert outcome.exit_code == 2
    assert "is loose: it lacks repository_id in digits" in outcome.stderr
    assert "are overlapping: one token could match both" in outcome.stderr


def test_the_check_of_the_configuration_refuses_a_robot_that_cannot_be(stack: Stack) -> None:
    settings = deepcopy(stack.settings)
    settings["login.issuer.github"]["robots"] = [rule("123", "refs/heads/main")]
    outcome = Service(stack.folder, settings, "no-robot").cli("config", "check")
    assert outcome.exit_code == 2
    assert "this name is reserved" in outcome.stderr
