"""Bad input to the token endpoint: a fitting status, a one-line reason, one line in the log."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import pytest

from conftest import NewStack
from harness.process import wait_until
from harness.stack import PROMISED_SECONDS, Stack, User, grants_of
from harness.web import HttpAnswer, basic, raw_exchange, request

FORM = "application/x-www-form-urlencoded"
REASON_LENGTH = 500


def assert_one_line_reason(answer: HttpAnswer) -> None:
    assert answer.message.strip()
    assert answer.message.isprintable(), answer.message
    assert len(answer.message) < REASON_LENGTH


@contextmanager
def one_log_line(stack: Stack) -> Iterator[None]:
    """What happens inside makes exactly one line in the log."""
    before = len(stack.service.log().splitlines())
    yield
    wait_until(lambda: len(stack.service.log().splitlines()) > before, "a line in the log", 3)
    new = stack.service.log().splitlines()[before:]
    assert len(new) == 1, new


def get_with_authorization(stack: Stack, value: bytes) -> HttpAnswer:
    head = (
        b"GET /token?service=registry.test HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
        + value
    )
    return raw_exchange(stack.service.address, head + b"\r\n\r\n")


MALFORMED = {
    "no base64": b"Basic ***",
    "no colon": b"Basic " + base64.b64encode(b"nocolon"),
    "nothing after Basic": b"Basic ",
    "invalid UTF-8": b"Basic " + base64.b64encode(b"name:\xff\xfe\x80"),
    "NUL in the name": b"Basic " + base64.b64encode(b"na\0me:password"),
    "control byte in the name": b"Basic " + base64.b64encode(b"na\x1b[31mme:password"),
    "another scheme": b"Digest username=x",
    "an invalid bearer token": b"Bearer abc.def.ghi",
    "raw bytes": b"\xff\xfe",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_authorization_header_is_refused(stack: Stack, name: str) -> None:
    with one_log_line(stack):
        answer = get_with_authorization(stack, MALFORMED[name])
    assert answer.status in (400, 401)
    assert_one_line_reason(answer)


def test_an_over_long_password_is_refused_without_being_hashed(stack: Stack, owner: User) -> None:
    with one_log_line(stack):
        answer = stack.ask_token(User(owner.name, "x" * 8193))
    assert answer.status in (400, 401)
    assert_one_line_reason(answer)


def test_a_password_of_the_longest_length_is_only_wrong(stack: Stack, owner: User) -> None:
    answer = stack.ask_token(User(owner.name, "x" * 8192))
    assert answer.status == 401
    assert "[wrong_credentials]" in answer.message


def post_form(stack: Stack, body: bytes, content_type: str = FORM) -> HttpAnswer:
    return request("POST", stack.service.url + "/token", headers={"Content-Type": content_type}, body=body)


def password_fields(user: User) -> list[tuple[str, str]]:
    return [("grant_type", "password"), ("username", user.name), ("password", user.password)]


def test_ten_thousand_scopes_are_refused(stack: Stack, owner: User) -> None:
    scopes = [("scope", f"repository:syn1/app{number}:pull") for number in range(10_000)]
    with one_log_line(stack):
        answer = post_form(stack, urlencode(password_fields(owner) + scopes).encode())
    assert 400 <= answer.status < 500
    assert_one_line_reason(answer)


def test_ten_thousand_scopes_in_one_value_are_refused(stack: Stack, owner: User) -> None:
    scope = " ".join(f"repository:syn1/app{number}:pull" for number in range(10_000))
    with one_log_line(stack):
        answer = post_form(stack, urlencode([*password_fields(owner), ("scope", scope)]).encode())
    assert 400 <= answer.status < 500
    assert_one_line_reason(answer)


INVALID_NAMES = [
    "syn1/../syn2/app",
    "../syn1/app",
    "syn1/..",
    "syn1/App",
    "SYN1/app",
    "syn1/%2e%2e/app",
    "syn1/a\0b",
    "syn1/a\x1b[31m",
    "syn1//app",
    "/syn1/app",
    "syn1/",
    "syn1",
    "syn01/app",
    "syn-1/app",
    "syn99999999999999999999/app",
    "syn1/" + "a" * 300,
    "host:5000/syn1/app",
    "\u202esyn1/app",
]


@pytest.mark.parametrize("name", INVALID_NAMES, ids=ascii)
def test_an_invalid_name_is_refused_and_not_echoed(stack: Stack, owner: User, name: str) -> None:
    with one_log_line(stack):
        answer = stack.ask_token(owner, f"repository:{name}:pull,push")
    assert answer.status == 401
    assert "[bad_name]" in answer.message
    assert_one_line_reason(answer)
    assert name not in answer.message


@pytest.mark.parametrize(
    "scope", ["", " ", ":", "::", "repository", "repository:", "repository::pull", "a:b:c:d:e"]
)
def test_an_invalid_scope_gives_no_access_and_harms_nobody(stack: Stack, owner: User, scope: str) -> None:
    answer = stack.ask_token(owner, scope)
    if answer.status == 200:
        assert grants_of(answer.json()["token"]) == {}
    else:
        assert answer.status == 401
        assert_one_line_reason(answer)


@pytest.mark.parametrize("grant_type", ["client_credentials", "banana", "", "authorization_code", None])
def test_an_unknown_grant_type_is_refused(stack: Stack, owner: User, grant_type: str | None) -> None:
    fields = [("username", owner.name), ("password", owner.password)]
    if grant_type is not None:
        fields.append(("grant_type", grant_type))
    with one_log_line(stack):
        answer = post_form(stack, urlencode(fields).encode())
    assert answer.status in (400, 401)
    assert_one_line_reason(answer)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_a_form_with_another_content_type_is_refused(stack: Stack, owner: User, content_type: str) -> None:
    with one_log_line(stack):
        answer = post_form(stack, urlencode(password_fields(owner)).encode(), content_type)
    assert answer.status in (400, 401, 415)
    assert_one_line_reason(answer)


@pytest.mark.parametrize("body", [b"", b"%%%=%zz", b"\xff\xfe=\x80", b"grant_type=password", b"=&=&=", b"{}"])
def test_an_invalid_form_is_refused(stack: Stack, body: bytes) -> None:
    with one_log_line(stack):
        answer = post_form(stack, body)
    assert answer.status in (400, 401)
    assert_one_line_reason(answer)


def test_a_form_of_more_than_a_mebibyte_is_refused(stack: Stack, owner: User) -> None:
    body = urlencode([*password_fields(owner), ("scope", "x" * 1_100_000)]).encode()
    with one_log_line(stack):
        answer = post_form(stack, body)
    assert answer.status in (400, 413)
    assert_one_line_reason(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(stack: Stack, method: str) -> None:
    assert request(method, stack.service.url + "/token").status == 405


def test_an_unknown_path_is_not_found(stack: Stack) -> None:
    assert request("GET", stack.service.url + "/nothing/here").status == 404


def test_a_request_head_over_the_limit_is_refused(stack: Stack) -> None:
    head = b"GET /token HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n"
    assert raw_exchange(stack.service.address, head).status in (400, 413, 414, 431)


def test_a_long_request_head_within_the_limit_is_served(stack: Stack, owner: User) -> None:
    scopes = "&".join(f"scope=repository:syn1/{'a' * 200}{number}:pull" for number in range(60))
    headers = {"Authorization": basic(owner.name, owner.password), "X-Long": "x" * 30_000}
    answer = request("GET", f"{stack.service.url}/token?{scopes}", headers=headers)
    assert answer.status == 401
    assert_one_line_reason(answer)


def test_bytes_that_are_not_http_end_in_a_refusal(stack: Stack) -> None:
    assert raw_exchange(stack.service.address, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").status == 400


def test_half_open_connections_do_not_keep_others_out(stack: Stack, owner: User) -> None:
    """Two hundred clients that begin a request and never end it."""
    half = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Le"
    connections = [socket.create_connection(stack.service.address, 10) for _ in range(200)]
    try:
        for connection in connections:
            connection.sendall(half)
        assert stack.ask_token(owner).status == 200
    finally:
        for connection in connections:
            connection.close()
    assert stack.ask_token(owner).status == 200


def test_a_scope_in_percent_signs_is_decoded_once(stack: Stack, owner: User, project: str) -> None:
    """`%252e` is the text `%2e`, which is no name; it is not decoded a second time."""
    query = "scope=" + quote(f"repository:{project}/%2e%2e/x:pull,push")
    headers = {"Authorization": basic(owner.name, owner.password)}
    answer = request("GET", f"{stack.service.url}/token?{query}", headers=headers)
    assert "[bad_name]" in answer.message


def test_a_refusal_that_names_a_contact_says_how_to_reach_it(new_stack: NewStack) -> None:
    stack = new_stack(registry={"contact": "https://example.org/help"})
    project = stack.add_project(stack.add_user("owner"))
    user = stack.add_member(project, "READ", certified=False)
    scope = f"repository:{project}/app:pull,push"
    contact = "(contact: https://example.org/help) ["
    assert contact in stack.ask_token(user, scope).message
    assert "contact" not in stack.ask_token(User(user.name, "wrong")).message
    stack.service.cli("user", "disable", user.name).check()
    wait_until(lambda: stack.ask_token(user).status == 401, "it is refused", PROMISED_SECONDS)
    assert contact in stack.ask_token(user).message
