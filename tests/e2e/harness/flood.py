"""Many connections at once, each of which sends a request without ever finishing it."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from contextlib import suppress
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
    _done: set[int] = field(default_factory=set)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Flood:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._tasks = [
            asyncio.create_task(self._send(number, request)) for number, request in enumerate(self.requests)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until_all_is_sent(self, seconds: float = 60) -> None:
        """Until each connection has sent all that it sends, or was ended by the server."""
        async with asyncio.timeout(seconds):
            while len(self._done) < len(self.requests):
                await asyncio.sleep(0.02)

    async def until_answered(self, connections: int, seconds: float = 60) -> None:
        """Until so many connections were ended by the server."""
        async with asyncio.timeout(seconds):
            while len(self.answers) + self.refused < connections:
                await asyncio.sleep(0.02)

    async def _send(self, number: int, request: Unfinished) -> None:
        try:
            reader, writer = await asyncio.open_connection(*request.address)
        except OSError:
            self.refused += 1
            self._done.add(number)
            return
        sending = asyncio.create_task(self._write(number, request, writer))
        try:
            self.answers.append(await reader.read(65_536))
        except OSError:
            self.refused += 1
        finally:
            sending.cancel()
            self._done.add(number)
            writer.transport.abort()

    async def _write(self, number: int, request: Unfinished, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(request.head)
            for beginning in range(0, request.sent, len(PIECE)):
                writer.write(PIECE[: request.sent - beginning])
                await writer.drain()
        self._done.add(number)
