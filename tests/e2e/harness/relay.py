"""Things that stand between two servers: one that can hold webhooks back, one that is slow."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.places import free_port
from harness.web import HttpAnswer, request

FORWARDED = ("Authorization", "Content-Type", "User-Agent")


@dataclass(frozen=True)
class Delivery:
    """One webhook as the registry sent it, and how the service answered."""

    body: bytes
    status: int


class WebhookRelay:
    """Passes webhooks on; `hold` makes them wait here until `release`."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.waiting = 0
        self.deliveries: list[Delivery] = []
        self._open = threading.Event()
        self._open.set()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                relay._pass_on(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/events"
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name: handler.headers[name] for name in FORWARDED if name in handler.headers}
        self.waiting += 1
        self._open.wait()
        self.waiting -= 1
        try:
            status = request("POST", self.target, headers=headers, body=body).status
        except OSError:
            status = 502
        self.deliveries.append(Delivery(body, status))
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        except OSError:
            pass  # the registry gave up waiting and will send it again

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()


class SlowLink:
    """A TCP relay that lets only so many bytes a second through towards the server."""

    def __init__(self, target: tuple[str, int], bytes_per_second: int) -> None:
        self._target = target
        self._rate = bytes_per_second
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            # A small buffer, so that the sender feels the slowness.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for source, sink, rate in ((near, far, self._rate), (far, near, 0)):
                threading.Thread(target=_copy, args=(source, sink, rate), daemon=True).start()

    def close(self) -> None:
        self._listener.close()


def _copy(source: socket.socket, sink: socket.socket, rate: int) -> None:
    try:
        while piece := source.recv(4096):
            sink.sendall(piece)
            if rate:
                time.sleep(len(piece) / rate)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()


def ask_events(
    url: str, secret: str | None, body: bytes, headers: dict[str, str] | None = None
) -> HttpAnswer:
    """Sends one webhook directly, with the right secret, a wrong one, or none."""
    sent = {"Content-Type": "application/vnd.docker.distribution.events.v1+json", **(headers or {})}
    if secret is not None:
        sent["Authorization"] = f"Bearer {secret}"
    return request("POST", url, headers=sent, body=body)
