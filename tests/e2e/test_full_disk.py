"""A full disk under the database: no grant that could not be written down, no event lost, no 401."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from conftest import NewNamedClient, make_stack
from harness.process import run, wait_until
from harness.stack import Stack
from harness.web import request


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own with room for little more than an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="auth-disk-"))
    run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]).check()
    yield folder
    run(["umount", "--lazy", folder])
    folder.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte more fits while this lasts."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    yield
    filler.unlink()


@pytest.fixture
def stack_on_small_disk(small_disk: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = make_stack("sqlite", request, database={"url": f"sqlite:{small_disk}/auth-service.db"})
    try:
        yield stack.start()
    finally:
        stack.close()


def readiness(stack: Stack, query: str = "") -> tuple[int, str, str]:
    """The status, and what is said of reading and of writing."""
    answer = request("GET", f"{stack.service.url}/readyz{query}")
    said = answer.json()
    return answer.status, said["database"], said["writing"]


def test_a_full_disk_is_reported_as_unavailable_and_recovers(
    stack_on_small_disk: Stack, small_disk: Path, new_client_named: NewNamedClient
) -> None:
    stack = stack_on_small_disk
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    client = stack.login(lambda: new_client_named("crane"), owner)
    first = client.push(stack.reference(f"{project}/app"), "before").check()
    stack.wait_for_tag(f"{project}/app", "v1", first.digest)
    with filled(small_disk):
        statuses = {
            stack.ask_token(owner, f"repository:{project}/new-{n}:pull,push").status for n in range(30)
        }
        assert 401 not in statuses
        assert 503 in statuses
        assert readiness(stack) == (200, "ok", "failing")
        assert readiness(stack, "?for=writing") == (503, "ok", "failing")
        second = client.push(stack.reference(f"{project}/app"), "while it is full")
    newer = f"repository:{project}/newer:pull,push"
    wait_until(lambda: stack.ask_token(owner, newer).status == 200, "new names are granted again")
    wait_until(lambda: readiness(stack, "?for=writing") == (200, "ok", "ok"), "it says that it can write", 2)
    if second.succeeded:
        stack.wait_for_tag(f"{project}/app", "v1", second.digest)
    wait_until(lambda: client.pull(stack.reference(f"{project}/app")).succeeded, "pulls work again")
