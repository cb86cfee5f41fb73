"""podman, skopeo, crane and oras: the clients that talk to the registry by themselves."""

from __future__ import annotations

import json
from pathlib import Path

from harness.client import DIGEST, Client, Transfer, printed_digest
from harness.images import OciLayout, digest_of, write_layer
from harness.places import tool
from harness.process import Outcome, run


def write_empty_login(home: Path) -> Path:
    """podman does not start with a login file that is not there."""
    path = home / "auth.json"
    path.write_text("{}")
    return path


class Podman(Client):
    """podman; its images lie in the tests' own storage."""

    name = "podman"

    def __init__(self, home: Path, storage: Path) -> None:
        super().__init__(home)
        self._storage = storage
        self._credentials = {"REGISTRY_AUTH_FILE": str(write_empty_login(home))}

    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome:
        where = ["--root", self._storage / "root", "--runroot", self._storage / "run"]
        kind = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        argv = ["podman", *where, *kind, *words]
        return run(argv, stdin=stdin, env=self._credentials, timeout=170)

    def login(self, host: str, user: str, password: str) -> Outcome:
        words = ("login", "--tls-verify=false", "-u", user, "--password-stdin", host)
        return self.run(*words, stdin=password)

    def push(self, reference: str, content: str) -> Transfer:
        layer = write_layer(self.path("layer.tar"), content)
        self.run("import", layer, reference).check()
        digest = self.path("digest")
        outcome = self.run("push", "--tls-verify=false", "--digestfile", digest, reference)
        return Transfer(outcome, digest.read_text().strip() if outcome.succeeded else "")

    def pull(self, reference: str) -> Transfer:
        # With a local image of the same content podman would print that one's digest.
        self.run("image", "rm", "--all", "--force")
        outcome = self.run("pull", "--tls-verify=false", reference)
        if not outcome.succeeded:
            return Transfer(outcome)
        seen = self.run("image", "inspect", "--format", "{{.Digest}}", reference)
        return Transfer(outcome, seen.stdout.strip())


class Skopeo(Client):
    """skopeo, between a folder and the registry."""

    name = "skopeo"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._credentials = {"REGISTRY_AUTH_FILE": str(write_empty_login(home))}

    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome:
        return run(["skopeo", *words], stdin=stdin, env=self._credentials, timeout=170)

    def login(self, host: str, user: str, password: str) -> Outcome:
        words = ("login", "--tls-verify=false", "-u", user, "--password-stdin", host)
        return self.run(*words, stdin=password)

    def push(self, reference: str, content: str) -> Transfer:
        return self.push_layout(reference, OciLayout.of_image(self.path("layout"), content))

    def push_layout(self, reference: str, layout: OciLayout) -> Transfer:
        digest = self.path("digest")
        options = ("--dest-tls-verify=false", "--all", "--preserve-digests", "--digestfile", digest)
        outcome = self.run("copy", *options, f"oci:{layout.folder}:latest", f"docker://{reference}")
        return Transfer(outcome, digest.read_text().strip() if outcome.succeeded else "")

    def pull(self, reference: str) -> Transfer:
        target = self.path("image")
        source = f"docker://{reference}"
        outcome = self.run("copy", "--all", "--src-tls-verify=false", source, f"dir:{target}")
        manifest = target / "manifest.json"
        return Transfer(outcome, digest_of(manifest.read_bytes()) if outcome.succeeded else "")


class Crane(Client):
    """crane; its `auth login` only writes a file and asks nobody."""

    name = "crane"
    login_asks_the_service = False

    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome:
        return run([tool("crane"), *words], stdin=stdin, env={"DOCKER_CONFIG": str(self.home)}, timeout=170)

    def login(self, host: str, user: str, password: str) -> Outcome:
        return self.run("auth", "login", host, "-u", user, "--password-stdin", stdin=password)

    def push(self, reference: str, content: str) -> Transfer:
        return self.push_layout(reference, OciLayout.of_image(self.path("layout"), content))

    def push_layout(self, reference: str, layout: OciLayout) -> Transfer:
        return printed_digest(self.run("push", layout.folder, reference))

    def pull(self, reference: str) -> Transfer:
        target = self.path("image")
        outcome = self.run("pull", "--format=oci", reference, target)
        index = target / "index.json"
        found = DIGEST.search(index.read_text()) if outcome.succeeded else None
        return Transfer(outcome, found[0] if found else "")


class Oras(Client):
    """oras, with a file instead of an image."""

    name = "oras"

    def run(self, *words: str | Path, stdin: str | None = None, cwd: Path | None = None) -> Outcome:
        env = {"DOCKER_CONFIG": str(self.home)}
        return run([tool("oras"), *words], stdin=stdin, env=env, timeout=170, cwd=cwd)

    def login(self, host: str, user: str, password: str) -> Outcome:
        words = ("login", "--plain-http", host, "-u", user, "--password-stdin")
        return self.run(*words, stdin=password)

    def push(self, reference: str, content: str) -> Transfer:
        (self.home / "content.txt").write_text(content)
        words = ("push", "--plain-http", reference, "content.txt:text/plain")
        return printed_digest(self.run(*words, cwd=self.home))

    def pull(self, reference: str) -> Transfer:
        words = ("pull", "--plain-http", "--format=json", reference, "-o", self.path("pulled"))
        outcome = self.run(*words)
        pulled = json.loads(outcome.stdout)["reference"] if outcome.succeeded else ""
        return Transfer(outcome, pulled.partition("@")[2])
