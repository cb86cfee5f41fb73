"""Bad webhooks: who cannot prove to be the registry gets 401; whatever the registry sends gets 204.

A 4xx for an event that can never be used would block the registry's whole queue for ever.
"""

from __future__ import annotations

import json
import socket
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from conftest import NewNamedClient, Publish
from harness.process import wait_until
from harness.relay import ask_events
from harness.stack import Stack, User
from harness.web import HttpAnswer, basic, request

DIGEST = "sha256:" + "0" * 64
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def send(stack: Stack, body: bytes, path: str = "/events") -> HttpAnswer:
    """As the registry, with the right secret."""
    return ask_events(stack.service.ops_url + path, stack.service.webhook_secret, body)


def manifest(item: str, digest: str, **more: Any) -> dict[str, Any]:
    """The target of a manifest push."""
    return {"mediaType": MANIFEST, "digest": digest, "size": 1, "repository": item, **more}


def event(item: str, **changes: Any) -> dict[str, Any]:
    """A manifest push; `changes` replace fields, and None takes them away."""
    made: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "timestamp": "2026-11-23T22:49:53.998373836Z",
        "action": "push",
        "target": manifest(item, DIGEST, tag="forged"),
        "request": {"id": "1", "addr": "127.0.0.1:1", "host": "x", "method": "PUT", "useragent": "x"},
        "actor": {"name": "1"},
        "source": {"addr": "x:1", "instanceID": "1"},
    }
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


def envelope(*events: Any) -> bytes:
    return json.dumps({"events": list(events)}).encode()


@pytest.mark.parametrize("secret", [None, "", "wrong", "x" * 10_000], ids=["none", "empty", "wrong", "long"])
def test_a_webhook_without_the_right_secret_is_refused(
    stack: Stack, project: str, secret: str | None
) -> None:
    answer = ask_events(stack.service.ops_url + "/events", secret, envelope(event(f"{project}/app")))
    assert answer.status == 401
    assert answer.message
    assert stack.tags(f"{project}/app") == {}


def test_the_secret_may_come_as_the_password_of_basic(stack: Stack) -> None:
    headers = {"Authorization": basic("registry", stack.service.webhook_secret)}
    answer = request("POST", stack.service.ops_url + "/events", headers=headers, body=envelope())
    assert answer.status == 204


def test_the_old_path_is_an_alias(stack: Stack) -> None:
    assert send(stack, envelope(), "/dockerRegistryListener/v1/events").status == 204


def test_the_public_listener_takes_no_events(stack: Stack) -> None:
    url = stack.service.url + "/events"
    answer = ask_events(url, stack.service.webhook_secret, envelope())
    assert answer.status in (404, 405)


USELESS = {
    "not JSON": b"this is not JSON",
    "nothing": b"",
    "truncated": envelope(event("syn1/app"))[:-30],
    "null": b"null",
    "a list": b"[]",
    "a number": b"42",
    "no events": b"{}",
    "events null": b'{"events":null}',
    "events an object": b'{"events":{}}',
    "events of null": b'{"events":[null]}',
    "events of numbers": b'{"events":[1,2,3]}',
    "an event without anything": b'{"events":[{}]}',
    "unknown action": envelope(event("syn1/app", action="dance")),
    "action null": b'{"events":[{"id":"1","action":null}]}',
    "no target": envelope(event("syn1/app", target=None)),
    "empty target": envelope(event("syn1/app", target={})),
    "empty strings": envelope(
        event("syn1/app", target={"mediaType": "", "digest": "", "repository": "", "tag": "", "size": 0})
    ),
    "no id": envelope(event("syn1/app", id=None)),
    "empty id": envelope(event("syn1/app", id="")),
    "an invalid time": envelope(event("syn1/app", timestamp="yesterday")),
    "an invalid digest": envelope(event("syn1/app", target=manifest("syn1/app", "sha256:x"))),
    "wrong types": envelope(event("syn1/app", target={"mediaType": 1, "digest": [], "repository": {}})),
    "invalid UTF-8": b'{"events":[{"id":"\xff\xfe"}]}',
    "NUL in a name": envelope(event("syn1/a\0b")),
    "deeply nested": b'{"events":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("name", USELESS)
def test_what_can_never_be_used_is_taken_and_counted(stack: Stack, name: str) -> None:
    before = events_counted(stack)
    assert send(stack, USELESS[name]).status == 204
    wait_until(lambda: events_counted(stack) > before, "the metrics count it", 3)


def events_counted(stack: Stack) -> float:
    """The sum of everything that the metrics say of events and webhooks."""
    lines = request("GET", stack.service.ops_url + "/metrics").body.decode().splitlines()
    numbers = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return sum(float(value) for name, value in numbers if "event" in name or "webhook" in name)


INVALID_NAMES = [
    "no/project",
    "syn1/../x",
    "SYN1/app",
    "syn1/App",
    "syn999999999/app",
    "",
    "x" * 1000,
    "a\x1b[31mb",
]


@pytest.mark.parametrize("name", INVALID_NAMES, ids=ascii)
def test_an_event_of_a_repository_that_cannot_be_makes_no_repository(stack: Stack, name: str) -> None:
    before = stack.service.cli_json("repository", "list")
    assert send(stack, envelope(event(name))).status == 204
    assert stack.service.cli_json("repository", "list") == before


def test_an_oversized_webhook_does_not_block_the_queue(stack: Stack) -> None:
    body = envelope(event("syn1/app", padding="x" * (17 * 1024 * 1024)))
    answer = send(stack, body)
    assert answer.status == 204
    assert stack.ask_token(stack.add_user("after")).status == 200


def test_a_good_event_beside_bad_ones_is_used(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    """Nothing is half done: the bad ones are counted, the good one moves its tag."""
    item = f"{project}/app"
    digest = publish(item, tag="v1")
    good = event(item, timestamp=datetime.now(UTC).isoformat(), target=manifest(item, digest, tag="v2"))
    assert (
        send(stack, envelope(None, event("no/project"), {}, good, event(item, action="dance"))).status == 204
    )
    stack.wait_for_tag(item, "v2", digest)


def test_the_same_event_again_changes_nothing(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    """The registry sends again whatever was not answered in time, long after newer events."""
    item = f"{project}/app"
    client = stack.login(lambda: new_client_named("crane"), owner)
    old = client.push(stack.reference(item), "old").check().digest
    stack.wait_for_tag(item, "v1", old)
    new = client.push(stack.reference(item), "new").check().digest
    stack.wait_for_tag(item, "v1", new)
    for delivery in list(stack.relay.deliveries):
        if f'"{item}"'.encode() in delivery.body:
            assert send(stack, delivery.body).status == 204
    assert stack.tags(item) == {"v1": new}


def test_a_webhook_that_ends_in_the_middle_harms_nobody(stack: Stack, owner: User) -> None:
    host, port = stack.service.settings["ops"]["listen"].split(":")
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.service.webhook_secret}\r\n"
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b'{"events":[')
    assert send(stack, envelope()).status == 204
    assert stack.ask_token(owner).status == 200


def test_a_delivery_that_breaks_off_is_no_dead_letter(stack: Stack) -> None:
    """The registry sends it again, and what did not arrive whole is worth nothing."""

    def counted(kind: str) -> float:
        metrics = request("GET", stack.service.ops_url + "/metrics").body.decode()
        lines = [line for line in metrics.splitlines() if line.startswith(f'auth_service_events_total{{kind="{kind}"')]
        return float(lines[0].split()[-1])

    before = counted("not_read"), counted("dead_letter")
    host, port = stack.settings["ops"]["listen"].split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), 20) as connection:
            head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.service.webhook_secret}\r\n"
            connection.sendall((head + 'Content-Length: 1000\r\n\r\n{"events":[').encode())
    wait_until(lambda: counted("not_read") >= before[0] + 3, "the metrics count them")
    assert counted("dead_letter") == before[1]
    assert send(stack, envelope()).status == 204
