"""Requests that can be read in two ways are refused: a proxy may have looked at the other one."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from harness.stack import Stack, User
from harness.web import HttpAnswer, basic, raw_exchange, request

FORM = "application/x-www-form-urlencoded"


def get(stack: Stack, user: User, query: str) -> HttpAnswer:
    headers = {"Authorization": basic(user.name, user.password)}
    return request("GET", f"{stack.service.url}/token?{query}", headers=headers)


def post(stack: Stack, body: str, query: str = "", **headers: str) -> HttpAnswer:
    sent = {"Content-Type": FORM, **headers}
    return request("POST", f"{stack.service.url}/token{query}", headers=sent, body=body.encode())


def form(user: User, **fields: str) -> str:
    login = {"grant_type": "password", "username": user.name, "password": user.password}
    return urlencode({**login, **fields})


def assert_contradiction(answer: HttpAnswer) -> None:
    assert answer.status == 400, answer.body
    assert answer.message.isprintable()


@pytest.mark.parametrize(
    "query", ["service=other&service=registry.test", "account=a&account=b", "client_id=a&client_id=a"]
)
def test_a_parameter_that_is_repeated_in_the_query_is_refused(stack: Stack, owner: User, query: str) -> None:
    assert_contradiction(get(stack, owner, query))


@pytest.mark.parametrize(
    "name",
    ["service", "username", "password", "grant_type", "refresh_token", "account", "client_id", "access_type"],
)
def test_a_parameter_that_is_repeated_in_the_form_is_refused(stack: Stack, owner: User, name: str) -> None:
    body = f"{form(owner)}&{name}=x&{name}=x"
    answer = post(stack, body)
    assert_contradiction(answer)
    assert name in answer.message
    assert answer.json()["error"] == "invalid_request"


def test_a_parameter_in_query_and_form_is_refused(stack: Stack, owner: User) -> None:
    assert_contradiction(post(stack, form(owner, service="registry.test"), "?service=other"))
    scoped = form(owner, scope="repository:syn1/a:pull")
    assert_contradiction(post(stack, scoped, "?scope=repository:syn1/b:pull"))


def test_a_form_beside_another_login_is_refused(stack: Stack, owner: User) -> None:
    assert_contradiction(post(stack, form(owner), Authorization=basic(owner.name, owner.password)))
    assert_contradiction(post(stack, form(owner, refresh_token="asi_1_x")))


@pytest.mark.parametrize("target", ["/token", "/repo/v1/userProfile"])
def test_two_authorization_headers_are_refused(stack: Stack, owner: User, target: str) -> None:
    header = f"Authorization: {basic(owner.name, owner.password)}\r\n"
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}{header}\r\n"
    answer = raw_exchange(stack.service.address, head.encode())
    assert answer.status == 400, answer.body


def test_repeated_scopes_and_unknown_parameters_are_no_contradiction(stack: Stack, owner: User) -> None:
    query = "scope=&scope=&hint=1&hint=2&service=registry.test&account=a&client_id=b&offline_token=false"
    assert get(stack, owner, query).status == 200
    assert post(stack, f"{form(owner)}&scope=&scope=").status == 200


def test_a_member_that_is_repeated_in_a_login_over_rest_is_refused(stack: Stack, owner: User) -> None:
    body = f'{{"username": "other", "username": "{owner.name}", "password": "{owner.password}"}}'.encode()
    headers = {"Content-Type": "application/json"}
    answer = request("POST", f"{stack.service.url}/auth/v1/login2", headers=headers, body=body)
    assert answer.status == 400, answer.body
