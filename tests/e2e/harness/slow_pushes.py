"""Pushes that outlive their token, one with each client, all at the same time and in the background.

The shortest lifetime that can be configured is 60 s, and the registry accepts a token for 60 s
more, so the layers go through links so slow that they take longer than that.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass

from harness.client import Client, Transfer
from harness.clients import NAMES, Clients
from harness.relay import SlowLink
from harness.stack import Stack, User

LIFETIME, LEEWAY, MARGIN = 60, 60, 8
BYTES_PER_SECOND = 8_000


def text_for(seconds: int, seed: str) -> str:
    """A text that the slow link needs so long for; of 8 bits 7 are random, so gzip saves an eighth."""
    random_bytes = random.Random(seed).randbytes(BYTES_PER_SECOND * seconds * 8 // 7)
    return "".join(chr(byte & 127) for byte in random_bytes)


@dataclass(frozen=True)
class SlowPush:
    """What became of one push."""

    item: str
    transfer: Transfer
    seconds: float


class SlowPushes:
    """Started at the beginning of a session and looked at in the end."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        # Engines and storage of their own: other tests throw away every image they have.
        self._clients = Clients()
        self._links: list[SlowLink] = []
        self._threads: list[threading.Thread] = []
        self._done: dict[str, SlowPush] = {}

    def start(self) -> None:
        owner = self.stack.add_user("owner")
        project = self.stack.add_project(owner)
        for name in NAMES:
            self._begin(self._clients.make(name), owner, f"{project}/{name}")

    def _begin(self, client: Client, owner: User, item: str) -> None:
        host, port = self.stack.host.split(":")
        link = SlowLink((host, int(port)), BYTES_PER_SECOND)
        self._links.append(link)
        client.login(link.host, owner.name, owner.password).check()

        def push() -> None:
            began = time.monotonic()
            text = text_for(LIFETIME + LEEWAY + MARGIN, client.name)
            transfer = client.push(f"{link.host}/{item}:v1", text)
            self._done[client.name] = SlowPush(item, transfer, time.monotonic() - began)

        self._threads.append(threading.Thread(target=push, daemon=True))
        self._threads[-1].start()

    def results(self, timeout: float) -> dict[str, SlowPush]:
        """Each client's push by its name, once all are done or the timeout has passed."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        return dict(self._done)

    def close(self) -> None:
        for link in self._links:
            link.close()
        self._clients.close()
