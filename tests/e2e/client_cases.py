"""What clients_table.py has every client do: the cases in the order of docs/CLIENTS.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.client import Program
from harness.clients import NAMES, Clients
from harness.first_pushes import COMMANDS, Names
from harness.stack import Stack, User


READ, EDIT = "READ,DOWNLOAD", "READ,DOWNLOAD,UPDATE"


@dataclass(frozen=True)
class Scene:
    """What the cases happen in: `app` of the project is published, and its owner keeps all rights."""

    stack: Stack
    clients: Clients
    owner: User
    project: str

    @property
    def image(self) -> str:
        return self.reference("app")

    def reference(self, name: str) -> str:
        return self.stack.reference(f"{self.project}/{name}")

    def publish(self, name: str) -> str:
        """Pushes an image of its own; the reference by digest."""
        crane = self.stack.login(lambda: self.clients.make("crane"), self.owner)
        digest = crane.push(self.reference(name), name).check().digest
        self.stack.wait_for_tag(f"{self.project}/{name}", "v1", digest)
        return self.stack.reference(f"{self.project}/{name}", digest)

    def member(self, access: str, *, certified: bool = True) -> User:
        """Somebody new with these rights."""
        user = self.stack.add_user("alice", certified=certified)
        if access:
            self.stack.grant(self.project, user, access)
        return user

    def token(self, scopes: str, user: User | None = None) -> User:
        """A personal access token of the owner, or of somebody else."""
        user = user or self.owner
        return User(user.name, self.stack.add_token(user, "--scope", scopes))


Act = Callable[[Scene, Any], str]
"""Does one thing with a client that is logged in, and returns what it printed."""
Who = Callable[[Scene], User | None]


@dataclass(frozen=True)
class Row:
    """One client, and what it does; `shown` is what a person would type, if not the client's name."""

    client: str
    act: Act
    shown: str = ""


@dataclass(frozen=True)
class Case:
    title: str
    rows: list[Row]
    who: Who
    note: str = ""


def make(clients: Clients, name: str) -> Program:
    match name:
        case "cosign":
            return clients.cosign()
        case "notation":
            return clients.notation()
    return clients.make(name)


def printed(scene: Scene, case: Case, row: Row) -> str:
    """What the client printed, once logged in."""
    client, user = make(scene.clients, row.client), case.who(scene)
    if user:
        client.login(scene.stack.host, user.name, user.password)
    return row.act(scene, client)


# Who.


def nobody(_: Scene) -> None:
    return None


def the_owner(scene: Scene) -> User:
    return scene.owner


def administrator(scene: Scene) -> User:
    return scene.stack.add_user("administrator", "--admin")


def wrong_password(scene: Scene) -> User:
    # Somebody new each time: after a few wrong ones it is the lock that one reads.
    return User(scene.member(READ).name, "wrong")


def member(access: str, *, certified: bool = True) -> Who:
    return lambda scene: scene.member(access, certified=certified)


def token(scopes: str) -> Who:
    return lambda scene: scene.token(scopes)


# What.


def log_in(who: Who) -> Act:
    def act(scene: Scene, client: Program) -> str:
        user = who(scene)
        assert user
        return client.login(scene.stack.host, user.name, user.password).text

    return act


def pull(scene: Scene, client: Any) -> str:
    return str(client.pull(scene.image).text)


def look_for_nothing(scene: Scene, client: Any) -> str:
    return str(client.pull(scene.reference("nothing")).text)


def push(scene: Scene, client: Any) -> str:
    return str(client.push(scene.image, f"by {client.name}").text)


def push_new(scene: Scene, client: Any) -> str:
    return str(client.push(scene.reference(f"new-{client.home.name}"), f"by {client.name}").text)


def pull_from_the_trash(scene: Scene, client: Any) -> str:
    scene.stack.service.cli("trash", f"{scene.project}/app").check()
    # What the command line changes holds for the running service within a second.
    scene.stack.wait_for_grant(scene.owner, f"{scene.project}/app", "pull", set())
    try:
        return pull(scene, client)
    finally:
        scene.stack.service.cli("restore", f"{scene.project}/app").check()
        scene.stack.wait_for_grant(scene.owner, f"{scene.project}/app", "pull", {"pull"})


def typed(*words: str) -> Act:
    """A command line: `{host}` and `{image}` stand for themselves, `{gone}` for an image to delete."""

    def act(scene: Scene, client: Any) -> str:
        names = {"host": scene.stack.host, "image": scene.image}
        if any("{gone" in word for word in words):
            names["gone"] = scene.publish(f"gone-{client.home.name}")
            names["gone_tag"] = scene.reference(f"gone-{client.home.name}")
        return str(client.run(*(word.format(**names) for word in words)).text)

    return act


def first_push(command: str) -> Row:
    def act(scene: Scene, client: Any) -> str:
        names = Names(scene.image, scene.reference(f"first-{client.home.name}"))
        return COMMANDS[command].push(client, names).text

    return Row(COMMANDS[command].client, act, command)


def sign(scene: Scene, client: Any) -> str:
    return str(client.sign(scene.publish(f"signed-{client.home.name}")).text)


def attach(scene: Scene, client: Any) -> str:
    image = scene.publish(f"noted-{client.home.name}")
    (client.home / "note.txt").write_text("a note")
    words = ("attach", "--plain-http", "--artifact-type=text/x-note", image, "note.txt:text/plain")
    return str(client.run(*words, cwd=client.home).text)


def rows(names: tuple[str, ...], act: Act) -> list[Row]:
    return [Row(name, act) for name in names]


WITH_BUILDX = (*NAMES, "buildx")
WITH_HELM = (*NAMES, "helm")
LOOK_FIRST = [first_push(name) for name, command in COMMANDS.items() if command.looks_first]
DELETE_BY_DIGEST = [
    Row("crane", typed("delete", "{gone}"), "crane delete"),
    Row("skopeo", typed("delete", "--tls-verify=false", "docker://{gone}"), "skopeo delete"),
    Row("oras", typed("manifest", "delete", "--plain-http", "--force", "{gone}"), "oras manifest delete"),
]
DELETE_BY_TAG = [
    Row("crane", typed("delete", "{gone_tag}"), "crane delete"),
    Row("skopeo", typed("delete", "--tls-verify=false", "docker://{gone_tag}"), "skopeo delete"),
    Row("oras", typed("manifest", "delete", "--plain-http", "--force", "{gone_tag}"), "oras manifest delete"),
]
CATALOGUE = [
    Row("crane", typed("catalog", "{host}"), "crane catalog"),
    Row("oras", typed("repo", "ls", "--plain-http", "{host}"), "oras repo ls"),
    Row("podman", typed("search", "--tls-verify=false", "{host}/app"), "podman search"),
]
INSPECT = [
    Row("docker", typed("manifest", "inspect", "--insecure", "{image}"), "docker manifest inspect"),
    Row("buildx", typed("buildx", "imagetools", "inspect", "{image}"), "docker buildx imagetools inspect"),
    Row("skopeo", typed("inspect", "--tls-verify=false", "--raw", "docker://{image}"), "skopeo inspect"),
    Row("crane", typed("manifest", "{image}"), "crane manifest"),
    Row("oras", typed("manifest", "fetch", "--plain-http", "{image}"), "oras manifest fetch"),
]
BESIDE = [
    Row("cosign", sign, "cosign sign"),
    Row("notation", sign, "notation sign"),
    Row("oras", attach, "oras attach"),
]

CASES = [
    Case("Login with the right password", rows(WITH_HELM, log_in(the_owner)), nobody),
    Case("Login with a wrong password", rows(WITH_HELM, log_in(wrong_password)), nobody),
    Case("Pull with a wrong password that was stored", rows(("crane",), pull), wrong_password),
    Case("Pull without a login", rows(WITH_BUILDX, pull), nobody),
    Case("Push with permission", rows(WITH_BUILDX, push), member(EDIT)),
    Case("Pull with permission", rows(NAMES, pull), member(READ)),
    Case("Inspect with permission", INSPECT, member(READ)),
    Case("Push by an uncertified user", rows(WITH_BUILDX, push), member(EDIT, certified=False)),
    Case("Push without edit permission", rows(WITH_BUILDX, push), member(READ)),
    Case("Push of a new repository without create permission", rows(WITH_BUILDX, push_new), member(EDIT)),
    Case("Pull without download permission", rows(WITH_BUILDX, pull), member("READ")),
    Case("Pull without any permission", rows(NAMES, pull), member("")),
    Case("Pull from the trash", rows(NAMES, pull_from_the_trash), the_owner),
    Case(
        "Looking for an image that does not exist, with permission",
        rows(WITH_HELM, look_for_nothing),
        the_owner,
        "A user who may make a repository of that name reads from the registry itself that it does not exist; "
        "everybody else reads the answer above, under *Pull without any permission*.",
    ),
    Case(
        "A first push that looks first, with permission",
        LOOK_FIRST,
        the_owner,
        "These commands ask for pull alone before they ask for push.",
    ),
    Case("A first push that looks first, without create permission", LOOK_FIRST, member(READ)),
    Case(
        "Signing and attaching, with permission",
        BESIDE,
        the_owner,
        "Signatures and notes go into the repository of the image, under a tag that begins with `sha256-`.",
    ),
    Case("Signing and attaching, without edit permission", BESIDE, member(READ)),
    Case("Delete by digest", DELETE_BY_DIGEST, member(f"{READ},DELETE"), "docker and podman cannot delete."),
    Case(
        "Delete by tag",
        DELETE_BY_TAG,
        member(f"{READ},DELETE"),
        "skopeo and oras look up the digest, and every tag that points to it goes as well. crane hands the "
        "tag to the registry, and the registry 2.8 takes none: "
        "`crane delete NAME@$(crane digest NAME:TAG)` deletes.",
    ),
    Case("Delete without delete permission", DELETE_BY_DIGEST, member(EDIT)),
    Case("Catalogue, by an administrator", CATALOGUE, administrator, "Of a list, its last line is shown."),
    Case(
        "Catalogue, by another user",
        CATALOGUE,
        the_owner,
        "The login is good, and the token for the registry lists nothing: some programs log in by asking for "
        "the catalogue. Projects list their own repositories.",
    ),
    Case("Pull with a token that lacks `download`", rows(WITH_BUILDX, pull), token("view")),
    Case("Push with a token that lacks `modify`", rows(WITH_BUILDX, push), token("view,download")),
    Case(
        "A first push that looks first, with a token that lacks `modify`",
        LOOK_FIRST,
        token("view,download"),
    ),
    Case("Signing and attaching, with a token that lacks `modify`", BESIDE, token("view,download")),
    Case("Delete with a token that lacks `delete`", DELETE_BY_DIGEST, token("view,download,modify")),
    Case(
        "Catalogue, with a token of an administrator that lacks `admin`",
        CATALOGUE,
        lambda scene: scene.token("view,download,modify", administrator(scene)),
    ),
]
