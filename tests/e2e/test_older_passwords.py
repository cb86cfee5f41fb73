"""Passwords that were set under another configuration: before an issuer was added, and before hashes became stronger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest

from conftest import NewStack
from harness.listener import Listener
from harness.service import Service
from harness.stack import Stack, User
from harness.trust import issuers, trust_introspection
from harness.web import HttpAnswer, basic, post_form, request
from test_identity_tokens import identity_token

HEX = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def reconfigured(stack: Stack, **sections: dict[str, Any]) -> Iterator[Service]:
    """The same installation, served with these sections as well."""
    settings = deepcopy(stack.service.sibling().settings)
    for name, keys in sections.items():
        settings.setdefault(name, {}).update(keys)
    service = Service(stack.folder, settings, "reconfigured")
    service.serve()
    try:
        yield service
    finally:
        service.stop()


def ask(service: Service, user: User) -> HttpAnswer:
    headers = {"Authorization": basic(user.name, user.password)}
    return request("GET", f"{service.url}/token?service=registry.test", headers=headers)


@pytest.fixture
def stack(new_stack: NewStack) -> Stack:
    return new_stack(login={"free_tries": 3})


def test_a_password_that_looks_like_the_tokens_of_a_later_issuer_goes_nowhere(
    stack: Stack, listener: Listener
) -> None:
    owner = stack.add_user("owner")
    older = User(owner.name, "hub_set-before-there-was-a-hub")
    stack.service.cli(
        "user", "password", owner.name, "--password-stdin", stdin=older.password
    ).check()
    hub = issuers(
        hub=trust_introspection(listener, "hub_", introspection_url=f"{listener.url}/introspect")
    )
    with reconfigured(stack, **hub) as service:
        assert ask(service, older).status == 200
        assert ask(service, older).status == 200, "it is remembered"
        login = json.dumps({"username": older.name, "password": older.password}).encode()
        headers = {"Content-Type": "application/json"}
        session = request("POST", f"{service.url}/auth/v1/login2", headers=headers, body=login)
        assert session.status == 201
        listener.assert_that_nobody_connected()
        for name in (owner.name, "nobody-of-this-name", "x"):
            for number in range(5):
                answer = ask(service, User(name, f"hub_{HEX}{number}"))
                assert answer.status == 429, "a token is the issuer's, who does not answer"
                assert "the identity provider 'hub' does not answer" in answer.message
        assert any(seen.first_bytes for seen in listener.connections)
        wrong = ask(service, User(owner.name, "no token"))
        assert "[wrong_credentials]" in wrong.message, "no token has been counted"


def test_a_hash_is_renewed_at_the_next_login_when_the_settings_were_raised(stack: Stack) -> None:
    owner = stack.add_user("owner")
    docker = identity_token(stack, owner)

    def stored() -> str:
        with sqlite3.connect(stack.folder / "auth-service.db") as database:
            found = database.execute("SELECT password_hash FROM users WHERE email LIKE ?", (f"{owner.name}@%",))
            return str(found.fetchone()[0])

    assert stored().startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    with reconfigured(stack, login={"argon2_memory_kib": 32_768, "argon2_passes": 3}) as service:
        assert ask(service, User(owner.name, "guess")).status == 401
        assert "$m=19456," in stored()
        assert ask(service, owner).status == 200
        assert stored().startswith("$argon2id$v=19$m=32768,t=3,p=1$")
        form = {"grant_type": "refresh_token", "refresh_token": docker, "service": "registry.test"}
        assert post_form(f"{service.url}/token", form).status == 200, "docker logins go on"
    assert stack.ask_token(owner).status == 200
