"""The stock clients by name, in the order of the documentation; engines start when first needed."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path

from harness.client import Client
from harness.docker_clients import Buildx, Docker, DockerContainerd
from harness.engine import DockerEngine
from harness.helm import Helm
from harness.other_clients import Crane, Oras, Podman, Skopeo
from harness.process import remove_tree
from harness.signers import Cosign, Notation

NAMES = ("docker", "docker-containerd", "podman", "skopeo", "crane", "oras")
"""Every client that logs in, pushes and pulls images; buildx, which builds, and helm are made by name too."""


class Clients:
    """Makes clients without a login, each with a home of its own; `close` ends the engines."""

    def __init__(self) -> None:
        # podman takes no path of more than 50 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="auth-clients-", dir="/tmp"))
        self._engines: list[DockerEngine] = []
        self._made = 0

    @cached_property
    def classic_engine(self) -> DockerEngine:
        return self._engine(containerd_store=False)

    @cached_property
    def containerd_engine(self) -> DockerEngine:
        return self._engine(containerd_store=True)

    def _engine(self, *, containerd_store: bool) -> DockerEngine:
        engine = DockerEngine(containerd_store)
        self._engines.append(engine)
        return engine

    def _home(self, name: str) -> Path:
        self._made += 1
        return self._folder / f"{name}-{self._made}"

    def cosign(self) -> Cosign:
        return Cosign(self._home("cosign"))

    def notation(self) -> Notation:
        return Notation(self._home("notation"))

    def make(self, name: str) -> Client:
        """A client of this name that nobody is logged in with."""
        home = self._home(name)
        match name:
            case "docker":
                return Docker(home, self.classic_engine)
            case "docker-containerd":
                return DockerContainerd(home, self.containerd_engine)
            case "buildx":
                return Buildx(home, self.containerd_engine)
            case "podman":
                return Podman(home, self._folder / "podman")
            case "skopeo":
                return Skopeo(home)
            case "crane":
                return Crane(home)
            case "oras":
                return Oras(home)
            case "helm":
                return Helm(home)
        raise ValueError(f"there is no client called {name}")

    def close(self) -> None:
        for engine in self._engines:
            engine.close()
        remove_tree(self._folder)
