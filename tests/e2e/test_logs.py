"""Every decision leaves one line in the log, and no secret ever does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from conftest import Publish
from harness.process import wait_until
from harness.relay import ask_events
from harness.rest import call, session
from harness.stack import Stack, User
from harness.web import basic, request

SECRET = "s3cret-that-must-not-be-seen"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def new_lines(stack: Stack, before: int) -> list[str]:
    return stack.service.log()[before:].splitlines()


def test_a_decision_is_one_line_with_all_that_an_operator_needs(
    stack: Stack, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    user = stack.add_member(project, "READ")
    before = len(stack.service.log())
    stack.ask_token(user, f"repository:{project}/app:pull")
    wait_until(lambda: new_lines(stack, before), "the decision is logged")
    (line,) = new_lines(stack, before)
    for expected in ("no_download", f"{project}/app", "127.0.0.1"):
        assert expected in line, line


def test_a_request_of_the_rest_interface_is_one_line(stack: Stack, owner: User) -> None:
    before = len(stack.service.log())
    login = session(stack, owner)
    call(stack, "GET", "/auth/v1/personalAccessToken", login)
    lines = wait_until(lambda: new_lines(stack, before)[1:] and new_lines(stack, before), "both are logged")
    opened, listed = (json.loads(line) for line in lines)
    assert (opened["target"], opened["path"], opened["status"]) == ("rest", "/auth/v1/login2", 201)
    assert (listed["method"], listed["status"], listed["reason"]) == ("GET", 200, "none")
    assert listed["address"] == "127.0.0.1" and listed["user"] > 0


def test_a_grant_is_logged_with_what_was_granted(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    before = len(stack.service.log())
    stack.ask_token(owner, f"repository:{project}/app:pull,push")
    wait_until(lambda: new_lines(stack, before), "the decision is logged")
    (line,) = new_lines(stack, before)
    for expected in (f"{project}/app", "pull", "push"):
        assert expected in line, line


def test_no_secret_reaches_the_log_wherever_it_was_put(stack: Stack, owner: User) -> None:
    token_url = stack.service.url + "/token"
    for user, password in ((owner.name, SECRET), (SECRET, SECRET), ("", SECRET)):
        request("GET", token_url, headers={"Authorization": basic(user, password)})
    for header in (f"Bearer {SECRET}", f"Basic {SECRET}", f"Digest {SECRET}", SECRET):
        request("GET", token_url, headers={"Authorization": header, "Cookie": SECRET})
    for query in ({"password": SECRET}, {"access_token": SECRET}, {"account": SECRET}):
        request("GET", f"{token_url}?{urlencode(query)}")
    fields: list[dict[str, str]] = [
        {"grant_type": "password", "username": owner.name, "password": SECRET},
        {"grant_type": "refresh_token", "refresh_token": SECRET},
        {"grant_type": SECRET, "password": SECRET},
    ]
    for field in fields:
        request("POST", token_url, headers=FORM, body=urlencode(field).encode())
    request(
        "POST", token_url, headers={"Content-Type": "application/json"}, body=json.dumps(fields[0]).encode()
    )
    for secret in (SECRET, f"{stack.service.webhook_secret}x"):
        ask_events(stack.service.ops_url + "/events", secret, b"{}")
    request("GET", f"{stack.service.url}/{SECRET}")
    stack.ask_token(owner)
    log = stack.service.log()
    assert SECRET not in log
    assert stack.service.webhook_secret not in log
    stack.assert_that_no_log_shows_a_secret()


def test_control_bytes_of_a_caller_do_not_reach_the_log(stack: Stack, owner: User) -> None:
    before = len(stack.service.log())
    evil = "\x1b[31mred\x07\r\nforged line"
    scope = quote(f"repository:{evil}:pull")
    agent = {"Authorization": basic(owner.name, owner.password), "User-Agent": "agent \x1b[31m"}
    request("GET", f"{stack.service.url}/token?scope={scope}&account={quote(evil)}", headers=agent)
    request("GET", f"{stack.service.url}/token", headers={"Authorization": basic(evil, "x")})
    wait_until(lambda: len(new_lines(stack, before)) >= 2, "both are logged")
    lines = new_lines(stack, before)
    assert len(lines) == 2, lines
    assert all(line.isprintable() for line in lines), lines


def test_a_log_line_is_structured(stack: Stack, owner: User) -> None:
    """The command line's `--json` does not touch the log; `serve` writes it one object or one line each."""
    before = len(stack.service.log())
    stack.ask_token(owner)
    wait_until(lambda: new_lines(stack, before), "the decision is logged")
    (line,) = new_lines(stack, before)
    try:
        entry: Any = json.loads(line)
    except json.JSONDecodeError:
        assert "=" in line, "neither JSON nor fields"
    else:
        assert isinstance(entry, dict)
