"""Where things are: the repository, the unpacked tools, the program under test, free ports."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
TOOLS = Path(os.environ.get("AUTH_SERVICE_TOOLS") or _cache / "auth-service-tests")


def tool(name: str) -> Path:
    """A program that tests/install.sh unpacked."""
    path = TOOLS / "bin" / name
    assert path.exists(), f"{path} is missing; run tests/install.sh"
    return path


def service_binary() -> Path:
    """The program under test: $AUTH_SERVICE_BINARY, else the release build, else the debug build."""
    named = os.environ.get("AUTH_SERVICE_BINARY")
    built = [REPOSITORY / "target" / kind / "auth-service" for kind in ("release", "debug")]
    for path in [Path(named)] if named else built:
        if path.exists():
            return path
    raise AssertionError("auth-service is not built; run cargo build --release")


_handed_out: set[int] = set()
_range = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()


def free_port() -> int:
    """A loopback port that nobody listens on and that no other part of this run was given.

    It is below those that the system gives to outgoing connections, of which one could have it before the
    server that it is meant for.
    """
    while True:
        port = random.randrange(10_000, int(_range[0]))
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
