"""Helm, which pushes charts: its own code, as a library that harness/helm_program.py puts to work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.client import Client, Transfer
from harness.places import TOOLS
from harness.process import Outcome, run

PROGRAM = Path(__file__).with_name("helm_program.py")
LIBRARY = TOOLS / "venv-helm"


class Helm(Client):
    """Helm with a chart instead of an image; name and version of the chart are those of the reference."""

    name = "helm"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        if not list(LIBRARY.glob("lib/*/site-packages/helm_python")):
            pytest.skip("helm-python-sdk has no package for this kind of machine")

    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome:
        argv = [LIBRARY / "bin" / "python", PROGRAM, *words]
        return run(argv, stdin=stdin, env={"HOME": str(self.home)}, timeout=170, cwd=self.home)

    def login(self, host: str, user: str, password: str) -> Outcome:
        return self.run("login", host, user, stdin=password)

    def push(self, reference: str, content: str) -> Transfer:
        where, name, version = parts_of(reference)
        outcome = self.run("push", self._write_chart(name, version, content), where)
        said = re.search(r"Digest: (sha256:\w+)", outcome.text)
        return Transfer(outcome, said[1] if said else "")

    def _write_chart(self, name: str, version: str, content: str) -> Path:
        chart = self.path("chart")
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
        (chart / "templates" / "content.yaml").write_text(f"# {content}\n")
        return chart

    def pull(self, reference: str) -> Transfer:
        where, name, version = parts_of(reference)
        target = self.path("pulled")
        target.mkdir()
        outcome = self.run("pull", f"{where}/{name}", version, target)
        said = re.search(r"Digest: (sha256:\w+)", outcome.text)
        return Transfer(outcome, said[1] if said else "")


def parts_of(reference: str) -> tuple[str, str, str]:
    """What Helm calls the remote, the chart, and its version."""
    repository, _, version = reference.rpartition(":")
    folder, _, name = repository.rpartition("/")
    return f"oci://{folder}", name, version
