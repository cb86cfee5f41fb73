"""The whole installation: service, stock registry and the webhook between them, with people in it."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar
from urllib.parse import quote

from harness.client import Program
from harness.places import free_port
from harness.postgres import execute
from harness.process import wait_until
from harness.registry import Registry
from harness.relay import WebhookRelay
from harness.service import SERVICE_NAME, Service, Settings, default_settings
from harness.web import HttpAnswer, basic, decode_token, request

LoggedIn = TypeVar("LoggedIn", bound=Program)
_numbers = itertools.count(1)
WEB_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]*")
"""A JWT, or the beginning of one; three letters alone can stand in the number of a key."""
PROMISED_SECONDS = 1.0
Grants = dict[str, set[str]]


@dataclass(frozen=True)
class User:
    """An account that the test made, so it knows the password."""

    name: str
    password: str


def anybody(token: str) -> User:
    """A caller with a token as the password: the name does not matter, and may be empty."""
    return User("", token)


def grants_of(token: str) -> Grants:
    """What a token allows, by repository."""
    _, claims = decode_token(token)
    return {entry["name"]: set(entry["actions"]) for entry in claims["access"]}


class Stack:
    """Everything started and joined; tests make their own users and projects in it."""

    latest: ClassVar[Stack | None] = None

    def __init__(self, folder: Path, database_url: str, registry_version: str = "2.8") -> None:
        self.folder = folder
        port = free_port()
        self.settings: Settings = default_settings(folder, database_url, port)
        self.registry = Registry(folder, port, registry_version)
        self.host = self.registry.host
        self._tokens: list[str] = []
        self.service: Service
        self.relay: WebhookRelay

    def start(self, algorithm: str | None = None, launcher: Sequence[str] = ()) -> Stack:
        Stack.latest = self
        self.service = Service(self.folder, self.settings)
        self.service.launcher = list(launcher)
        self.service.cli("key", "init", *(["--algorithm", algorithm] if algorithm else [])).check()
        self.service.cli("db", "init").check()
        certificates = self.folder / "ca.pem"
        certificates.write_text(self.service.cli("key", "export-ca").check().stdout)
        self.service.serve()
        self.relay = WebhookRelay(self.service.ops_url + "/events")
        tokens = {
            "realm": self.settings["token"]["realm"],
            "service": SERVICE_NAME,
            "issuer": SERVICE_NAME,
            "root_certificates": str(certificates),
        }
        self.registry.configure(tokens, self.relay.url, self.service.webhook_secret)
        self.registry.start()
        return self

    def close(self) -> None:
        self.registry.stop()
        if hasattr(self, "relay"):
            self.relay.close()
        if hasattr(self, "service"):
            self.service.stop()

    # People and things, made by the command line.

    def add_user(self, nickname: str, *flags: str, certified: bool = True) -> User:
        """An account of its own for one test; certified unless the test is about that."""
        name = f"{nickname}-{next(_numbers)}"
        user = User(name, f"password of {name}: pass:word")
        words = [*flags, *(["--certified"] if certified else [])]
        email = f"{name}@example.org"
        self.service.cli(
            "user", "add", name, "--email", email, *words, "--password-stdin", stdin=user.password
        ).check()
        return user

    def add_project(self, owner: User) -> str:
        """The project's id, synN."""
        name = f"project {next(_numbers)}"
        return self.service.cli("project", "add", name, "--owner", owner.name).check().stdout.strip()

    def grant(self, item: str, principal: User | str, access: str) -> None:
        name = principal if isinstance(principal, str) else principal.name
        self.service.cli("grant", item, name, access).check()

    def add_member(self, project: str, access: str, *, certified: bool = True) -> User:
        """A user with these rights on the project."""
        user = self.add_user("member", certified=certified)
        self.grant(project, user, access)
        return user

    def add_token(self, user: User, *options: str) -> str:
        """A personal access token, by the command line."""
        return self.service.cli("token", "add", "--user", user.name, *options).check().stdout.strip()

    def add_robot(self, project: str, access: str = "READ,DOWNLOAD,CREATE,UPDATE") -> User:
        """A certified robot account with these rights on the project; it has no password."""
        robot = User(f"robot-{next(_numbers)}", "")
        self.service.cli("robot", "add", robot.name, "--project", project, "--certified").check()
        self.grant(project, robot, access)
        return robot

    def change_password(self, user: User) -> User:
        """Waits until the running server no longer accepts the old one, and the tokens that depend on it have ended."""
        changed = User(user.name, f"another {user.password}")
        words = ("user", "password", user.name, "--password-stdin")
        assert self.ask_token(user).status == 200
        self.service.cli(*words, stdin=changed.password).check()
        wait_until(
            lambda: self.ask_token(user).status == 401, "the old password is refused", PROMISED_SECONDS
        )
        return changed

    def link(self, user: User, issuer: str, subject: str) -> None:
        """The issuer's user of this name acts for the account."""
        self.service.cli("user", "link", user.name, issuer, subject).check()

    def remember(self, token: str) -> str:
        """The token, which nothing that the service writes may show."""
        self._tokens.append(token)
        return token

    def assert_that_no_log_shows_a_secret(self) -> None:
        """No password of a user of this stack, nor a token, nor a secret of the configuration."""
        secrets = ["pass:word", "asp_", "asi_", "ass_", *self._tokens, self.service.webhook_secret]
        secrets += [keys["client_secret"] for keys in self.settings.values() if "client_secret" in keys]
        metrics = request("GET", self.service.ops_url + "/metrics").body.decode()
        lines = (self.service.log() + metrics).splitlines()
        shown = [line for line in lines if WEB_TOKEN.search(line) or any(text in line for text in secrets)]
        assert not shown, f"the log or the metrics show a secret: {shown[:3]}"

    def forget_repository(self, item: str) -> None:
        """Takes a repository off the records, as when they are restored from an older copy."""
        project, path = item.removeprefix("syn").split("/", 1)
        of_it = f"(SELECT id FROM repositories WHERE project_id = {project} AND path = '{path}')"
        statements = [
            f"DELETE FROM tags WHERE repository_id IN {of_it}",
            f"DELETE FROM manifests WHERE repository_id IN {of_it}",
            f"DELETE FROM repositories WHERE id IN {of_it}",
            "UPDATE facts_revision SET revision = revision + 20000",
        ]
        url = self.settings["database"]["url"]
        if url.startswith("postgres"):
            execute(url, "; ".join(statements))
        else:
            connection = sqlite3.connect(url.removeprefix("sqlite:"), timeout=10)
            connection.executescript("BEGIN;" + ";".join(statements) + ";COMMIT;")
            connection.close()

    # What clients and programs see.

    def reference(self, item: str, tag: str = "v1") -> str:
        separator = "@" if tag.startswith("sha256:") else ":"
        return f"{self.host}/{item}{separator}{tag}"

    def login(self, make_client: Callable[[], LoggedIn], user: User) -> LoggedIn:
        """A client that is logged in as the user."""
        client = make_client()
        client.login(self.host, user.name, user.password).check()
        return client

    def ask_token(self, user: User | None, *scopes: str, service: Service | None = None) -> HttpAnswer:
        """One token request as most clients make it."""
        query = "&".join([f"service={SERVICE_NAME}", *(f"scope={quote(scope)}" for scope in scopes)])
        headers = {"Authorization": basic(user.name, user.password)} if user else {}
        return request("GET", f"{(service or self.service).url}/token?{query}", headers=headers)

    def token(self, user: User, *scopes: str) -> str:
        answer = self.ask_token(user, *scopes)
        assert answer.status == 200, f"{answer.status} {answer.body!r}"
        return str(answer.json()["token"])

    def granted(self, user: User, item: str, actions: str) -> set[str]:
        """What the token of this request allows; nothing at all when it is refused."""
        answer = self.ask_token(user, f"repository:{item}:{actions}")
        if answer.status == 401:
            return set()
        assert answer.status == 200, f"{answer.status} {answer.body!r}"
        return grants_of(answer.json()["token"]).get(item, set())

    def lists_everything(self, user: User) -> bool:
        """Whether the token of this request is good for the registry's catalogue."""
        return grants_of(self.token(user, "registry:catalog:*")) == {"catalog": {"*"}}

    def wait_for_grant(self, user: User, item: str, actions: str, expected: set[str]) -> None:
        """What the command line changed holds in a running server within one second."""
        wait_until(
            lambda: self.granted(user, item, actions) == expected,
            f"{user.name} gets {expected or 'nothing'} of {actions} on {item}",
            PROMISED_SECONDS,
        )

    def tags(self, item: str) -> dict[str, str]:
        """The recorded digest of each tag; none while the repository is unknown."""
        answer = self.service.cli("--json", "repository", "tags", item)
        if not answer.succeeded:
            return {}
        rows = self.service.cli_json("repository", "tags", item)
        return {row["tag"]: row["digest"] for row in rows}

    def wait_for_tag(self, item: str, tag: str, digest: str) -> None:
        """Until the webhook has brought it."""
        wait_until(lambda: self.tags(item).get(tag) == digest, f"{item}:{tag} is recorded as {digest}")
