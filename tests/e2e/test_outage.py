"""Without the database the answer is 503 with a sentence: never a grant, and never a 401.

A 401 would make clients throw away a good login.
"""

from __future__ import annotations

import fcntl
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import NewNamedClient, NewStack, make_stack
from harness.postgres import Postgres, psql
from harness.process import wait_until
from harness.stack import Stack, User
from harness.web import HttpAnswer

CLIENTS_GIVE_UP_AFTER = 15
"""Seconds: how long docker waits for a token."""
LOCKS_IN_SHARED_MEMORY_FILE = (120, 8)
"""Where SQLite's locks are in the -shm file of a database in WAL mode: first byte and number."""


@contextmanager
def locked_sqlite(database: Path) -> Iterator[None]:
    """Nobody else can read or write, as during a recovery by another process."""
    start, length = LOCKS_IN_SHARED_MEMORY_FILE
    with Path(f"{database}-shm").open("r+b") as shared:

        def lock() -> bool:
            try:
                fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
            except BlockingIOError:
                return False
            return True

        wait_until(lock, "no reader or writer is in the database")
        yield
        fcntl.lockf(shared, fcntl.LOCK_UN, length, start)


@contextmanager
def locked_postgres(url: str) -> Iterator[None]:
    """Every table is locked by a session that does not end."""
    lock_all = (
        "BEGIN; DO $$ DECLARE t record; BEGIN FOR t IN SELECT tablename FROM pg_tables "
        "WHERE schemaname = 'public' LOOP "
        "EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', t.tablename); "
        "END LOOP; END $$; SELECT 'locked';\n"
    )
    argv, env = psql(url)
    session = subprocess.Popen(
        [str(word) for word in argv], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert session.stdin
    assert session.stdout
    session.stdin.write(lock_all)
    session.stdin.flush()
    assert session.stdout.readline().strip() == "locked"
    yield
    session.stdin.close()
    session.wait(10)


def assert_unavailable(answer: HttpAnswer) -> None:
    assert answer.status == 503
    assert "[unavailable]" in answer.message
    assert len(answer.message.split()) > 4, "a sentence, not a word"


def wait_for_unavailable(stack: Stack, user: User, scope: str) -> None:
    """A grant from memory may still go out for a second; a 401 never may."""
    end = time.monotonic() + 1
    while True:
        asked = time.monotonic()
        answer = stack.ask_token(user, scope)
        assert answer.status in (200, 503), answer.body
        assert time.monotonic() - asked < CLIENTS_GIVE_UP_AFTER
        if asked > end:
            return assert_unavailable(answer)


def test_a_locked_sqlite_file_makes_the_service_unavailable(new_stack: NewStack) -> None:
    stack = new_stack("sqlite")
    owner = stack.add_user("owner")
    scope = f"repository:{stack.add_project(owner)}/app:pull,push"
    assert stack.ask_token(owner, scope).status == 200
    with locked_sqlite(stack.folder / "auth-service.db"):
        wait_for_unavailable(stack, owner, scope)
    wait_until(lambda: stack.ask_token(owner, scope).status == 200, "it answers again")


def test_a_writer_that_does_not_end_stops_only_what_must_be_written(
    new_stack: NewStack, new_client_named: NewNamedClient
) -> None:
    stack = new_stack("sqlite")
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    client = stack.login(lambda: new_client_named("crane"), owner)
    digest = client.push(stack.reference(f"{project}/app"), "before the writer").check().digest
    stack.wait_for_tag(f"{project}/app", "v1", digest)
    writer = sqlite3.connect(stack.folder / "auth-service.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert_unavailable(stack.ask_token(owner, f"repository:{project}/new:pull,push"))
    assert client.pull(stack.reference(f"{project}/app")).check().digest == digest
    writer.execute("ROLLBACK")
    writer.close()
    assert stack.ask_token(owner, f"repository:{project}/new:pull,push").status == 200


def test_locked_tables_in_postgresql_make_the_service_unavailable(new_stack: NewStack) -> None:
    stack = new_stack("postgresql")
    owner = stack.add_user("owner")
    scope = f"repository:{stack.add_project(owner)}/app:pull,push"
    assert stack.ask_token(owner, scope).status == 200
    with locked_postgres(stack.settings["database"]["url"]):
        wait_for_unavailable(stack, owner, scope)
    wait_until(lambda: stack.ask_token(owner, scope).status == 200, "it answers again")


@pytest.fixture
def lone_postgres() -> Iterator[Postgres]:
    """A server that the test may stop."""
    server = Postgres()
    yield server
    server.close()


def test_a_stopped_postgresql_makes_the_service_unavailable_until_it_is_back(
    request: pytest.FixtureRequest, lone_postgres: Postgres, new_client_named: NewNamedClient
) -> None:
    stack = make_stack("sqlite", request, database={"url": lone_postgres.create_database()})
    try:
        stack.start()
        owner = stack.add_user("owner")
        project = stack.add_project(owner)
        client = stack.login(lambda: new_client_named("docker-containerd"), owner)
        digest = client.push(stack.reference(f"{project}/app"), "before the outage").check().digest
        stack.wait_for_tag(f"{project}/app", "v1", digest)
        lone_postgres.stop()
        wait_for_unavailable(stack, owner, f"repository:{project}/app:pull")
        assert_unavailable(stack.ask_token(User(owner.name, "a wrong password")))
        pulled = client.pull(stack.reference(f"{project}/app"))
        assert "[unavailable]" in pulled.text
        lone_postgres.start()
        scope = f"repository:{project}/app:pull"
        wait_until(lambda: stack.ask_token(owner, scope).status == 200, "it answers again", 15)
        assert client.pull(stack.reference(f"{project}/app")).check().digest == digest
    finally:
        stack.close()
