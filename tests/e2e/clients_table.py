"""Writes docs/CLIENTS.md: what each stock client prints, taken from a real run.

cd tests/e2e && ~/.cache/auth-service-tests/venv/bin/python clients_table.py > ../../docs/CLIENTS.md
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.client import Client
from harness.clients import NAMES, Clients
from harness.places import tool
from harness.process import run
from harness.stack import Stack, User

SHOWN_HOST = "hub.example"
HEAD = """\
# Clients

Made by `tests/e2e/clients_table.py` from a run on {day} with the stock registry 2.8: every line
below was printed by the client itself. Host, user and project names are replaced by
`{host}`, `alice` and `syn5`.

{versions}

`docker` is the engine with its classic image store, `docker-containerd` the same engine with
containerd's image store, `buildx` is `docker buildx build --push`.
"""


@dataclass(frozen=True)
class Scene:
    """What the cases below happen in."""

    stack: Stack
    owner: User
    project: str

    @property
    def image(self) -> str:
        return self.stack.reference(f"{self.project}/app")


Attempt = Callable[[Scene, Client], str]
"""Does one thing with a client and returns what it printed."""


def attempt_as(access: str | None, action: str, *, certified: bool = True) -> Attempt:
    """Pulls or pushes the published image as a member with these rights, or as a stranger."""

    def attempt(scene: Scene, client: Client) -> str:
        user = scene.stack.add_user("alice", certified=certified)
        if access:
            scene.stack.grant(scene.project, user, access)
        client.login(scene.stack.host, user.name, user.password)
        return act(scene, client, action)

    return attempt


def act(scene: Scene, client: Client, action: str) -> str:
    done = client.pull(scene.image) if action == "pull" else client.push(scene.image, f"by {client.name}")
    return done.text


def login_right(scene: Scene, client: Client) -> str:
    return client.login(scene.stack.host, scene.owner.name, scene.owner.password).text


def login_wrong(scene: Scene, client: Client) -> str:
    return client.login(scene.stack.host, scene.owner.name, "wrong").text


def pull_after_wrong_login(scene: Scene, client: Client) -> str:
    client.login(scene.stack.host, scene.owner.name, "wrong")
    return act(scene, client, "pull")


def pull_without_login(scene: Scene, client: Client) -> str:
    return act(scene, client, "pull")


def from_the_trash(scene: Scene, client: Client) -> str:
    client.login(scene.stack.host, scene.owner.name, scene.owner.password)
    scene.stack.service.cli("trash", f"{scene.project}/app").check()
    # What the command line changes holds for the running service within a second.
    scene.stack.wait_for_grant(scene.owner, f"{scene.project}/app", "pull", set())
    try:
        return act(scene, client, "pull")
    finally:
        scene.stack.service.cli("restore", f"{scene.project}/app").check()
        scene.stack.wait_for_grant(scene.owner, f"{scene.project}/app", "pull", {"pull"})


WITH_BUILDX = (*NAMES, "buildx")
CASES: list[tuple[str, tuple[str, ...], Attempt]] = [
    ("Login with the right password", NAMES, login_right),
    ("Login with a wrong password", NAMES, login_wrong),
    ("Pull with a wrong password that was stored", ("crane",), pull_after_wrong_login),
    ("Pull without a login", WITH_BUILDX, pull_without_login),
    ("Push by an owner", WITH_BUILDX, attempt_as("READ,DOWNLOAD,UPDATE", "push")),
    ("Pull with permission", NAMES, attempt_as("READ,DOWNLOAD", "pull")),
    ("Push by an uncertified user", WITH_BUILDX, attempt_as("READ,DOWNLOAD,UPDATE", "push", certified=False)),
    ("Push without edit permission", WITH_BUILDX, attempt_as("READ,DOWNLOAD", "push")),
    ("Pull without download permission", WITH_BUILDX, attempt_as("READ", "pull")),
    ("Pull of what one may not see", NAMES, attempt_as(None, "pull")),
    ("Pull from the trash can", NAMES, from_the_trash),
]


def last_line(text: str) -> str:
    """Where every client puts its result; log prefixes and progress are left out."""
    lines = [
        line.strip() for line in re.split(r"[\r\n]+", text) if line.strip() and set(line.strip()) != {"-"}
    ]
    if "Login Succeeded" in lines:
        return "Login Succeeded"
    errors = [line for line in lines if re.search(r"denied|unauthorized|error|fatal", line, re.IGNORECASE)]
    return (errors or lines or [""])[-1]


def anonymous(scene: Scene, text: str) -> str:
    """The names that differ from run to run, replaced; and no column break."""
    text = text.replace(scene.stack.host, SHOWN_HOST).replace(scene.project, "syn5")
    text = re.sub(r"http://127\.0\.0\.1:\d+/token", f"https://{SHOWN_HOST}/token", text)
    text = re.sub(r"(alice|owner)-\d+", "alice", text)
    text = re.sub(r"/tmp/\S+?/([^/\s]+)(?=[\s\"':]|$)", r"…/\1", text)
    text = re.sub(r'time="[^"]*" ', "", text)
    return text.replace("|", "\\|")


NOTES = """\
## What to know of some clients

* **Layers that are elsewhere already.** A push whose layers lie in a repository that the pusher may not read
  gets a token for the push alone, and clients upload the layers. buildkit before 0.23 and containerd before 2.1
  (and what is built with them: `docker buildx`, docker with containerd's image store, nerdctl) ask the registry
  to mount them all the same, are refused by it, and fail. *Cure:* a newer one, or READ and DOWNLOAD on the
  repository that the layers come from.
* **Tags `sha256-…`.** cosign, notation and oras keep signatures and other attachments under tags that are named
  after the digest they belong to. These are pushed, pulled and deleted like any other, and are left out of
  `auth-service repository tags`, which lists the tags that people gave; `crane ls` and `oras repo tags` show them.
"""


def versions() -> str:
    """One line a client."""
    commands: list[list[object]] = [
        [tool("dockerd"), "--version"],
        ["podman", "--version"],
        ["skopeo", "--version"],
        [tool("crane"), "version"],
        [tool("oras"), "version"],
    ]
    names = ("docker engine", "podman", "skopeo", "crane", "oras")
    said = [run(command).stdout.splitlines()[0] for command in commands]
    found = [re.search(r"\d+\.\d+[\w.+-]*", line) for line in said]
    return ", ".join(
        f"{name} {match[0] if match else 'of Debian sid'}" for name, match in zip(names, found, strict=True)
    )


def sections(scene: Scene, clients: Clients) -> str:
    written = []
    for title, names, attempt in CASES:
        print(title, file=sys.stderr)
        rows = [f"## {title}", "", "| client | the terminal says |", "|---|---|"]
        for name in names:
            said = anonymous(scene, last_line(attempt(scene, clients.make(name))))
            rows.append(f"| {name} | `{said}` |" if said else f"| {name} | (nothing) |")
        written.append("\n".join(rows))
    return "\n\n".join(written)


def main() -> None:
    clients = Clients()
    with tempfile.TemporaryDirectory(prefix="auth-service-table-") as folder:
        stack = Stack(Path(folder), f"sqlite:{folder}/auth-service.db")
        try:
            stack.start()
            owner = stack.add_user("owner")
            scene = Scene(stack, owner, stack.add_project(owner))
            publisher = stack.login(lambda: clients.make("crane"), owner)
            digest = publisher.push(scene.image, "published").check().digest
            stack.wait_for_tag(f"{scene.project}/app", "v1", digest)
            day = datetime.now(UTC).date().isoformat()
            print(HEAD.format(day=day, host=SHOWN_HOST, versions=versions()))
            print(sections(scene, clients))
            print()
            print(NOTES, end="")
        finally:
            stack.close()
            clients.close()


if __name__ == "__main__":
    main()
