"""auth-service as an operator runs it: a configuration file, the command line, `serve`."""

from __future__ import annotations

import json
import secrets
from copy import deepcopy
from pathlib import Path
from typing import Any

from harness.places import free_port, service_binary
from harness.process import BackgroundProcess, Outcome, run

Settings = dict[str, dict[str, Any]]
SERVICE_NAME = "registry.test"


def to_toml(settings: Settings) -> str:
    """Strings, numbers, booleans and lists of them look in TOML as they do in JSON."""
    lines = []
    for section, keys in settings.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def default_settings(folder: Path, database_url: str, registry_port: int) -> Settings:
    """The smallest configuration that an installation on one machine needs."""
    port = free_port()
    return {
        "http": {"listen": f"127.0.0.1:{port}"},
        "ops": {"listen": f"127.0.0.1:{free_port()}"},
        "database": {"url": database_url},
        "token": {
            "issuer": SERVICE_NAME,
            "service": SERVICE_NAME,
            "realm": f"http://127.0.0.1:{port}/token",
            "lifetime": 300,
        },
        "keys": {"directory": str(folder / "keys")},
        "registry": {"host": f"127.0.0.1:{registry_port}", "url": f"http://127.0.0.1:{registry_port}"},
        "webhook": {"secret": secrets.token_hex(24)},
    }


class Service:
    """One configuration file and at most one running `serve`."""

    def __init__(self, folder: Path, settings: Settings, name: str = "service") -> None:
        self.folder = folder
        self.settings = settings
        self.name = name
        self.config = folder / f"{name}.toml"
        self.config.write_text(to_toml(settings))
        self.config.chmod(0o600)
        self.url = "http://" + settings["http"]["listen"]
        self.ops_url = "http://" + settings["ops"]["listen"]
        self.webhook_secret = str(settings["webhook"]["secret"])
        self.launcher: list[str] = []
        """Words that `serve` is started with, such as those of `limited_memory`."""
        self._process: BackgroundProcess | None = None

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.settings["http"]["listen"].split(":")
        return host, int(port)

    def cli(self, *words: str, stdin: str | None = None, timeout: float = 60) -> Outcome:
        """One command on the command line."""
        argv = [service_binary(), "--config", self.config, *words]
        return run(argv, stdin=stdin, timeout=timeout, cwd=self.folder)

    def cli_json(self, *words: str) -> Any:
        """The JSON value that a command prints."""
        return json.loads(self.cli("--json", *words).check().stdout)

    def serve(self) -> dict[str, Any]:
        """Starts the server and returns the line that it prints when it is ready."""
        argv = [*self.launcher, service_binary(), "--config", self.config, "serve", "--json"]
        process = BackgroundProcess(self.name, argv, self.folder)
        printed_before = len(process.stdout_path.read_text())
        self._process = process

        def line() -> str:
            text = process.stdout_path.read_text()[printed_before:]
            return text if text.endswith("\n") else ""

        ready: dict[str, Any] = json.loads(process.wait_until(line, "says that it is ready"))
        return ready

    @property
    def process(self) -> BackgroundProcess:
        assert self._process, "the service was never started"
        return self._process

    def log(self) -> str:
        return self._process.log() if self._process else ""

    def stop(self) -> int | None:
        return self._process.stop() if self._process else None

    def kill(self) -> None:
        self.process.kill()

    def sibling(self) -> Service:
        """A second process on the same database and keys, with addresses of its own."""
        settings = deepcopy(self.settings)
        settings["http"]["listen"] = f"127.0.0.1:{free_port()}"
        settings["ops"]["listen"] = f"127.0.0.1:{free_port()}"
        return Service(self.folder, settings, name=f"{self.name}-sibling")
