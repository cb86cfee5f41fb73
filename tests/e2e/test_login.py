"""Logging in with each stock client: right, wrong, by e-mail, disabled, and not at all."""

from __future__ import annotations

import pytest

from conftest import NewClient, NewNamedClient, Publish
from harness.client import Client
from harness.process import wait_until
from harness.stack import PROMISED_SECONDS, Stack, User
from harness.web import basic, request

WHAT_PODMAN_AND_SKOPEO_ALWAYS_SAY = "invalid username/password"


def expected_at_login(client: Client, reason: str) -> str:
    """These two replace every reason by words of their own at a login (and only there)."""
    return WHAT_PODMAN_AND_SKOPEO_ALWAYS_SAY if client.name in ("podman", "skopeo") else f"[{reason}]"


def test_a_right_password_logs_in(stack: Stack, owner: User, new_client: NewClient) -> None:
    new_client().login(stack.host, owner.name, owner.password).check()


def test_the_e_mail_address_serves_as_user_name(
    stack: Stack, owner: User, new_client_named: NewNamedClient
) -> None:
    client = new_client_named("docker")
    client.login(stack.host, f"{owner.name}@example.org", owner.password).check()


def test_a_wrong_password_is_refused_on_the_terminal(
    stack: Stack, owner: User, new_client: NewClient
) -> None:
    client = new_client()
    outcome = client.login(stack.host, owner.name, "not " + owner.password)
    if client.login_asks_the_service:
        assert not outcome.succeeded
        assert expected_at_login(client, "wrong_credentials") in outcome.text
    else:
        pulled = client.pull(stack.reference("syn1/app"))
        assert not pulled.succeeded
        assert "[wrong_credentials]" in pulled.text


def test_a_disabled_user_reads_that_the_account_is_disabled(
    stack: Stack, owner: User, new_client_named: NewNamedClient
) -> None:
    stack.service.cli("user", "disable", owner.name).check()
    outcome = new_client_named("docker").login(stack.host, owner.name, owner.password)
    assert not outcome.succeeded
    assert "[account_disabled]" in outcome.text


def test_a_disabled_user_with_a_wrong_password_reads_the_same_as_anyone(stack: Stack, owner: User) -> None:
    stack.service.cli("user", "disable", owner.name).check()
    disabled = stack.ask_token(User(owner.name, "wrong"))
    unknown = stack.ask_token(User("nobody-of-this-name", "wrong"))
    assert (disabled.status, disabled.body) == (unknown.status, unknown.body)
    assert "[wrong_credentials]" in disabled.message


def test_an_enabled_user_can_log_in_again(stack: Stack, owner: User) -> None:
    stack.service.cli("user", "disable", owner.name).check()
    stack.service.cli("user", "enable", owner.name).check()
    wait_until(lambda: stack.ask_token(owner).status == 200, "the login is accepted", PROMISED_SECONDS)


def test_anonymous_callers_are_asked_to_log_in(
    stack: Stack, project: str, publish: Publish, new_client: NewClient
) -> None:
    publish(f"{project}/app")
    pulled = new_client().pull(stack.reference(f"{project}/app"))
    assert not pulled.succeeded
    assert "[anonymous]" in pulled.text
    assert f"docker login {stack.host}" in pulled.text


def test_a_changed_password_replaces_the_old_one(stack: Stack, owner: User) -> None:
    assert stack.ask_token(owner).status == 200
    stack.service.cli("user", "password", owner.name, "--password-stdin", stdin="another pass:word\n").check()
    assert stack.ask_token(User(owner.name, "another pass:word")).status == 200
    wait_until(lambda: stack.ask_token(owner).status == 401, "the old password is refused", PROMISED_SECONDS)
    assert stack.ask_token(owner).code == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("x", "at least 8 characters"),
        ("{name}", "cannot be the account's name"),
        ("{name}@example.org", "cannot be the account's name or e-mail address"),
        ("password1", "easily guessed"),
    ],
)
def test_a_weak_password_cannot_be_set(stack: Stack, owner: User, weak: str, why: str) -> None:
    added = ("user", "add", "weakling", "--email", "weakling@example.org", "--password-stdin")
    changed = ("user", "password", owner.name, "--password-stdin")
    for command, name in [(added, "weakling"), (changed, owner.name)]:
        outcome = stack.service.cli(*command, stdin=weak.format(name=name))
        assert outcome.exit_code == 1, command
        assert why in outcome.stderr, command
    assert stack.ask_token(owner).status == 200


@pytest.mark.parametrize("credentials", [None, basic("", "")], ids=["no-credentials", "empty-basic"])
def test_nobody_gets_a_token_without_credentials(stack: Stack, credentials: str | None) -> None:
    headers = {"Authorization": credentials} if credentials else {}
    answer = request("GET", f"{stack.service.url}/token?service=registry.test", headers=headers)
    assert answer.status == 401
    assert "[anonymous]" in answer.message


def test_an_empty_password_and_a_registry_token_are_not_counted_as_wrong_passwords(
    stack: Stack, owner: User
) -> None:
    registry_token = stack.remember(stack.token(stack.add_user("other")))
    for _ in range(8):
        empty = stack.ask_token(User(owner.name, ""))
        assert (empty.status, empty.code) == (401, "UNAUTHORIZED")
        assert "the password is empty" in empty.message
        assert "personal access token" in empty.message
        misplaced = stack.ask_token(User(owner.name, registry_token))
        assert (misplaced.status, misplaced.code) == (401, "UNAUTHORIZED")
        assert "no issuer 'registry.test' is configured here" in misplaced.message
    assert stack.ask_token(owner).status == 200
