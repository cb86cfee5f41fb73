"""256 MiB of memory are enough, whatever is sent: a flood of requests that never end, and people log in through it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator

import pytest

from conftest import make_stack
from harness.flood import Flood, Unfinished
from harness.memory import limited_memory, resident
from harness.process import wait_until
from harness.stack import Stack, User
from harness.web import basic, post_form, request

MIB = 1 << 20
LIMIT = 256 * MIB
CONNECTIONS = 1500
DELIVERIES = 100
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.fixture(scope="module")
def small_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation whose service has 256 MiB."""
    with limited_memory("auth-service-test", LIMIT) as launcher:
        stack = make_stack("sqlite", request)
        try:
            stack.start(launcher=launcher)
            yield stack
        finally:
            stack.close()


@pytest.fixture(scope="module")
def user(small_stack: Stack) -> User:
    return small_stack.add_user("owner")


def operations(stack: Stack) -> tuple[str, int]:
    host, port = stack.settings["ops"]["listen"].split(":")
    return host, int(port)


def unfinished(stack: Stack, kind: str) -> list[Unfinished]:
    public = stack.service.address
    secret = f"Authorization: Bearer {stack.service.webhook_secret}"
    return {
        "forms": [Unfinished.post(public, "/token", 131_072, 131_000, media_type=FORM)] * CONNECTIONS,
        "short forms": [Unfinished.post(public, "/token", 4000, 3900, media_type=FORM)] * CONNECTIONS,
        "forms that are too long": [Unfinished.post(public, "/token", MIB, MIB - 1, media_type=FORM)]
        * CONNECTIONS,
        "logins": [Unfinished.post(public, "/auth/v1/login2", MIB, MIB - 1, media_type=JSON)] * CONNECTIONS,
        "heads": [Unfinished(public, b"GET /token HTTP/1.1\r\nHost: x\r\nX-Long: ", 64_000)] * CONNECTIONS,
        "bodies that nobody reads": [Unfinished.post(public, "/nothing", MIB, MIB - 1, media_type=JSON)]
        * CONNECTIONS,
        "deliveries": [
            Unfinished.post(operations(stack), "/events", 16 * MIB, 16 * MIB - 1, secret, media_type=JSON)
        ]
        * DELIVERIES,
        "deliveries without the secret": [
            Unfinished.post(operations(stack), "/events", 16 * MIB, 16 * MIB - 1, media_type=JSON)
        ]
        * DELIVERIES,
    }[kind]


KINDS = (
    "forms",
    "short forms",
    "forms that are too long",
    "logins",
    "heads",
    "bodies that nobody reads",
    "deliveries",
    "deliveries without the secret",
)


def log_in_everywhere(stack: Stack, user: User) -> dict[str, int]:
    """Every way in, once, and a delivery; by the status of its answer."""
    url, name, password = stack.service.url, user.name, user.password
    form = {"grant_type": "password", "client_id": "test", "username": name, "password": password}
    session = json.dumps({"username": name, "password": password}).encode()
    secret = {"Authorization": f"Bearer {stack.service.webhook_secret}"}
    return {
        "query": request("GET", url + "/token", headers={"Authorization": basic(name, password)}).status,
        "form": post_form(url + "/token", form).status,
        "session": request(
            "POST", url + "/auth/v1/login2", headers={"Content-Type": JSON}, body=session
        ).status,
        "delivery": request(
            "POST", stack.service.ops_url + "/events", headers=secret, body=b'{"events":[]}'
        ).status,
    }


EVERYTHING_WORKS = {"query": 200, "form": 200, "session": 201, "delivery": 204}


@pytest.mark.parametrize("kind", KINDS)
def test_people_log_in_through_a_flood_of_requests_that_never_end(
    small_stack: Stack, user: User, kind: str
) -> None:
    async def flood() -> Flood:
        async with Flood(unfinished(small_stack, kind)) as flood:
            sending = asyncio.create_task(flood.until_all_is_sent())
            while not sending.done():
                outcome = await asyncio.to_thread(log_in_everywhere, small_stack, user)
                assert outcome == EVERYTHING_WORKS
            await sending
            for _ in range(5):
                outcome = await asyncio.to_thread(log_in_everywhere, small_stack, user)
                assert outcome == EVERYTHING_WORKS
            return flood

    flood_was = asyncio.run(flood())
    process = small_stack.service.process
    assert process.exit_code is None, process.log()[-2000:]
    assert resident(process.pid, "VmHWM") < LIMIT
    statuses = Counter(answer.split(b" ")[1] for answer in flood_was.answers if answer)
    assert set(statuses) <= {b"401", b"404", b"408", b"413", b"429", b"503"}, statuses
    wait_until(lambda: open_connections(small_stack) == 0, "the connections are gone", 20)


def open_connections(stack: Stack) -> int:
    """Sockets of the service with a peer, of any kind."""
    port = stack.service.address[1]
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_refusals_at_a_limit_are_logged_and_counted_without_a_line_for_each(
    small_stack: Stack, user: User
) -> None:
    async def flood() -> Flood:
        async with Flood(unfinished(small_stack, "forms")) as flood:
            # The others are held: as many as the limit for one network leaves room for.
            await flood.until_answered(CONNECTIONS - 100)
            return flood

    answers = asyncio.run(flood()).answers
    whole = next(answer for answer in answers if answer.startswith(b"HTTP/1.1 429"))
    head, _, body = whole.partition(b"\r\n\r\n")
    assert b"retry-after: 3" in head
    assert b"connection: close" in head
    assert "nothing is wrong with your login" in json.loads(body)["errors"][0]["message"]
    metrics = request("GET", small_stack.service.ops_url + "/metrics").body.decode()
    counted = {line.split(" ")[0]: float(line.split(" ")[1]) for line in metrics.splitlines() if "room_total" in line}
    assert counted['auth_service_refused_for_room_total{limit="limits.in_flight_bytes"}'] > 1000
    lines = [line for line in small_stack.service.log().splitlines() if "lack of room" in line]
    assert 0 < len(lines) < 40


def test_memory_is_given_back_when_a_flood_is_over(small_stack: Stack, user: User) -> None:
    async def flood() -> None:
        for kind in ("forms", "short forms", "heads"):
            async with Flood(unfinished(small_stack, kind)) as flood:
                await flood.until_all_is_sent()

    asyncio.run(flood())
    pid = small_stack.service.process.pid
    wait_until(lambda: resident(pid, "RssAnon") < 80 * MIB, "the memory is given back", 60)
    assert log_in_everywhere(small_stack, user) == EVERYTHING_WORKS
