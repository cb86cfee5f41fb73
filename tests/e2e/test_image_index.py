"""An image index (one name, several processors) is pushed, recorded and pulled like an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import NewClient, NewNamedClient
from harness.docker_clients import Buildx
from harness.images import OciLayout
from harness.stack import Stack, User


@pytest.mark.parametrize("new_client", ["skopeo", "crane"], indirect=True)
def test_an_index_is_recorded_with_its_own_digest(
    stack: Stack, owner: User, project: str, new_client: NewClient, tmp_path: Path
) -> None:
    item = f"{project}/index"
    layout = OciLayout.of_index(tmp_path / "layout", item)
    client = stack.login(new_client, owner)
    pushed = client.push_layout(stack.reference(item), layout).check()
    assert pushed.digest == layout.digest
    stack.wait_for_tag(item, "v1", layout.digest)
    assert stack.tags(item) == {"v1": layout.digest}, "the images inside have no tag of their own"


def test_every_client_pulls_from_an_index(
    stack: Stack,
    owner: User,
    project: str,
    new_client: NewClient,
    new_client_named: NewNamedClient,
    tmp_path: Path,
) -> None:
    item = f"{project}/index"
    layout = OciLayout.of_index(tmp_path / "layout", item)
    crane = stack.login(lambda: new_client_named("crane"), owner)
    crane.push_layout(stack.reference(item), layout).check()
    client = stack.login(new_client, owner)
    pulled = client.pull(stack.reference(item))
    pulled.outcome.check()
    if client.name not in ("podman", "crane"):  # these two print the digest of the image inside
        assert pulled.digest == layout.digest


def test_buildx_pushes_an_index_for_two_processors(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/built"
    client = stack.login(lambda: new_client_named("buildx"), owner)
    assert isinstance(client, Buildx)
    platforms = ("--platform=linux/amd64,linux/arm64", "--push", "--tag", stack.reference(item))
    built = client.run_buildx("FROM scratch\nCOPY Dockerfile /\n", *platforms)
    built.check()
    token = stack.token(owner, f"repository:{item}:pull")
    answer = stack.registry.ask("GET", f"/v2/{item}/manifests/v1", token)
    assert len(answer.json()["manifests"]) == 2
    stack.wait_for_tag(item, "v1", answer.headers["docker-content-digest"])
