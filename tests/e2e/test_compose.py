"""The compose file as docker compose itself reads it: valid, and everything that it mounts is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.places import REPOSITORY, TOOLS, tool
from harness.process import run

DEPLOY = REPOSITORY / "deploy"
ENVIRONMENTS = {"without .env": "", "with the example": (DEPLOY / ".env.example").read_text()}


@pytest.fixture(params=ENVIRONMENTS)
def resolved(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The whole file with every variable filled in."""
    (tmp_path / "cli-plugins").symlink_to(TOOLS / "cli-plugins")
    variables = tmp_path / "env"
    variables.write_text(ENVIRONMENTS[request.param])
    words = ("compose", "--env-file", variables, "-f", DEPLOY / "compose.yaml", "config", "--format", "json")
    outcome = run([tool("docker"), *words], env={"DOCKER_CONFIG": str(tmp_path)}).check()
    assert "variable is not set" not in outcome.stderr, outcome.stderr
    return json.loads(outcome.stdout)


def test_every_mounted_file_exists(resolved: Any) -> None:
    mounts = [mount for service in resolved["services"].values() for mount in service.get("volumes", [])]
    sources = [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]
    assert len(sources) >= 5, "the bind mounts were not found"
    assert [source for source in sources if not source.exists()] == []


def test_what_is_built_is_there(resolved: Any) -> None:
    build = resolved["services"]["auth-service"]["build"]
    assert (Path(build["context"]) / build["dockerfile"]).is_file()


def test_only_the_proxy_is_reachable_from_outside(resolved: Any) -> None:
    published = [name for name, service in resolved["services"].items() if service.get("ports")]
    assert published == ["proxy"]
    assert resolved["networks"]["ops"]["internal"] is True
    assert "ops" not in resolved["services"]["proxy"]["networks"]
