"""A stub of an issuer, for what no real server can be made to say or do.

Its answers are what the test sets; nothing about it proves that a real server would be understood.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.places import free_port
from harness.signing import Claims, SigningKey, compact_json

OPENID_METADATA = "/.well-known/openid-configuration"
OAUTH_METADATA = "/.well-known/oauth-authorization-server"
JWKS = "/jwks"
INTROSPECTION = "/introspect"
USERINFO = "/userinfo"
SYNAPSE_PROFILE = "/repo/v1/userProfile"


@dataclass(frozen=True)
class Reply:
    """An answer as it goes out."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @staticmethod
    def of(value: object) -> Reply:
        """A reply stays what it is; everything else is sent as JSON."""
        return value if isinstance(value, Reply) else Reply(body=compact_json(value))


@dataclass(frozen=True)
class Seen:
    """One request that came in; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


Answer = Callable[[str], object]
"""From a token to JSON or a `Reply`."""


class _Server(ThreadingHTTPServer):
    """Closes every connection when it is closed, so that a stopped issuer refuses indeed."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.open: set[socket.socket] = set()
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted, address = super().get_request()
        self.open.add(accepted)
        return accepted, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        pass  # the other side hung up, or we did

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self.open):
            with suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)


class FakeIssuer:
    """Serves metadata, keys, introspection and user info; `start` and `stop` keep the port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.rsa, self.ec = SigningKey("RS256"), SigningKey("ES256")
        self.published = [self.rsa, self.ec]
        self.introspect: Answer = lambda token: {"active": False}
        self.userinfo: Answer = lambda token: Reply(401)
        self.replies: dict[str, object] = {}
        """By path: what is answered there instead."""
        self.delays: dict[str, float] = {}
        """By path: seconds before the answer."""
        self.requests: list[Seen] = []
        self.metadata: dict[str, object] = {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + JWKS,
            "introspection_endpoint": self.issuer + INTROSPECTION,
            "userinfo_endpoint": self.issuer + USERINFO,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        }
        self._server: _Server | None = None
        self._routes: dict[str, Callable[[Seen], object]] = {
            OPENID_METADATA: lambda _: self.metadata,
            OAUTH_METADATA: lambda _: self.metadata,
            JWKS: lambda _: {"keys": [key.public_jwk() for key in self.published]},
            INTROSPECTION: lambda seen: self.introspect(parse_qs(seen.body.decode())["token"][0]),
            USERINFO: lambda seen: self.userinfo(seen.bearer),
            SYNAPSE_PROFILE: lambda seen: self.userinfo(seen.bearer),
        }

    # The server.

    def start(self) -> FakeIssuer:
        self._server = server = _Server(self.port, self._handler())
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Connections are refused from now on, and open ones are cut without an answer."""
        if self._server:
            self._server.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def asked(self, path: str) -> int:
        """How many requests this path has seen."""
        return [seen.path for seen in self.requests].count(path)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            server: _Server

            def do_GET(self) -> None:
                reply = issuer._reply(self)
                if self.server.stopping.is_set():
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _reply(self, handler: Any) -> Reply:
        path = urlsplit(handler.path).path
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers.get("content-length", 0)))
        seen = Seen(handler.command, path, headers, body)
        self.requests.append(seen)
        handler.server.stopping.wait(self.delays.get(path, 0))
        if path in self.replies:
            return Reply.of(self.replies[path])
        route = self._routes.get(path.rstrip("/"))
        return Reply.of(route(seen)) if route else Reply(404)

    # Tokens.

    def rotate(self, *, keep_old: bool = True) -> None:
        """Signs with new keys; the old ones stay published or not."""
        self.rsa, self.ec = SigningKey("RS256"), SigningKey("ES256")
        self.published = [self.rsa, self.ec, *(self.published if keep_old else [])]

    def claims(self, **changes: object) -> Claims:
        """Those of a good access token for five minutes; a change to None leaves the claim out."""
        now = int(time.time())
        claims: Claims = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": "registry",
            "client_id": "ci",
            "scope": "download modify",
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Claims, headers: Claims | None = None) -> str:
        """An access token; headers are laid over the usual ones, and `alg` chooses the key."""
        key = self.ec if (headers or {}).get("alg") == "ES256" else self.rsa
        return key.sign(claims, key.header(**(headers or {})))
