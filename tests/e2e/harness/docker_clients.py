"""docker: with the classic image store, with containerd's, and building with BuildKit."""

from __future__ import annotations

import re
from pathlib import Path

from harness.client import Client, Transfer, printed_digest
from harness.engine import DockerEngine
from harness.images import write_layer
from harness.places import TOOLS, tool
from harness.process import Outcome, run


class Docker(Client):
    """docker with the classic image store."""

    name = "docker"

    def __init__(self, home: Path, engine: DockerEngine) -> None:
        super().__init__(home)
        self._engine = engine

    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome:
        argv = [tool("docker"), "-H", self._engine.socket, *words]
        return run(argv, stdin=stdin, env={"DOCKER_CONFIG": str(self.home)}, timeout=170)

    def login(self, host: str, user: str, password: str) -> Outcome:
        return self.run("login", host, "-u", user, "--password-stdin", stdin=password)

    def make_image(self, reference: str, content: str) -> None:
        layer = write_layer(self.path("layer.tar"), content)
        self.run("import", layer, reference).check()

    def push(self, reference: str, content: str) -> Transfer:
        self.make_image(reference, content)
        return printed_digest(self.run("push", reference))

    def pull(self, reference: str) -> Transfer:
        self.run("image", "rm", "--force", reference)
        return printed_digest(self.run("pull", reference))


class DockerContainerd(Docker):
    """docker with containerd's image store, the default of newer engines."""

    name = "docker-containerd"


class Buildx(Docker):
    """docker buildx build --push, where BuildKit itself pushes; it pulls by building on top."""

    name = "buildx"

    def __init__(self, home: Path, engine: DockerEngine) -> None:
        super().__init__(home, engine)
        (home / "cli-plugins").symlink_to(TOOLS / "cli-plugins")

    def run_buildx(self, dockerfile: str, *words: str) -> Outcome:
        context = self.path("context")
        context.mkdir()
        (context / "Dockerfile").write_text(dockerfile)
        return self.run("buildx", "build", "--progress=plain", "--provenance=false", *words, context)

    def push(self, reference: str, content: str) -> Transfer:
        dockerfile = f"FROM scratch\nLABEL content={content!r}\nCOPY Dockerfile /\n"
        outcome = self.run_buildx(dockerfile, "--push", "--tag", reference)
        pushed = re.findall(r"(?:pushing manifest for \S+@|exporting manifest )(sha256:\w+)", outcome.text)
        return Transfer(outcome, pushed[-1] if pushed else "")

    def pull(self, reference: str) -> Transfer:
        outcome = self.run_buildx(
            f"FROM {reference}\nLABEL on=top\n", "--pull", "--output=type=tar,dest=/dev/null"
        )
        return printed_digest(outcome)
