"""Projects, repositories and tags through the REST interface: what is shown, and what is not told."""

from __future__ import annotations

import pytest

from conftest import Publish
from harness.process import wait_until
from harness.rest import call, reason
from harness.stack import PROMISED_SECONDS, Stack, User

RIGHTS = {
    "canView", "canEdit", "canMove", "canAddChild", "canCertifiedUserEdit", "canCertifiedUserAddChild",
    "isCertifiedUser", "canChangePermissions", "canChangeSettings", "canDelete", "canDownload", "canUpload",
    "canEnableInheritance", "canPublicRead", "canModerate", "isCertificationRequired", "isEntityOpenData",
}  # fmt: skip
NOWHERE = "syn1999999"


def entity(item: str, *rest: str) -> str:
    return "/".join(("/repo/v1/entity", item, *rest))


def number_of(stack: Stack, name: str) -> str:
    """The number of a repository."""
    rows = stack.service.cli_json("repository", "list", name.split("/")[0])
    return next(str(row["id"]) for row in rows if row["name"] == name)


def rights(stack: Stack, item: str, token: str | None) -> set[str]:
    answer = call(stack, "GET", entity(item, "permissions"), token)
    assert answer.status == 200, answer
    body = answer.json()
    assert isinstance(body.pop("ownerPrincipalId"), int)
    assert set(body) == RIGHTS
    assert all(isinstance(value, bool) for value in body.values())
    return {name for name, value in body.items() if value}


def test_a_project_and_a_repository_are_described(stack: Stack, owner: User, project: str, publish: Publish) -> None:
    publish(f"{project}/deep/app")
    token = stack.add_token(owner, "--scope", "view")
    repository = number_of(stack, f"{project}/deep/app")
    for spelling in (project, project.upper(), project.removeprefix("syn")):
        found = call(stack, "GET", entity(spelling), token).json()
        assert found["id"] == project
        assert found["concreteType"] == "org.sagebionetworks.repo.model.Project"
        assert found["parentId"] == "syn4489"
        assert "repositoryName" not in found
    found = call(stack, "GET", entity(repository), token).json()
    assert (found["id"], found["name"], found["parentId"]) == (repository, repository, project)
    assert found["concreteType"] == "org.sagebionetworks.repo.model.docker.DockerRepository"
    assert (found["repositoryName"], found["isManaged"]) == (f"{stack.host}/{project}/deep/app", True)
    assert found["createdOn"].endswith("Z")
    owner_id = call(stack, "GET", "/repo/v1/userProfile", token).json()["ownerId"]
    assert found["createdBy"] == owner_id


def test_permissions_are_those_of_the_caller(stack: Stack, owner: User, project: str, publish: Publish) -> None:
    publish(f"{project}/app")
    repository = number_of(stack, f"{project}/app")
    everything = RIGHTS - {"canPublicRead", "isEntityOpenData", "canEnableInheritance"}
    assert rights(stack, project, stack.add_token(owner)) == everything
    assert rights(stack, repository, stack.add_token(owner)) == everything | {"canEnableInheritance"}
    reader = stack.add_member(project, "READ", certified=False)
    for item in (project, repository):
        seen = rights(stack, item, stack.add_token(reader))
        assert seen == {"canView", "canUpload", "isCertificationRequired"}
    stack.grant(project, reader, "UPDATE,DOWNLOAD")
    seen = rights(stack, repository, stack.add_token(reader))
    assert {"canDownload", "canCertifiedUserEdit"} <= seen
    assert not {"canEdit", "isCertifiedUser"} & seen, "only certified users may push"
    assert "canDownload" not in rights(stack, repository, stack.add_token(reader, "--scope", "view"))
    administrator = stack.add_user("administrator", "--admin")
    with_admin = stack.add_token(administrator, "--scope", "view,download,modify,admin")
    assert everything <= rights(stack, repository, with_admin)


def test_a_caller_who_may_not_see_an_item_reads_the_same_as_for_a_missing_one(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    publish(f"{project}/closed")
    stack.service.cli("sharing", f"{project}/closed", "--local").check()
    shown, closed = number_of(stack, f"{project}/app"), number_of(stack, f"{project}/closed")
    guest = stack.add_user("guest")
    reader = stack.add_member(project, "READ")
    elsewhere = stack.add_project(owner)
    tokens = {
        "a stranger": (stack.add_token(guest), 404, [project, shown, closed]),
        "a reader of the project": (stack.add_token(reader), 404, [closed]),
        "a token of another project": (stack.add_token(owner, "--project", elsewhere), 404, [project, shown]),
        "an administrator's usual token": (stack.add_token(stack.add_user("ada", "--admin")), 404, [project]),
        "nobody": (None, 401, [project, shown, closed]),
    }
    for who, (token, status, hidden) in tokens.items():
        for path in ((), ("permissions",), ("dockerTag",)):
            nothing = call(stack, "GET", entity(NOWHERE, *path), token)
            assert nothing.status == status, who
            assert status == 401 or "[not_visible]" in reason(nothing)
            for item in hidden:
                refused = call(stack, "GET", entity(item, *path), token)
                assert refused.status == status, who
                assert reason(refused).replace(item, NOWHERE) == reason(nothing), who
    for nonsense in ("abc", "syn", "syn007", f"{project}.1", "-1", "9" * 30):
        assert call(stack, "GET", entity(nonsense), stack.add_token(owner)).status == 404


def test_the_trash_is_shown_to_callers_who_may_see_it(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    repository, token = number_of(stack, f"{project}/app"), stack.add_token(owner)
    stranger = stack.add_token(stack.add_user("guest"))
    stack.service.cli("trash", f"{project}/app").check()
    refused = call(stack, "GET", entity(repository), token)
    assert refused.status == 404
    assert f"Entity {repository} is in trash can." in reason(refused)
    assert "[not_visible]" in reason(call(stack, "GET", entity(repository), stranger))
    stack.service.cli("restore", f"{project}/app").check()
    assert call(stack, "GET", entity(repository), token).status == 200


def test_what_is_shared_with_everybody_is_shown_without_a_login(
    stack: Stack, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    stack.grant(project, "PUBLIC", "READ")
    wait_until(
        lambda: call(stack, "GET", entity(project)).status == 200, "the project is public", PROMISED_SECONDS
    )
    assert rights(stack, project, None) == {"canView", "canPublicRead", "isCertificationRequired"}
    assert call(stack, "GET", entity(number_of(stack, f"{project}/app"), "dockerTag")).status == 200


def test_tags_are_listed_in_parts_and_in_the_order_asked_for(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    digests = {tag: publish(f"{project}/app", f"image {tag}", tag) for tag in ("b", "V1", "v1", "a")}
    repository, token = number_of(stack, f"{project}/app"), stack.add_token(owner)

    def tags(query: str = "") -> list[str]:
        body = call(stack, "GET", entity(repository, "dockerTag") + query, token).json()
        assert body["totalNumberOfResults"] == 4
        assert all(digests[row["tag"]] == row["digest"] for row in body["results"])
        assert all(row["createdOn"].endswith("Z") for row in body["results"])
        return [row["tag"] for row in body["results"]]

    assert tags() == ["a", "v1", "V1", "b"], "the latest first"
    assert tags("?ascending=true") == ["b", "V1", "v1", "a"]
    assert tags("?sort=TAG&ascending=true") == tags("?sortBy=TAG&ascending=true") == ["V1", "a", "b", "v1"]
    assert tags("?limit=2&offset=1") == ["v1", "V1"]
    assert tags("?offset=1000000") == []
    for nonsense in ("limit=0", "limit=101", "limit=x", "offset=-1", "sort=SIZE", "ascending=2"):
        refused = call(stack, "GET", entity(repository, "dockerTag") + "?" + nonsense, token)
        assert refused.status == 400, nonsense
    assert call(stack, "GET", entity(project, "dockerTag"), token).status == 400


@pytest.mark.parametrize("path", [(), ("permissions",), ("dockerTag",)])
def test_a_change_of_rights_holds_for_the_next_second(
    stack: Stack, project: str, publish: Publish, path: tuple[str, ...]
) -> None:
    publish(f"{project}/app")
    reader = stack.add_member(project, "READ")
    repository, token = number_of(stack, f"{project}/app"), stack.add_token(reader)
    assert call(stack, "GET", entity(repository, *path), token).status == 200
    stack.service.cli("revoke", project, reader.name).check()
    wait_until(
        lambda: call(stack, "GET", entity(repository, *path), token).status == 404,
        "the right is gone",
        PROMISED_SECONDS,
    )
