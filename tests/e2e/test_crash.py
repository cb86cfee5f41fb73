"""kill -9 of the service in the middle of pushes loses no event: the registry sends them again."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlencode

import pytest

from conftest import NewNamedClient, NewStack
from harness.process import wait_until
from harness.stack import Stack

PUSHES = 12


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_push_is_on_record_although_the_service_was_killed(
    new_stack: NewStack, new_client_named: NewNamedClient, kind: str
) -> None:
    stack = new_stack(kind)
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    client = stack.login(lambda: new_client_named("crane"), owner)
    pushed: dict[str, str] = {}

    def push_all() -> None:
        for number in range(PUSHES):
            tag = f"v{number}"
            transfer = client.push(stack.reference(f"{project}/app", tag), f"image {number}")
            if transfer.succeeded:
                pushed[tag] = transfer.digest

    pusher = threading.Thread(target=push_all)
    pusher.start()
    for enough in (PUSHES // 4, PUSHES // 2):
        wait_for_length(pushed, enough)
        stack.service.kill()
        stack.service.serve()
    pusher.join(120)
    assert len(pushed) >= PUSHES // 2
    for tag, digest in pushed.items():
        stack.wait_for_tag(f"{project}/app", tag, digest)


def wait_for_length(pushed: dict[str, str], enough: int) -> None:
    wait_until(lambda: len(pushed) >= enough, f"{enough} pushes are done", 30)


def test_an_event_is_answered_only_after_it_is_stored(
    new_stack: NewStack, new_client_named: NewNamedClient
) -> None:
    """Killed right after a 204, the service still knows the event when it is back."""
    stack = new_stack("sqlite")
    owner = stack.add_user("owner")
    item = f"{stack.add_project(owner)}/app"
    client = stack.login(lambda: new_client_named("crane"), owner)
    digest = client.push(stack.reference(item), "stored before answered").check().digest
    wait_until(lambda: tag_event_was_answered(stack), "the webhook with the tag is answered")
    stack.service.kill()
    stack.service.serve()
    stack.wait_for_tag(item, "v1", digest)


def tag_event_was_answered(stack: Stack) -> bool:
    answered = [delivery.body for delivery in stack.relay.deliveries if delivery.status == 204]
    return any(b'"tag":"v1"' in body.replace(b" ", b"") for body in answered)


def test_a_stop_lets_a_running_request_end(new_stack: NewStack) -> None:
    """SIGTERM comes when the server has asked for the form and half of it is there."""
    stack = new_stack("sqlite")
    owner = stack.add_user("owner")
    fields = {"grant_type": "password", "username": owner.name, "password": owner.password}
    form = urlencode(fields).encode()
    head = f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\nExpect: 100-continue\r\n"
    with socket.create_connection(stack.service.address, 20) as connection:
        connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(form[:10])
        exit_codes: list[int | None] = []
        stopping = threading.Thread(target=lambda: exit_codes.append(stack.service.stop()))
        stopping.start()
        wait_until(lambda: nobody_listens(stack.service.address), "no new connection is taken")
        connection.sendall(form[10:])
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    stopping.join(20)
    assert exit_codes == [0]


def nobody_listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, 1).close()
    except OSError:
        return True
    return False
