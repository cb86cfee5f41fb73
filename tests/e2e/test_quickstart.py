"""`auth-service quickstart`: one command, the lines that it prints, and everything that can go wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from harness.engine import DockerEngine
from harness.places import TOOLS, free_port, service_binary
from harness.process import BackgroundProcess, Outcome, run, wait_until
from harness.registry import registry_program

NOBODY = 65534
REGISTRIES = ("2.8", *(["3"] if os.environ.get("REGISTRY_V3") else []))


def is_running(pid: int) -> bool:
    """Whether there is such a process that is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Quickstart:
    """One data folder, started and stopped as a person would."""

    def __init__(self, folder: Path, registry: str = "2.8") -> None:
        self.folder = folder
        self.data = folder / "auth-service-data"
        self.service_port, self.registry_port = free_port(), free_port()
        self.program = registry_program(registry)
        self._starts = 0
        self._process: BackgroundProcess | None = None

    def command(self, *options: object) -> list[object]:
        return [service_binary(), "quickstart", "--registry-binary", self.program, *options]

    def ports(self) -> list[object]:
        return ["--port", self.service_port, "--registry-port", self.registry_port]

    def start(self, *options: object) -> Quickstart:
        """Starts it in the folder and waits until the lines are printed."""
        self._starts += 1
        # A variable that the registry would take for a part of its configuration, and podman's own name
        # for something else.
        env = {"REGISTRY_AUTH_FILE": "/nonexistent", "REGISTRY_HTTP_ADDR": "127.0.0.1:1"}
        name = f"quickstart-{self._starts}"
        self._process = BackgroundProcess(name, self.command(*options), self.folder, env)
        self._process.wait_until(lambda: self.printed().endswith("\n"), "prints its lines", 40)
        return self

    @property
    def process(self) -> BackgroundProcess:
        assert self._process
        return self._process

    def printed(self) -> str:
        return self.process.stdout_path.read_text()

    def end(self) -> int:
        """Waits for the end, which somebody else has asked for, and returns the exit code."""
        wait_until(lambda: self.process.exit_code is not None, "quickstart ends", 20)
        return self.process.stop()

    def registry_pid(self) -> int:
        [pid] = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(pid)

    def block(self, title: str) -> str:
        """The lines below a title, as somebody would copy them."""
        found = re.search(rf"^{title}[^\n]*:\n\n((?:  .+\n)+)", self.printed(), re.MULTILINE)
        assert found, f"no {title!r} in:\n{self.printed()}"
        return found[1]

    def paste(self, title: str, env: Mapping[str, str]) -> Outcome:
        """Runs a block literally, up to the first line that fails."""
        return run(["bash", "-e"], stdin=self.block(title), env=env, timeout=120, cwd=self.folder)

    def cli(self, *words: str) -> Outcome:
        return run([service_binary(), "--config", self.data / "auth-service.toml", *words])

    def refused(self, *options: object, prefix: tuple[object, ...] = ()) -> str:
        """Starts it in vain and returns the one sentence that it ends with."""
        outcome = run([*prefix, *self.command(*options)], timeout=60, cwd=self.folder)
        assert outcome.exit_code == 1, outcome.text
        assert outcome.stdout == ""
        lines = outcome.stderr.splitlines()
        assert len(lines) == 1, outcome.stderr
        return lines[0]

    def close(self) -> None:
        if self._process:
            self._process.kill()


@pytest.fixture
def new_quickstart(tmp_path: Path) -> Iterator[Callable[..., Quickstart]]:
    """Makes quickstarts in folders of their own, not started yet."""
    made: list[Quickstart] = []

    def make(registry: str = "2.8") -> Quickstart:
        folder = tmp_path / f"it's number {len(made)}"
        folder.mkdir()
        made.append(Quickstart(folder, registry))
        return made[-1]

    yield make
    for quickstart in made:
        quickstart.close()


@pytest.fixture
def quickstart(new_quickstart: Callable[..., Quickstart]) -> Quickstart:
    """One that is not started yet."""
    return new_quickstart()


@pytest.fixture(params=[False, True], ids=["classic", "containerd"])
def docker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which `docker` is an engine of this test's own."""
    engine = DockerEngine(containerd_store=request.param)
    path = f"{TOOLS}/bin:{os.environ['PATH']}"
    yield {"PATH": path, "DOCKER_HOST": engine.socket, "DOCKER_CONFIG": str(tmp_path / "docker")}
    engine.close()


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which `podman` has images and logins of this test's own."""
    # podman's paths may not be long.
    folder = Path(tempfile.mkdtemp(prefix="qs-"))
    login = folder / "auth.json"
    login.write_text("{}")
    storage = folder / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
    )
    settings = folder / "containers.conf"
    settings.write_text('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n')
    yield {
        "REGISTRY_AUTH_FILE": str(login),
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(settings),
    }
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_docker_lines_work_as_they_stand(
    new_quickstart: Callable[..., Quickstart], docker: dict[str, str], registry: str
) -> None:
    quickstart = new_quickstart(registry)
    quickstart.start(*quickstart.ports())
    outcome = quickstart.paste("Make an image", docker).check()
    assert "Login Succeeded" in outcome.text
    assert "Downloaded newer image" in outcome.text
    wait_until(lambda: "v1" in quickstart.paste("See what happened", {}).check().text, "the tag is known")
    assert "push" in quickstart.paste("See what happened", {}).check().text


@pytest.mark.parametrize("registry", REGISTRIES)
def test_podman_lines_work_as_they_stand(
    new_quickstart: Callable[..., Quickstart], podman: dict[str, str], registry: str
) -> None:
    quickstart = new_quickstart(registry)
    quickstart.start(*quickstart.ports())
    outcome = quickstart.paste("With podman", podman).check()
    assert "Login Succeeded" in outcome.text
    wait_until(lambda: "v1" in quickstart.paste("See what happened", {}).check().text, "the tag is known")


def test_everything_is_private_and_no_secret_is_shown(quickstart: Quickstart) -> None:
    quickstart.start(*quickstart.ports())
    shared = [
        path
        for path in [quickstart.data, *quickstart.data.rglob("*")]
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    certificates = [path for path in shared if path.suffix == ".pem"]
    assert not any("PRIVATE" in path.read_text() for path in certificates)
    # They, and the name of the one in use, are for everybody, but within a folder that is not.
    assert {path.name for path in set(shared) - set(certificates)} == {"current"}
    password = (quickstart.data / "admin-password").read_text().strip()
    assert re.fullmatch(r"[2-9A-HJ-NP-Za-km-z]{24}", password)
    registry = Path(f"/proc/{quickstart.registry_pid()}")
    seen = quickstart.printed() + quickstart.process.log()
    seen += (registry / "cmdline").read_text() + (registry / "environ").read_text()
    for name in ("admin-password", "webhook-secret", "registry-http-secret"):
        secret = (quickstart.data / name).read_text().strip()
        assert len(secret) >= 24
        assert secret not in seen, name
    assert "registry | " in seen
    assert "Authorization:[Bearer ********]" in seen


def test_a_second_start_finds_everything_and_takes_other_ports(quickstart: Quickstart) -> None:
    first = json.loads(quickstart.start("--json", *quickstart.ports()).printed())
    assert first["registry"] == f"127.0.0.1:{quickstart.registry_port}"
    assert first["http"] == f"127.0.0.1:{quickstart.service_port}"
    assert first["data"] == str(quickstart.data)
    names = ("admin-password", "webhook-secret", "keys/current", "keys/bundle.pem", "auth-service.toml")
    contents = [(quickstart.data / name).read_text() for name in names]
    quickstart.cli("user", "list").check()
    assert quickstart.process.stop() == 0
    users = quickstart.cli("--json", "user", "list").check().stdout

    assert json.loads(quickstart.start("--json").printed()) == first
    assert quickstart.process.stop() == 0
    assert [(quickstart.data / name).read_text() for name in names] == contents

    port = free_port()
    quickstart.start("--registry-port", port)
    printed = quickstart.printed()
    assert f"docker push 127.0.0.1:{port}/" in printed
    assert f"{quickstart.registry_port}" not in printed
    assert f"http://{first['http']}/token" in printed
    assert str(quickstart.data / "admin-password") in printed
    assert contents[0].strip() not in printed
    assert quickstart.cli("--json", "user", "list").check().stdout == users


@pytest.mark.parametrize("flag", ["--port", "--registry-port"])
def test_a_port_in_use(quickstart: Quickstart, flag: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        options = [*quickstart.ports(), flag, port]
        # Each flag may be given once.
        index = options.index(flag)
        del options[index : index + 2]
        refusal = quickstart.refused(*options)
    assert f"port {port} is in use by another program" in refusal
    assert flag in refusal
    assert not (quickstart.data / "keys").exists()


def test_a_missing_or_wrong_registry(quickstart: Quickstart, tmp_path: Path) -> None:
    words = [service_binary(), "quickstart", *quickstart.ports()]
    missing = run(words, env={"PATH": str(tmp_path)}, cwd=quickstart.folder)
    assert missing.exit_code == 1
    assert len(missing.stderr.splitlines()) == 1, missing.stderr
    assert "deploy/quickstart.sh" in missing.stderr
    assert "package docker-registry" in missing.stderr
    for program, text in [(tmp_path / "none", "cannot run"), ("/bin/true", "is not the distribution registry")]:
        quickstart.program = Path(program)
        assert text in quickstart.refused(*quickstart.ports())


def test_a_folder_that_cannot_be_written_to(quickstart: Quickstart, tmp_path: Path) -> None:
    # What nobody may enter is no test of what nobody may write to.
    place = Path(tempfile.mkdtemp(prefix="qs-", dir="/tmp"))
    program = place / "auth-service"
    shutil.copy(service_binary(), program)
    data = place / "data"
    data.mkdir()
    foreign = place / "foreign"
    foreign.mkdir()
    for path, mode in [(place, 0o755), (data, 0o555), (foreign, 0o755), (program, 0o755)]:
        path.chmod(mode)
    os.chown(data, NOBODY, NOBODY)
    texts = {data: "cannot write to", foreign: "belongs to another user", place / "new": "cannot make"}
    try:
        for folder, text in texts.items():
            argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", program]
            outcome = run([*argv, "quickstart", "--data", folder, *quickstart.ports()], cwd=Path("/"))
            assert outcome.exit_code == 1
            assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
            assert text in outcome.stderr
            assert "--data" in outcome.stderr
    finally:
        shutil.rmtree(place)


def test_a_folder_in_use(quickstart: Quickstart) -> None:
    quickstart.start(*quickstart.ports())
    refusal = quickstart.refused()
    assert f"in use by a quickstart that runs already (process {quickstart.process.pid})" in refusal
    assert is_running(quickstart.registry_pid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_stops_the_registry_first(quickstart: Quickstart, number: signal.Signals) -> None:
    quickstart.start(*quickstart.ports())
    registry = quickstart.registry_pid()
    os.kill(quickstart.process.pid, number)
    # As `timeout` does, which sends it to the group too.
    os.kill(quickstart.process.pid, number)
    wait_until(lambda: not is_running(registry), "the registry ends")
    assert quickstart.end() == 0
    log = quickstart.process.log()
    assert "stopping the registry, then the service" in log
    assert log.rstrip().endswith("stopped")
    quickstart.start()


def test_ctrl_c_in_a_terminal_reaches_the_service_alone(quickstart: Quickstart) -> None:
    quickstart.start(*quickstart.ports())
    registry = quickstart.registry_pid()
    assert os.getpgid(registry) == registry
    # What a terminal does: the signal goes to the whole foreground group.
    os.killpg(os.getpgid(quickstart.process.pid), signal.SIGINT)
    assert quickstart.end() == 0
    assert not is_running(registry)


def test_a_second_signal_ends_both_at_once(quickstart: Quickstart) -> None:
    quickstart.start(*quickstart.ports())
    registry = quickstart.registry_pid()
    # A registry that does not react to SIGTERM.
    os.kill(registry, signal.SIGSTOP)
    os.kill(quickstart.process.pid, signal.SIGINT)
    quickstart.process.wait_until(
        lambda: "stopping the registry" in quickstart.process.log(), "the first signal is noted"
    )

    def insist() -> bool:
        os.kill(quickstart.process.pid, signal.SIGINT)
        return quickstart.process.exit_code is not None

    wait_until(insist, "the second signal is obeyed")
    assert quickstart.end() == 1
    assert "second signal" in quickstart.process.log()
    wait_until(lambda: not is_running(registry), "the registry is killed")


def test_kill_9_leaves_no_orphan(quickstart: Quickstart) -> None:
    quickstart.start(*quickstart.ports())
    registry = quickstart.registry_pid()
    quickstart.process.kill()
    wait_until(lambda: not is_running(registry), "the registry is killed too")
    # And the next start is not in the way of the last one.
    quickstart.start()


def test_a_registry_that_dies_ends_the_whole(quickstart: Quickstart) -> None:
    quickstart.start(*quickstart.ports())
    os.kill(quickstart.registry_pid(), signal.SIGKILL)
    assert quickstart.end() == 1
    lines = quickstart.process.log().splitlines()
    assert "auth-service: the registry has ended by itself (signal: 9 (SIGKILL))" in lines[-1]
    assert any(line.startswith("registry | ") for line in lines[-10:])


def test_a_registry_that_does_not_start_is_heard(quickstart: Quickstart) -> None:
    fake = quickstart.folder / "registry"
    fake.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --version ] && { echo github.com/docker/distribution 2.8.3; exit; }\n'
        "echo the disk is made of cheese; exit 3\n"
    )
    fake.chmod(0o755)
    quickstart.program = fake
    outcome = run(quickstart.command(*quickstart.ports()), timeout=60, cwd=quickstart.folder)
    assert outcome.exit_code == 1
    assert outcome.stdout == ""
    assert outcome.stderr.splitlines()[-2] == "registry | the disk is made of cheese"
    assert "exit status: 3" in outcome.stderr.splitlines()[-1]


def test_events_of_a_push_just_before_the_end_are_kept(
    quickstart: Quickstart, podman: dict[str, str]
) -> None:
    quickstart.start(*quickstart.ports())
    lines = quickstart.block("With podman").splitlines(keepends=True)[:3]
    stop = f"kill -TERM {quickstart.process.pid}\n"
    run(["bash", "-e"], stdin="".join(lines) + stop, env=podman, timeout=120).check()
    assert quickstart.end() == 0
    tags = quickstart.cli("--json", "repository", "tags", "syn2000001/hello").check().stdout
    assert "v1" in tags


def test_the_guard_is_of_no_use_to_others() -> None:
    outcome = run([service_binary(), "registry-guard", "1", "/bin/true"])
    assert outcome.exit_code == 1
    assert "its quickstart has ended" in outcome.stderr
    assert "registry-guard" not in run([service_binary(), "--help"]).text


def test_a_configuration_beside_the_folder_is_refused(quickstart: Quickstart) -> None:
    outcome = run([*quickstart.command(), "--config", "/nonexistent.toml"])
    assert outcome.exit_code == 2
    assert "--data" in outcome.stderr
