"""Many connections at once, each of which sends a request without ever finishing it."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field

PIECE = b"x" * 16_384


@dataclass(frozen=True)
class Unfinished:
    """The beginning of a request, and how many bytes of its body are sent."""

    address: tuple[str, int]
    head: bytes
    sent: int

    @staticmethod
    def post(
        address: tuple[str, int], path: str, length: int, sent: int, *headers: str, media_type: str
    ) -> Unfinished:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: x",
            f"Content-Type: {media_type}",
            f"Content-Length: {length}",
            *headers,
        ]
        return Unfinished(address, ("\r\n".join(lines) + "\r\n\r\n").encode(), sent)


@dataclass
class Flood:
    """Connections that stay open until the block ends or the server has enough of them."""

    requests: Sequence[Unfinished]
    answers: list[bytes] = field(default_factory=list)
    """What the server said, of each connection that it has closed, in no order."""
    refused: int = 0
    """Connections that did not come about, or ended without a word."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Flood:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._tasks = [asyncio.create_task(self._send(request)) for request in self.requests]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def waiting(self) -> int:
        """Connections that the server still waits for."""
        return sum(not task.done() for task in self._tasks)

    async def _send(self, request: Unfinished) -> None:
        try:
            reader, writer = await asyncio.open_connection(*request.address)
        except OSError:
            self.refused += 1
            return
        sending = asyncio.create_task(self._write(request, writer))
        try:
            answer = await reader.read(65_536)
            self.answers.append(answer)
        except OSError:
            self.refused += 1
        finally:
            sending.cancel()
            writer.transport.abort()

    async def _write(self, request: Unfinished, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(request.head)
            left = request.sent
            while left > 0:
                writer.write(PIECE[: min(left, len(PIECE))])
                left -= len(PIECE)
                await writer.drain()
        except OSError:
            pass
