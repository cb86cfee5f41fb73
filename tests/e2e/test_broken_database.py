"""A database that was emptied, cut or lost is never taken for an empty one, and takes no event."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import NewStack
from harness.process import wait_until
from harness.stack import Stack
from harness.web import HttpAnswer, request

Spoil = Callable[[Path], None]


def deliver(stack: Stack) -> HttpAnswer:
    """What the registry is answered to a delivery."""
    headers = {"Authorization": f"Bearer {stack.service.webhook_secret}"}
    return request("POST", stack.service.ops_url + "/events", headers=headers, body=b'{"events": [{"id": "1", "action": "pull"}]}')


def empty(database: Path) -> None:
    os.truncate(database, 0)


def cut(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def lose(database: Path) -> None:
    database.unlink()


@pytest.mark.parametrize(
    ("spoil", "says"), [(empty, "is empty"), (cut, "is cut"), (lose, "auth-service db init")]
)
def test_what_is_no_whole_database_is_refused_at_the_start(new_stack: NewStack, spoil: Spoil, says: str) -> None:
    stack = new_stack("sqlite")
    stack.add_user("owner")
    stack.service.stop()
    database = stack.folder / "auth-service.db"
    spoil(database)
    left = database.read_bytes() if database.exists() else None
    for words in (["serve"], ["user", "list"]):
        refused = stack.service.cli(*words)
        assert refused.exit_code == 1
        assert says in refused.stderr
    assert (database.read_bytes() if database.exists() else None) == left


@pytest.mark.parametrize("spoil", [empty, cut, lose])
def test_what_happens_to_the_file_of_a_running_service_is_noticed(new_stack: NewStack, spoil: Spoil) -> None:
    stack = new_stack("sqlite")
    owner = stack.add_user("owner")
    assert stack.ask_token(owner).status == 200
    spoil(stack.folder / "auth-service.db")
    assert deliver(stack).status == 503
    wait_until(lambda: stack.ask_token(owner).status == 503, "nobody is answered from memory", 1)
    assert request("GET", stack.service.url + "/readyz").status == 503


def test_a_database_is_made_once(new_stack: NewStack) -> None:
    stack = new_stack("sqlite")
    again = stack.service.cli("db", "init")
    assert again.exit_code == 1
    assert "already holds a database" in again.stderr
