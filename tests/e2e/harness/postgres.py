"""A PostgreSQL server of the tests' own, with a fresh data folder on a free loopback port.

Run as a program it starts one, sets TEST_POSTGRES_URL for a command, and stops it afterwards:
`python3 -m harness.postgres cargo test`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from harness.places import free_port
from harness.process import BackgroundProcess, run

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


def _programs() -> Path:
    """The newest installed PostgreSQL's programs, which Debian keeps out of PATH."""
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda path: float(path.parents[1].name), default=None)
    found = newest or shutil.which("initdb")
    assert found, "PostgreSQL is missing; run tests/install.sh"
    return Path(found).parent


def _as_other_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]


class Postgres:
    """One server; `create_database` gives the URL of a fresh, empty database."""

    def __init__(self) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._folder = Path(tempfile.mkdtemp(prefix="auth-service-postgres-"))
        self._data = self._folder / "data"
        self._databases = 0
        self._process: BackgroundProcess | None = None
        try:
            self._make_cluster()
            self.start()
        except BaseException:
            self.close()
            raise

    def _make_cluster(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self.password)
        self._data.mkdir(mode=0o700)
        self._user = _as_other_user()
        if self._user:
            owner = self._user[1].removeprefix("--reuid=")
            for path in (self._folder, self._data, password_file):
                shutil.chown(path, owner)
        initdb = [_programs() / "initdb", "--pgdata", self._data, "--username=tests"]
        options = ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-sync"]
        run([*self._user, *initdb, *options, "--locale=C.UTF-8"], cwd=self._folder).check()

    def start(self) -> None:
        """Starts it, or starts it again after `stop`, on the same port and data."""
        settings = [word for pair in SETTINGS.items() for word in ("-c", "=".join(pair))]
        server = [_programs() / "postgres", "-D", self._data, "-p", str(self.port), *settings]
        deathsig = ["--pdeathsig", "INT"] if self._user else []
        argv = [*self._user, *deathsig, *server]
        self._process = BackgroundProcess("postgres", argv, self._folder)
        self._process.wait_until(self._answers, "accepts connections", 30)

    def _answers(self) -> bool:
        ready = run([_programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)])
        return ready.succeeded

    def stop(self) -> None:
        """Ends every connection and the server; the data stay."""
        if self._process and self._process.exit_code is None:
            os.kill(self._process.pid, signal.SIGINT)  # its fast shutdown
            self._process.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Its processes exist, take connections, and do nothing."""
        assert self._process
        children = run(["ps", "-o", "pid=", "--ppid", str(self._process.pid)]).check().stdout.split()
        processes = [self._process.pid, *map(int, children)]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://tests:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"e2e_{self._databases}"
        execute(self.url(), f"CREATE DATABASE {name}")
        return self.url(name)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def psql(url: str) -> tuple[list[object], dict[str, str]]:
    """The command line and environment of a psql that talks to `url`, password not in argv."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}"))
    argv: list[object] = [_programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", bare]
    return argv, {"PGPASSWORD": parts.password or ""}


def execute(url: str, sql: str) -> str:
    """Runs one SQL text and returns the rows, one a line, columns divided by `|`."""
    argv, env = psql(url)
    return run([*argv, "-c", sql], env=env).check().stdout


def main() -> int:
    """Runs a command with TEST_POSTGRES_URL set."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    server = Postgres()
    try:
        env = {**os.environ, "TEST_POSTGRES_URL": server.url()}
        return subprocess.run(sys.argv[1:], env=env, check=False).returncode
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
