"""Writes docs/CLIENTS.md: what each stock client prints, taken from a real run.

cd tests/e2e && ~/.cache/auth-service-tests/venv/bin/python clients_table.py > ../../docs/CLIENTS.md
"""

from __future__ import annotations

import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from client_cases import CASES, Case, Scene, printed
from harness.clients import Clients
from harness.places import TOOLS, tool
from harness.process import run
from harness.stack import Stack

SHOWN_HOST = "registry.example.org"
HELM_VERSION = "import helm_python; print(helm_python.helm_sdk_version())"
HEAD = """\
# Clients

What each client prints, from a real run on {day} with the stock registry 2.8, made by `tests/e2e/clients_table.py`.

**How to read it.** The reason is the sentence that ends in a code in brackets; [Reasons](REASONS.md) explains each code.

* docker, crane, oras and helm print it after `denied:` or `unauthorized:`.
* podman and skopeo print `invalid username/password:` before it. That is fixed text of these clients: the password is wrong only if the
  code is `wrong_credentials`. `podman login` and `skopeo login` print nothing but the fixed text.
* `docker buildx build` prints it after a login, and without one only the status line (`401 anonymous: …`). containerd and Kubernetes, which
  are not in the tables, always print only the status line.

**What is cut.** Each cell is one line of the output, the one with the result; progress, times and log prefixes are removed. Host, user and project
names are replaced by `{host}`, `alice` and `syn5`, and so are the addresses of the registry (`http://`) and of auth-service (`https://…/token`),
which in the run were two ports of one machine.

**Not shown:** `locked_out`, expired tokens, and 429 and 503. Their sentences appear in the same place; the causes are in
[Reasons](REASONS.md#locked_out).

Versions: {versions}.

`docker` is the engine with its classic image store, `docker-containerd` the same engine with containerd's image store, `buildx` is
`docker buildx build --push`. `helm` is Helm's own code without its command line, which prints nothing on success.
"""


NOTES = """\
## Peculiarities

* **Layers that exist in another repository.** If the pusher may not read that repository, the token is for the push alone, and
  clients upload the layers. buildkit before 0.23 and containerd before 2.1 (and programs built with them: `docker buildx`, docker
  with containerd's image store, nerdctl) ask the registry to mount the layers all the same, are refused, and fail. *Fix:* a newer
  version, or READ and DOWNLOAD on that repository.
* **Tags `sha256-…`.** cosign, notation and oras keep signatures and other attachments under tags named after the digest that they
  belong to. These are pushed, pulled and deleted like any other, and are left out of `auth-service repository tags`; `crane ls` and
  `oras repo tags` show them.
"""


def last_line(text: str) -> str:
    """Where every client puts its result; log prefixes and progress are left out."""
    lines = [
        line.strip() for line in re.split(r"[\r\n]+", text) if line.strip() and set(line.strip()) != {"-"}
    ]
    if "Login Succeeded" in lines:
        return "Login Succeeded"
    if lines and lines[-1] in ("}", "]"):
        return lines[0] + " … " + lines[-1]
    errors = [line for line in lines if re.search(r"denied|unauthorized|error|fatal", line, re.IGNORECASE)]
    return (errors or lines or [""])[-1]


def anonymous(scene: Scene, text: str) -> str:
    """The names that differ from run to run, replaced; and no column break."""
    text = text.replace(scene.stack.host, SHOWN_HOST).replace(scene.project, "syn5")
    text = re.sub(r"http://127\.0\.0\.1:\d+/token", f"https://{SHOWN_HOST}/token", text)
    text = re.sub(r"(alice|owner|administrator)-\d+", "alice", text)
    text = re.sub(r"(?<![a-z-])(new|first)-[a-z-]+-\d+", "new", text)
    text = re.sub(r"(?<![a-z-])(gone|signed|noted)-[a-z-]+-\d+", "app", text)
    text = re.sub(r"/tmp/\S+?/([^/\s]+)(?=[\s\"':]|$)", r"…/\1", text)
    text = re.sub(r'time="[^"]*" ', "", text)
    return text.replace("|", "\\|")


def versions() -> str:
    """One line for all."""
    commands: dict[str, list[object]] = {
        "docker engine": [tool("dockerd"), "--version"],
        "podman": ["podman", "--version"],
        "skopeo": ["skopeo", "--version"],
        "crane": [tool("crane"), "version"],
        "oras": [tool("oras"), "version"],
        "Helm": [TOOLS / "venv-helm" / "bin" / "python", "-c", HELM_VERSION],
        "cosign": [tool("cosign"), "version"],
        "notation": [tool("notation"), "version"],
    }
    return ", ".join(f"{name} {version_in(run(command).text)}" for name, command in commands.items())


def version_in(text: str) -> str:
    found = re.search(r"(?<![\w.])v?(\d+\.\d+[\w.+-]*)", text)
    return found[1] if found else "of Debian sid"


def section(scene: Scene, case: Case) -> str:
    print(case.title, file=sys.stderr)
    lines = [f"## {case.title}", "", *([case.note, ""] if case.note else [])]
    lines += ["| client | the terminal says |", "|---|---|"]
    for row in case.rows:
        said = anonymous(scene, last_line(printed(scene, case, row)))
        lines.append(f"| {row.shown or row.client} | {f'`{said}`' if said else '(nothing)'} |")
    return "\n".join(lines)


def main() -> None:
    clients = Clients()
    with tempfile.TemporaryDirectory(prefix="auth-service-table-") as folder:
        stack = Stack(Path(folder), f"sqlite:{folder}/auth-service.db")
        try:
            stack.start()
            owner = stack.add_user("owner")
            scene = Scene(stack, clients, owner, stack.add_project(owner))
            scene.publish("app")
            day = datetime.now(UTC).date().isoformat()
            print(HEAD.format(day=day, host=SHOWN_HOST, versions=versions()))
            print("\n\n".join(section(scene, case) for case in CASES))
            print()
            print(NOTES, end="")
        finally:
            stack.close()
            clients.close()


if __name__ == "__main__":
    main()
