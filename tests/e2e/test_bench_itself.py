"""The test bench without the service: a failure here is the bench's, not the product's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import NewClient, NewNamedClient
from harness.images import OciLayout
from harness.other_clients import Crane, Skopeo
from harness.places import free_port
from harness.postgres import Postgres, execute
from harness.registry import Registry


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The stock registry, open to everybody."""
    registry = Registry(tmp_path_factory.mktemp("open-registry"), free_port())
    registry.configure_without_tokens()
    registry.start()
    yield registry
    registry.stop()


def test_every_client_pushes_and_pulls_what_it_pushed(open_registry: Registry, new_client: NewClient) -> None:
    client = new_client()
    reference = f"{open_registry.host}/bench/{client.name}:v1"
    pushed = client.push(reference, f"the bench with {client.name}").check()
    head = open_registry.ask("HEAD", f"/v2/bench/{client.name}/manifests/v1")
    assert head.headers["docker-content-digest"] == pushed.digest
    assert client.pull(reference).check().digest == pushed.digest


def test_buildx_pushes_and_builds_on_top(open_registry: Registry, new_client_named: NewNamedClient) -> None:
    buildx = new_client_named("buildx")
    reference = f"{open_registry.host}/bench/buildx:v1"
    pushed = buildx.push(reference, "the bench with buildx").check()
    head = open_registry.ask("HEAD", "/v2/bench/buildx/manifests/v1")
    assert head.headers["docker-content-digest"] == pushed.digest
    buildx.pull(reference).outcome.check()


@pytest.mark.parametrize("kind", [Skopeo, Crane])
def test_an_image_index_goes_up_with_the_digest_it_was_made_with(
    open_registry: Registry, tmp_path: Path, kind: type[Skopeo | Crane]
) -> None:
    client = kind(tmp_path / "home")
    layout = OciLayout.of_index(tmp_path / "layout", f"index by {kind.name}")
    pushed = client.push_layout(f"{open_registry.host}/bench/index-{kind.name}:v1", layout).check()
    assert pushed.digest == layout.digest


def test_a_second_database_is_empty(postgres: Postgres) -> None:
    first, second = postgres.create_database(), postgres.create_database()
    execute(first, "CREATE TABLE present (id BIGINT)")
    assert execute(first, "SELECT count(*) FROM present").strip() == "0"
    assert execute(second, "SELECT count(*) FROM pg_tables WHERE tablename = 'present'").strip() == "0"
