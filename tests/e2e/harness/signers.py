"""cosign and notation: they sign an image and push the signature beside it, without any network."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.client import Program
from harness.places import TOOLS, tool
from harness.process import Outcome, run


class Signer(Program):
    """Signs with a key of its own, which it makes first."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        if not (TOOLS / "bin" / self.name).exists():
            pytest.skip(f"no Debian suite had {self.name} when tests/install.sh ran")

    def sign(self, reference: str) -> Outcome:
        raise NotImplementedError


class Cosign(Signer):
    """cosign with a pair of keys; `elsewhere` names another repository for the signatures."""

    name = "cosign"

    def run(self, *words: str | Path, stdin: str | None = None, elsewhere: str = "") -> Outcome:
        env = {"DOCKER_CONFIG": str(self.home), "HOME": str(self.home), "COSIGN_PASSWORD": ""}
        if elsewhere:
            env["COSIGN_REPOSITORY"] = elsewhere
        return run([tool("cosign"), *words], stdin=stdin, env=env, timeout=170, cwd=self.home)

    def login(self, host: str, user: str, password: str) -> Outcome:
        return self.run("login", host, "-u", user, "--password-stdin", stdin=password)

    def sign(self, reference: str, elsewhere: str = "") -> Outcome:
        if not (self.home / "cosign.key").exists():
            self.run("generate-key-pair").check()
        offline = ("--tlog-upload=false", "--use-signing-config=false", "--yes")
        words = ("sign", *offline, "--key", "cosign.key", "--allow-http-registry", reference)
        return self.run(*words, elsewhere=elsewhere)

    def verify(self, reference: str) -> Outcome:
        offline = ("--insecure-ignore-tlog", "--allow-http-registry")
        return self.run("verify", *offline, "--key", "cosign.pub", reference)


class Notation(Signer):
    """notation with a certificate for tests; it uses the login that `docker login` leaves behind."""

    name = "notation"

    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome:
        home = str(self.home)
        env = {"DOCKER_CONFIG": home, "XDG_CONFIG_HOME": home, "HOME": home}
        return run([tool("notation"), *words], stdin=stdin, env=env, timeout=170, cwd=self.home)

    def login(self, host: str, user: str, password: str) -> Outcome:
        # `notation login` saves only into a keyring; crane writes the file that docker writes.
        argv = [tool("crane"), "auth", "login", host, "-u", user, "--password-stdin"]
        return run(argv, stdin=password, env={"DOCKER_CONFIG": str(self.home)})

    def sign(self, reference: str) -> Outcome:
        if not (self.home / "notation" / "localkeys").exists():
            self.run("cert", "generate-test", "--default", "tests.example").check()
        return self.run("sign", "--insecure-registry", reference)
