"""A trap: a loopback port that writes down who connects, to prove that nobody did."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass

from harness.process import wait_until

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Connection:
    """One connection, noted as soon as it is accepted; the bytes come when they come."""

    peer_port: int
    first_bytes: bytes = b""


class Listener:
    """Takes every connection and answers each with 404 once something was sent."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, (_, peer_port) = self._socket.accept()
            except OSError:
                return
            connection = Connection(peer_port)
            self.connections.append(connection)
            threading.Thread(target=_answer, args=(accepted, connection), daemon=True).start()

    def wait_for_connection(self) -> Connection:
        """The first one that sends something."""
        wait_until(lambda: any(seen.first_bytes for seen in self.connections), "somebody connects")
        return next(seen for seen in self.connections if seen.first_bytes)

    def assert_that_nobody_connected(self) -> None:
        """A connection of our own goes last through the queue, so none can still be waiting in it."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as own:
            port = own.getsockname()[1]
            wait_until(lambda: self.connections and self.connections[-1].peer_port == port, "it is accepted")
        others = [seen for seen in self.connections if seen.peer_port != port]
        self.connections.pop()
        assert not others, f"somebody connected to {self.url}: {others[:3]}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._socket.close()


def _answer(accepted: socket.socket, connection: Connection) -> None:
    with accepted:
        accepted.settimeout(20)
        try:
            connection.first_bytes = accepted.recv(4096)
            if connection.first_bytes:
                accepted.sendall(NOT_FOUND)
        except OSError:
            pass  # it was noted all the same
