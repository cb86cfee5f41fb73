"""Connections as RFC 9112, section 9 has them: kept, closed with a word before, and never for ever half full."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import pytest

from conftest import NewStack
from harness.process import wait_until
from harness.rest import documented_endpoints
from harness.stack import Stack, User
from harness.web import HttpAnswer, basic, request

OFFERS = {
    "h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "something": "Connection: keep-alive, Upgrade\r\nUpgrade: something/1\r\n",
}


class Line:
    """A connection of which each byte is ours."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, 20)
        self._received = b""

    def close(self) -> None:
        self.socket.close()

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def get(self, path: str, headers: str = "", version: str = "1.1") -> HttpAnswer:
        self.send(f"GET {path} HTTP/{version}\r\nHost: x\r\n{headers}\r\n")
        return self.answer()

    def answer(self, *, has_body: bool = True) -> HttpAnswer:
        """The next answer, by the length that it says."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0")) if has_body else 0
        self._received = rest
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return HttpAnswer(int(lines[0].split(" ")[1]), lines[0], headers, body)

    def begin_form(self, length: int) -> None:
        """Sends the head of a form, and waits until the server asks for the body: the request is under way."""
        self.send(f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n")
        self.send("Content-Type: application/x-www-form-urlencoded\r\n\r\n")
        assert self.answer(has_body=False).status == 100

    def is_closed(self, seconds: float) -> bool:
        """Whether the server closes it within this time, without another byte."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False

    def _receive(self) -> None:
        piece = self.socket.recv(65536)
        assert piece, f"closed after {self._received!r}"
        self._received += piece


@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_of_another_protocol_is_not_taken_and_the_end_is_announced(stack: Stack, offer: str) -> None:
    with closing(Line(stack.service.address)) as line:
        answer = line.get("/healthz", OFFERS[offer])
        assert answer.status == 200
        assert answer.headers.get("connection") == "close"
        assert "upgrade" not in answer.headers
        assert line.is_closed(8)


def test_a_connection_is_kept_for_further_requests(stack: Stack, owner: User) -> None:
    login = f"Authorization: {basic(owner.name, owner.password)}\r\n"
    with closing(Line(stack.service.address)) as line:
        for path in ["/healthz", "/nothing", "/token", "/token?service=other", "/readyz"] * 3:
            answer = line.get(path, login)
            assert "connection" not in answer.headers, path
        assert not line.is_closed(0.2)


def test_connection_close_and_http_1_0_are_respected(stack: Stack) -> None:
    with closing(Line(stack.service.address)) as line:
        assert line.get("/healthz", "Connection: close\r\n").headers["connection"] == "close"
        assert line.is_closed(5)
    with closing(Line(stack.service.address)) as line:
        assert line.get("/healthz", version="1.0").status == 200
        assert line.is_closed(5)
    with closing(Line(stack.service.address)) as line:
        for _ in range(3):
            answer = line.get("/healthz", "Connection: keep-alive\r\n", version="1.0")
            assert answer.headers["connection"] == "keep-alive"


def test_requests_that_are_sent_at_once_are_answered_in_their_order(stack: Stack) -> None:
    with closing(Line(stack.service.address)) as line:
        paths = ["/healthz", "/nothing", "/readyz", "/.well-known/jwks.json"] * 8
        line.send("".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths))
        statuses = [line.answer().status for _ in paths]
        assert statuses == [200, 404, 200, 200] * 8


@pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_nobody_reads_and_that_never_ends_keeps_no_connection(stack: Stack, length: str) -> None:
    with closing(Line(stack.service.address)) as line:
        line.send(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n5\r\nhello\r\n")
        assert line.answer().status == 200
        assert line.is_closed(10)


def test_the_rest_of_a_second_head_is_not_waited_for_longer_than_that_of_the_first(stack: Stack) -> None:
    with closing(Line(stack.service.address)) as line:
        line.get("/healthz")
        line.send("GET /healthz HTTP/1.1\r\nHost:")
        began = time.monotonic()
        assert line.answer().status == 408
        assert line.is_closed(5)
        assert time.monotonic() - began < 15


HEADLESS = [("public", path) for path in ["/token", "/docker/v1/bearerToken", "/.well-known/jwks.json"]]
HEADLESS += [(listener, path) for listener in ("public", "operations") for path in ("/healthz", "/readyz")]
HEADLESS += [("operations", "/metrics")]
HEADLESS += [("public", path) for method, path, _, _ in documented_endpoints() if method == "GET"]
# What differs from one answer to the next of the same request.
CHANGING = {"date", "content-length"}


@pytest.mark.parametrize(("listener", "path"), HEADLESS)
def test_head_is_answered_like_get_without_the_body(
    stack: Stack, owner: User, listener: str, path: str
) -> None:
    url = (stack.service.url if listener == "public" else stack.service.ops_url) + path.replace("{id}", "1")
    headers = {"Authorization": basic(owner.name, owner.password)}
    of_get, of_head = (request(method, url, headers=headers) for method in ("GET", "HEAD"))
    assert of_head.status == of_get.status
    assert of_head.status != 404 or "{id}" in path
    assert of_head.body == b""
    assert int(of_head.headers["content-length"]) > 0
    assert of_head.headers.keys() == of_get.headers.keys()
    for name in of_get.headers.keys() - CHANGING:
        assert of_head.headers[name] == of_get.headers[name], name


def test_head_is_no_way_to_what_cannot_be_read(stack: Stack) -> None:
    assert request("HEAD", stack.service.ops_url + "/events").status == 404
    assert request("HEAD", stack.service.url + "/auth/v1/login2").status == 405


def test_a_body_that_is_packed_is_refused_with_415_everywhere(stack: Stack) -> None:
    packed = {"Content-Encoding": "gzip"}
    for url, headers in [
        (stack.service.url + "/token", {"Content-Type": "application/x-www-form-urlencoded"}),
        (stack.service.url + "/auth/v1/login2", {"Content-Type": "application/json"}),
        (stack.service.ops_url + "/events", {"Authorization": f"Bearer {stack.service.webhook_secret}"}),
    ]:
        answer = request("POST", url, headers={**headers, **packed}, body=b"\x1f\x8b\x08")
        assert answer.status == 415, url
        assert answer.headers["accept-encoding"] == "identity"


def test_open_connections_are_closed_after_sigterm(new_stack: NewStack) -> None:
    service = new_stack().service
    with closing(Line(service.address)) as idle, closing(Line(service.address)) as busy:
        idle.get("/healthz")
        busy.get("/healthz")
        service.process.signal("TERM")
        wait_until(lambda: "SIGTERM" in service.log(), "it has heard the signal")
        assert busy.get("/healthz").headers.get("connection") == "close"
        assert busy.is_closed(5)
        assert idle.is_closed(5)
    wait_until(lambda: service.process.exit_code == 0, "it ends")


def test_a_second_signal_ends_it_at_once(new_stack: NewStack) -> None:
    service = new_stack().service
    with closing(Line(service.address)) as line:
        # A request that would be waited for: `http.drain_seconds` is 30.
        line.begin_form(10)
        service.process.signal("TERM")
        wait_until(lambda: "SIGTERM" in service.log(), "it has heard the signal")

        def has_ended() -> bool:
            # What comes within half a second is taken for an echo of the first one.
            service.process.signal("TERM")
            return service.process.exit_code is not None

        wait_until(has_ended, "it ends", 5)
    assert service.process.exit_code == 1
    assert "second signal" in service.log()


def test_a_hangup_lets_what_is_under_way_end(new_stack: NewStack) -> None:
    service = new_stack().service
    with closing(Line(service.address)) as line:
        line.begin_form(3)
        service.process.signal("HUP")
        wait_until(lambda: "SIGHUP" in service.log(), "it has heard the signal")
        line.send("a=b")
        assert line.answer().status == 400
    wait_until(lambda: service.process.exit_code == 0, "it ends")
