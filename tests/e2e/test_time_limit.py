"""Whatever is asked and whatever is wrong with the database, 503 comes within `database.busy_seconds`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import NewStack, make_stack
from harness.postgres import Postgres
from harness.process import wait_until
from harness.stack import Stack, User
from harness.web import HttpAnswer, request

BUSY_SECONDS = 1
FOR_EVERYTHING_ELSE = 1.5
"""Seconds: a password is hashed, and the machine has other things to do. Twice 'busy_seconds' would still be late
where the requests wait one after the other."""

Ask = Callable[[], HttpAnswer]


def requests_that_write(stack: Stack, owner: User) -> dict[str, Ask]:
    """One of each kind."""
    project = stack.add_project(owner)
    first_push = f"repository:{project}/before:pull,push"
    wait_until(lambda: stack.ask_token(owner, first_push).status == 200, "the registry has listed its names")
    login = {"Content-Type": "application/json"}
    body = f'{{"username": "{owner.name}", "password": "{owner.password}"}}'.encode()
    secret = {"Authorization": f"Bearer {stack.service.webhook_secret}"}
    event = b'{"events": [{"id": "1", "action": "pull"}]}'
    return {
        "a first push": lambda: stack.ask_token(owner, f"repository:{project}/new:pull,push"),
        "a wrong password": lambda: stack.ask_token(User(owner.name, "a wrong password")),
        "a session": lambda: request(
            "POST", f"{stack.service.url}/auth/v1/login2", headers=login, body=body
        ),
        "a delivery": lambda: request("POST", f"{stack.service.ops_url}/events", headers=secret, body=event),
        "readiness": lambda: request("GET", f"{stack.service.url}/readyz?for=writing"),
    }


def assert_unavailable_in_time(asks: dict[str, Ask]) -> None:
    """Also when several of each come at once: there is one connection that writes."""

    def timed(ask: Ask) -> tuple[int, float]:
        began = time.monotonic()
        return ask().status, time.monotonic() - began

    with ThreadPoolExecutor(4 * len(asks)) as pool:
        pending = [(what, pool.submit(timed, ask)) for what, ask in asks.items() for _ in range(4)]
        answers = [(what, *answer.result()) for what, answer in pending]
    wrong = [answer for answer in answers if answer[1] != 503]
    late = [answer for answer in answers if answer[2] > BUSY_SECONDS + FOR_EVERYTHING_ELSE]
    assert not wrong, wrong
    assert not late, late


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Somebody writes and does not end."""
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    yield
    writer.execute("ROLLBACK")
    writer.close()


def test_while_somebody_else_writes_to_the_file(new_stack: NewStack) -> None:
    stack = new_stack("sqlite", database={"busy_seconds": BUSY_SECONDS}, login={"free_tries": 100})
    owner = stack.add_user("owner")
    asks = requests_that_write(stack, owner)
    with locked(stack.folder / "auth-service.db"):
        assert_unavailable_in_time(asks)
        began = time.monotonic()
        answer = request("GET", f"{stack.service.url}/readyz")
        assert (answer.status, answer.json()["writing"]) == (200, "failing")
        assert time.monotonic() - began < BUSY_SECONDS
    wait_until(lambda: asks["a session"]().status == 201, "it goes on", 5)


@pytest.fixture
def stack_on_its_own_server(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, Postgres]]:
    server = Postgres()
    database = {"url": server.create_database(), "busy_seconds": BUSY_SECONDS}
    stack = make_stack("sqlite", request, database=database, login={"free_tries": 100})
    try:
        yield stack.start(), server
    finally:
        stack.close()
        server.close()


def test_while_the_server_hangs(stack_on_its_own_server: tuple[Stack, Postgres]) -> None:
    stack, server = stack_on_its_own_server
    owner = stack.add_user("owner")
    asks = requests_that_write(stack, owner)
    with server.paused():
        for _ in range(2):
            assert_unavailable_in_time(asks)
    wait_until(lambda: asks["a session"]().status == 201, "it goes on", 15)


def test_while_the_server_is_stopped(stack_on_its_own_server: tuple[Stack, Postgres]) -> None:
    stack, server = stack_on_its_own_server
    owner = stack.add_user("owner")
    asks = requests_that_write(stack, owner)
    server.stop()
    assert_unavailable_in_time(asks)
    assert_unavailable_in_time(asks)
    server.start()
    wait_until(lambda: asks["a session"]().status == 201, "it goes on", 15)
