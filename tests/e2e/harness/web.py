"""HTTP by hand: no redirects, no retries, nothing normalised, every byte as given."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class HttpAnswer:
    """One answer; header names are in lower case."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The one-line reason of a refusal."""
        errors = self.json()["errors"]
        assert len(errors) == 1, f"clients show only a single error well: {errors}"
        return str(errors[0]["message"])

    @property
    def code(self) -> str:
        return str(self.json()["errors"][0]["code"])


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    timeout: float = 20,
    chunked: bool = False,
) -> HttpAnswer:
    """Sends one request on a connection of its own."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, target, body, dict(headers or {}), encode_chunked=chunked)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return HttpAnswer(answer.status, answer.reason, names, answer.read())
    finally:
        connection.close()


def post_form(
    url: str,
    form: Mapping[str, str],
    *,
    credentials: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """Sends a form as an OAuth client does, which may log in with Basic."""
    sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    if credentials:
        sent["Authorization"] = basic(*credentials)
    return request("POST", url, headers=sent, body=urlencode(form).encode())


def raw_exchange(address: tuple[str, int], sent: bytes, timeout: float = 20) -> HttpAnswer:
    """Sends bytes that no HTTP library would send, and parses the answer."""
    with socket.create_connection(address, timeout) as connection:
        # It may answer and close before it has read everything.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        received = _read_answer(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    _, status, reason = (lines[0] + "  ").split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return HttpAnswer(int(status), reason.strip(), headers, body)


def _read_answer(connection: socket.socket) -> bytes:
    """Reads until the announced length is there or the server closes."""
    received = b""
    while True:
        head, found, body = received.partition(b"\r\n\r\n")
        if found:
            announced = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if announced and len(body) >= int(announced[0].split(b":")[1]):
                return received
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not piece:
            return received
        received += piece


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def decode_token(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT. The signature is the registry's to check, and it does."""
    header, claims, _ = token.split(".")
    return _decode_part(header), _decode_part(claims)


def _decode_part(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded
