"""The REST interface by hand, as a program without a library uses it."""

from __future__ import annotations

import json
from typing import Any

from harness.places import REPOSITORY
from harness.stack import Stack, User
from harness.web import HttpAnswer, request

# The Synapse client repeats any request for half an hour when its refusal holds one of these.
RETRIED = ("proxy error", "slow down", "slowdown", "timeout", "timed out", "try again")


def call(
    stack: Stack,
    method: str,
    path: str,
    token: str | None = None,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
) -> HttpAnswer:
    """One request; the answer to a refusal is checked for what the Synapse client needs of it."""
    sent = {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    answer = request(method, stack.service.url + path, headers=sent, body=data)
    if answer.status >= 400:
        assert answer.headers["content-type"].startswith("application/json"), answer
        reason(answer)
    return answer


def reason(answer: HttpAnswer) -> str:
    """Why it was refused."""
    text = answer.json()["reason"]
    assert isinstance(text, str), answer
    assert not any(phrase in text.lower() for phrase in RETRIED), text
    return text


def session(stack: Stack, user: User) -> str:
    """A session for the user's password."""
    answer = call(
        stack, "POST", "/auth/v1/login2", body={"username": user.name, "password": user.password}
    )
    assert answer.status == 201, answer
    return str(answer.json()["accessToken"])


def personal_token(stack: Stack, user: User, **options: Any) -> str:
    """A personal access token, made in a session."""
    path = "/auth/v1/personalAccessToken"
    answer = call(stack, "POST", path, session(stack, user), options)
    assert answer.status == 200, answer
    return str(answer.json()["token"])


def documented_endpoints() -> list[tuple[str, str, set[str], bool]]:
    """Method, path, scopes, and whether nobody in particular may come, as the page for integrators has them."""
    rows = []
    for line in (REPOSITORY / "docs" / "REST.md").read_text().splitlines():
        if line.startswith("| `") and "/v1/" in line:
            endpoint, needs = line.split("|")[1].strip(" `"), line.split("|")[2]
            method, path = endpoint.split(" ")
            scopes, _, others = needs.partition("(")
            named = {scope.strip() for scope in scopes.split(",")} - {"no login"}
            rows.append((method, path, named, "no login" in needs))
    return rows
