"""The fixtures: servers for the whole session, clients for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.canaille import Canaille
from harness.client import Client
from harness.clients import NAMES, Clients
from harness.federation import Federation
from harness.issuer import FakeIssuer
from harness.listener import Listener
from harness.oidc_provider import OidcProvider
from harness.postgres import Postgres
from harness.slow_pushes import LIFETIME, SlowPushes
from harness.stack import Stack, User
from harness.target import Target

KINDS = ("sqlite", "postgresql", *(["sqlite-registry3"] if os.environ.get("REGISTRY_V3") else []))
NewClient = Callable[[], Client]
NewNamedClient = Callable[[str], Client]
NewStack = Callable[..., Stack]
Publish = Callable[..., str]
NewOidcProvider = Callable[..., OidcProvider]


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    """Makes clients of every kind, without a login."""
    clients = Clients()
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def new_client_named(clients: Clients) -> NewNamedClient:
    """Makes a client by name, without a login."""
    return clients.make


@pytest.fixture(params=NAMES)
def new_client(request: pytest.FixtureRequest, new_client_named: NewNamedClient) -> NewClient:
    """Makes clients of one kind; a test that asks for it runs once with each kind."""
    return lambda: new_client_named(request.param)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the session; every service gets a database of its own."""
    server = Postgres()
    yield server
    server.close()


def make_stack(kind: str, request: pytest.FixtureRequest, **settings: dict[str, object]) -> Stack:
    """An installation that is not started yet; `settings` are laid over the smallest configuration."""
    folder = request.getfixturevalue("tmp_path_factory").mktemp(kind)
    if kind == "postgresql":
        url = request.getfixturevalue("postgres").create_database()
    else:
        url = f"sqlite:{folder}/auth-service.db"
    stack = Stack(folder, url, "3" if kind == "sqlite-registry3" else "2.8")
    for section, keys in settings.items():
        stack.settings.setdefault(section, {}).update(keys)
    return stack


@contextmanager
def running_stack(
    kind: str, request: pytest.FixtureRequest, **settings: dict[str, object]
) -> Iterator[Stack]:
    """An installation that is started, and that has kept its secrets when it is done with."""
    stack = make_stack(kind, request, **settings)
    try:
        yield stack.start()
        stack.assert_that_no_log_shows_a_secret()
    finally:
        stack.close()


@pytest.fixture(scope="session", params=KINDS)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The installation that most tests share; they run once for each database engine."""
    with running_stack(request.param, request) as stack:
        yield stack


@pytest.fixture
def new_stack(request: pytest.FixtureRequest) -> Iterator[NewStack]:
    """Makes installations that a test may break or configure in its own way."""
    made: list[Stack] = []

    def make(kind: str = "sqlite", algorithm: str | None = None, **settings: dict[str, object]) -> Stack:
        stack = make_stack(kind, request, **settings)
        made.append(stack)
        return stack.start(algorithm)

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def owner(stack: Stack) -> User:
    """A certified user."""
    return stack.add_user("owner")


@pytest.fixture
def project(stack: Stack, owner: User) -> str:
    """A project of the owner, which nobody else may see."""
    return stack.add_project(owner)


@pytest.fixture
def publish(stack: Stack, owner: User, new_client_named: NewNamedClient) -> Publish:
    """Pushes a small image as the owner and returns its digest once it is on record."""

    def push(item: str, content: str = "published", tag: str = "v1") -> str:
        client = stack.login(lambda: new_client_named("crane"), owner)
        digest = client.push(stack.reference(item, tag), f"{content} in {item}").check().digest
        stack.wait_for_tag(item, tag, digest)
        return digest

    return push


@pytest.fixture(scope="session")
def oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """The OAuth server that most tests share."""
    server = OidcProvider(tmp_path_factory.mktemp("oidc-provider")).start()
    yield server
    server.stop()


@pytest.fixture
def new_oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewOidcProvider]:
    """Makes OAuth servers that a test may stop, disturb or configure in its own way."""
    made: list[OidcProvider] = []

    def make(**options: Any) -> OidcProvider:
        made.append(OidcProvider(tmp_path_factory.mktemp("oidc-provider"), **options))
        return made[-1].start()

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def canaille(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaille]:
    """An OpenID Connect server of another make; it takes ten seconds to set up."""
    server = Canaille(tmp_path_factory.mktemp("canaille")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def federation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Federation]:
    """An installation that trusts several real OAuth servers at once."""
    federation = Federation(make_stack("sqlite", request), tmp_path_factory.mktemp)
    try:
        yield federation.start()
        federation.stack.assert_that_no_log_shows_a_secret()
    finally:
        federation.close()


@pytest.fixture(scope="session")
def shared_target(request: pytest.FixtureRequest) -> Iterator[Target]:
    target = Target(make_stack("sqlite", request))
    try:
        yield target.start()
        target.stack.assert_that_no_log_shows_a_secret()
        target.trap.assert_that_nobody_connected()
    finally:
        target.close()


@pytest.fixture
def target(shared_target: Target) -> Target:
    """What forgers aim at; a true token would be accepted."""
    shared_target.assert_that_true_tokens_are_accepted()
    return shared_target


@pytest.fixture
def fake_issuer() -> Iterator[FakeIssuer]:
    """A stub that says what the test wants."""
    issuer = FakeIssuer().start()
    yield issuer
    issuer.stop()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A trap for outgoing requests."""
    trap = Listener()
    yield trap
    trap.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the service and the registry logged last."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack") or Stack.latest
    if report.failed and stack:
        report.sections.append(("service log", "\n".join(stack.service.log().splitlines()[-12:])))
        report.sections.append(("registry log", "\n".join(stack.registry.log().splitlines()[-4:])))
    return report


@pytest.fixture(scope="session")
def slow_pushes(request: pytest.FixtureRequest) -> Iterator[SlowPushes]:
    """Pushes that take minutes, under way."""
    stack = make_stack("sqlite", request, token={"lifetime": LIFETIME})
    pushes = SlowPushes(stack)
    try:
        stack.start()
        pushes.start()
        yield pushes
    finally:
        pushes.close()
        stack.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for the slow pushes is asked last."""
    items.sort(key=lambda item: "slow_pushes" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def beginning(request: pytest.FixtureRequest) -> None:
    """The slow pushes begin first and go on beside the other tests."""
    if any("slow_pushes" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("slow_pushes")
