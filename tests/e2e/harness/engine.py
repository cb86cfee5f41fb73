"""A docker engine of the tests' own, apart from any other on the machine.

It has its own data, its own socket and its own network bridge: without a bridge named, an engine
takes away the `docker0` of the machine's engine; with iptables on, it rewrites that one's rules.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from harness.places import TOOLS, tool
from harness.process import BackgroundProcess, remove_tree, run

BRIDGE_PREFIX = "ase2e"


def _remove_bridges_of_dead_runs() -> None:
    for path in Path("/sys/class/net").glob(f"{BRIDGE_PREFIX}*"):
        owner = path.name.removeprefix(BRIDGE_PREFIX).split("n")[0]
        if not Path(f"/proc/{owner}").exists():
            run(["ip", "link", "delete", path.name])


class DockerEngine:
    """dockerd with the classic image store or with containerd's."""

    _started = 0

    def __init__(self, containerd_store: bool) -> None:
        assert os.geteuid() == 0, "a docker engine can only be started by root"
        _remove_bridges_of_dead_runs()
        number = DockerEngine._started = DockerEngine._started + 1
        self._folder = Path(tempfile.mkdtemp(prefix="auth-service-docker-"))
        self.socket = f"unix://{self._folder}/docker.sock"
        self._bridge = f"{BRIDGE_PREFIX}{os.getpid()}n{number}"
        self._process: BackgroundProcess | None = None
        try:
            self._add_bridge(number)
            self._start(containerd_store)
        except BaseException:
            self.close()
            raise

    def _add_bridge(self, number: int) -> None:
        address = f"10.{200 + number}.{os.getpid() % 250}.1/24"
        run(["ip", "link", "add", self._bridge, "type", "bridge"]).check()
        run(["ip", "addr", "add", address, "dev", self._bridge]).check()
        run(["ip", "link", "set", self._bridge, "up"]).check()

    def _start(self, containerd_store: bool) -> None:
        settings = {
            "data-root": f"{self._folder}/data",
            "exec-root": f"{self._folder}/exec",
            "pidfile": f"{self._folder}/docker.pid",
            "hosts": [self.socket],
            "bridge": self._bridge,
            "iptables": False,
            "ip6tables": False,
            "ip-forward": False,
            "ip-masq": False,
            "userland-proxy": False,
            "features": {"containerd-snapshotter": containerd_store},
        }
        config = self._folder / "daemon.json"
        config.write_text(json.dumps(settings))
        env = {"PATH": f"{TOOLS}/bin:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1"}
        argv = [tool("dockerd"), "--config-file", config]
        self._process = BackgroundProcess("dockerd", argv, self._folder, env)
        self._process.wait_until(self._answers, "answers", 60)

    def _answers(self) -> bool:
        env = {"DOCKER_CONFIG": str(self._folder)}
        return run([tool("docker"), "-H", self.socket, "version"], env=env).succeeded

    def close(self) -> None:
        if self._process:
            self._process.stop(grace=20)
        run(["ip", "link", "delete", self._bridge])
        for mounted in _mounts_below(self._folder):
            run(["umount", "--lazy", mounted])
        remove_tree(self._folder)


def _mounts_below(folder: Path) -> list[str]:
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((path for path in mounted if path.startswith(f"{folder}/")), reverse=True)
