"""No project gets the number of one whose images the registry still has."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from conftest import NewNamedClient, NewStack
from harness.places import free_port
from harness.service import Service
from harness.stack import Stack, User
from harness.web import HttpAnswer


class SlowRegistry:
    """Has nothing; says so about tags only when it is let."""

    def __init__(self) -> None:
        self.asked = Event()
        self.may_answer = Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_catalogue = self.path.startswith("/v2/_catalog")
                if not is_catalogue:
                    stub.asked.set()
                    stub.may_answer.wait(timeout=4)
                self.send_response(200 if is_catalogue else 404)
                self.end_headers()
                self.wfile.write(b'{"repositories":[]}' if is_catalogue else b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def slow_registry() -> Iterator[SlowRegistry]:
    registry = SlowRegistry()
    yield registry
    registry.close()


def test_an_empty_database_beside_a_full_registry_draws_no_number_again(
    new_stack: NewStack, new_client_named: NewNamedClient
) -> None:
    stack = new_stack()
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    client = stack.login(lambda: new_client_named("crane"), owner)
    client.push(stack.reference(f"{project}/old"), "old").check()
    settings = deepcopy(stack.settings)
    settings["database"]["url"] = f"sqlite:{stack.folder}/empty.db"
    empty = Service(stack.folder, settings, name="empty")
    empty.cli("db", "init").check()
    empty.cli(
        "user", "add", "mallory", "--email", "m@example.org", "--password-stdin", stdin="a long word of hers"
    ).check()
    taken = empty.cli("project", "add", "takeover", "--owner", "mallory").check().stdout.strip()
    assert int(taken.removeprefix("syn")) > int(project.removeprefix("syn"))


def test_a_project_is_not_made_while_the_registry_cannot_be_asked(new_stack: NewStack) -> None:
    stack = new_stack(registry={"url": f"http://127.0.0.1:{free_port()}"})
    owner = stack.add_user("owner")
    refused = stack.service.cli("project", "add", "p", "--owner", owner.name)
    assert refused.exit_code == 1
    assert "start the registry, or set registry.url" in refused.stderr
    assert stack.service.cli_json("project", "list") == []


@pytest.mark.parametrize("change", ["disable", "trash", "revoke"])
def test_what_is_withdrawn_while_the_registry_answers_is_not_in_the_token(
    new_stack: NewStack, slow_registry: SlowRegistry, change: str
) -> None:
    stack = new_stack(registry={"url": slow_registry.url})
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    answers: list[HttpAnswer] = []
    asking = Thread(target=lambda: answers.append(ask(stack, owner, project)))
    asking.start()
    assert slow_registry.asked.wait(timeout=10)
    commands = {
        "disable": ("user", "disable", owner.name),
        "trash": ("trash", project),
        "revoke": ("revoke", project, owner.name, "CREATE"),
    }
    stack.service.cli(*commands[change]).check()
    slow_registry.may_answer.set()
    asking.join(timeout=20)
    assert answers[0].status == 401, answers[0].body


def ask(stack: Stack, owner: User, project: str) -> HttpAnswer:
    return stack.ask_token(owner, f"repository:{project}/new:pull,push")
