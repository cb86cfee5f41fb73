"""The token endpoint as the clients' source code uses it: every way to ask, and what comes back."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from conftest import NewStack, Publish
from harness.service import Service
from harness.stack import Stack, User, grants_of
from harness.web import HttpAnswer, basic, decode_token, request

FORM = "application/x-www-form-urlencoded"


def post_form(stack: Stack, fields: list[tuple[str, str]], content_type: str = FORM) -> HttpAnswer:
    body = urlencode(fields).encode()
    return request("POST", stack.service.url + "/token", headers={"Content-Type": content_type}, body=body)


def password_form(user: User, *scopes: str) -> list[tuple[str, str]]:
    """As containerd and BuildKit send it."""
    return [
        ("grant_type", "password"),
        ("service", "registry.test"),
        ("client_id", "containerd-client"),
        ("username", user.name),
        ("password", user.password),
        *(("scope", scope) for scope in scopes),
    ]


def test_the_answer_has_both_tokens_and_whole_numbers(stack: Stack, owner: User) -> None:
    answer = stack.ask_token(owner)
    body = answer.json()
    assert answer.status == 200
    assert body["token"] == body["access_token"]
    assert body["expires_in"] == 300
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["issued_at"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")


def test_the_token_is_one_that_both_registry_generations_accept(stack: Stack, owner: User) -> None:
    header, claims = decode_token(stack.token(owner))
    assert header["alg"] == "ES256"
    assert len(header["x5c"]) == 2
    assert header["kid"]
    assert claims["iss"] == claims["aud"] == "registry.test"
    assert claims["sub"]
    assert all(type(claims[name]) is int for name in ("exp", "nbf", "iat"))
    assert claims["exp"] - claims["iat"] == 300
    assert claims["iat"] - claims["nbf"] == 60
    assert claims["access"] == []


def test_every_token_has_an_identifier_of_its_own(stack: Stack, owner: User) -> None:
    identifiers = {decode_token(stack.token(owner))[1]["jti"] for _ in range(5)}
    assert len(identifiers) == 5


@pytest.mark.parametrize(
    "scopes",
    [
        ["repository:{}:pull,push"],
        ["repository:{}:push,pull"],
        ["repository:{}:pull", "repository:{}:push"],
        ["repository:{0}:pull repository:{0}:pull,push"],
        ["repository(plugin):{0}:pull,push repository:{0}:pull repository:{0}:pull,push"],
        ["repository:{}:pull,push", "banana:split:eat", "repository:{}:sing"],
        ["", "repository:{}:pull,push"],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_same_wish_gets_the_same_grant_however_it_is_written(
    stack: Stack, owner: User, project: str, publish: Publish, method: str, scopes: list[str]
) -> None:
    item = f"{project}/app"
    publish(item)
    written = [scope.format(item) for scope in scopes]
    if method == "GET":
        answer = stack.ask_token(owner, *written)
    else:
        answer = post_form(stack, password_form(owner, *written))
    assert answer.status == 200, answer.body
    assert grants_of(answer.json()["token"]) == {item: {"pull", "push"}}


def test_the_answer_to_a_posted_request_names_the_granted_scopes(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    body = post_form(stack, password_form(owner, f"repository:{project}/app:pull")).json()
    assert body["scope"] == f"repository:{project}/app:pull"


@pytest.mark.parametrize("path", ["/token/", "/docker/v1/bearerToken"])
def test_other_spellings_of_the_path_are_aliases(stack: Stack, owner: User, path: str) -> None:
    headers = {"Authorization": basic(owner.name, owner.password)}
    url = stack.service.url + path
    assert request("GET", url + "?service=registry.test", headers=headers).status == 200
    body = urlencode(password_form(owner)).encode()
    assert request("POST", url, headers={"Content-Type": FORM}, body=body).status == 200


def test_a_realm_under_which_nothing_is_answered_is_warned_of(stack: Stack) -> None:
    realm = "https://registry.example.org/auth/"
    settings = {**stack.settings, "token": {**stack.settings["token"], "realm": realm}}
    checked = Service(stack.folder, settings, "realm").cli("config", "check").check()
    assert "Warning: token.realm: nothing is answered here under /auth/" in checked.stdout


def test_a_form_may_say_its_character_set(stack: Stack, owner: User) -> None:
    assert post_form(stack, password_form(owner), FORM + "; charset=utf-8").status == 200


def test_a_form_may_come_in_pieces_without_a_length(stack: Stack, owner: User) -> None:
    body = urlencode(password_form(owner)).encode()
    headers = {"Content-Type": FORM, "Transfer-Encoding": "chunked"}
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))
    answer = request("POST", stack.service.url + "/token", headers=headers, body=pieces, chunked=True)
    assert answer.status == 200, answer.body


def test_a_wrong_password_in_a_form_is_refused_like_one_in_a_header(stack: Stack, owner: User) -> None:
    posted = post_form(stack, password_form(User(owner.name, "wrong")))
    asked = stack.ask_token(User(owner.name, "wrong"))
    assert (posted.status, posted.message) == (asked.status, asked.message)
    assert posted.status == 401
    assert posted.code == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"password": "wrong"}, 401, "invalid_grant"),
        ({"grant_type": "refresh_token", "password": "", "refresh_token": "asi_1_x"}, 401, "invalid_grant"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"username": "", "password": ""}, 401, "invalid_request"),
        ({"service": "elsewhere.example"}, 401, "invalid_request"),
        ({"scope": "repository:syn1/nothing:pull"}, 401, "invalid_scope"),
        ({"scope": "repository:library/app:pull"}, 401, "invalid_scope"),
        ({"scope": " ".join(f"repository:syn1/a{n}:pull" for n in range(1001))}, 400, "invalid_scope"),
    ],
    ids=str,
)
def test_the_refusal_of_a_form_has_the_word_that_oauth_has_for_it(
    stack: Stack, owner: User, changed: dict[str, str], status: int, error: str
) -> None:
    answer = post_form(stack, list({**dict(password_form(owner)), **changed}.items()))
    assert (answer.status, answer.json()["error"]) == (status, error), answer.body
    assert set(answer.json()) == {"errors", "error"}
    assert answer.message


def test_an_answer_to_a_form_says_the_type_of_its_token(stack: Stack, owner: User) -> None:
    assert post_form(stack, password_form(owner)).json()["token_type"].lower() == "bearer"
    assert "token_type" not in stack.ask_token(owner).json()


def test_the_challenge_asks_for_utf_8(stack: Stack, owner: User) -> None:
    challenge = stack.ask_token(User(owner.name, "wrong")).headers["www-authenticate"]
    assert challenge.startswith("Basic ")
    assert challenge.endswith('charset="UTF-8"')


def test_a_latin_1_password_is_not_counted_as_a_wrong_one(stack: Stack) -> None:
    user = stack.add_user("umlaut")
    encoded = b64encode(f"{user.name}:pässwörd".encode("latin-1")).decode()
    for _ in range(8):
        header = {"Authorization": f"Basic {encoded}"}
        answer = request("GET", stack.service.url + "/token", headers=header)
        assert answer.status == 401
        assert "UTF-8" in answer.message
        body = urlencode(password_form(User(user.name, "pässwörd")), encoding="latin-1").encode()
        form = request("POST", stack.service.url + "/token", headers={"Content-Type": FORM}, body=body)
        assert (form.status, form.message) == (401, answer.message)
    assert stack.ask_token(user).status == 200


def test_a_refusal_is_json_with_a_single_error_and_a_reason_phrase(stack: Stack, owner: User) -> None:
    answer = stack.ask_token(owner, "repository:library/app:pull")
    assert answer.status == 401
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.json()) == {"errors"}
    assert answer.code == "DENIED"
    assert "\n" not in answer.message
    assert answer.reason.startswith("bad_name")


def test_an_unreadable_mount_source_is_left_out_and_the_push_granted(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    publish(f"{project}/app")
    foreign = f"{stack.add_project(stack.add_user('other'))}/secret"
    answer = stack.ask_token(owner, f"repository:{project}/app:push,pull", f"repository:{foreign}:pull")
    assert answer.status == 200
    assert grants_of(answer.json()["token"]) == {f"{project}/app": {"pull", "push"}}


def test_a_token_for_another_service_is_refused_with_the_reason(stack: Stack, owner: User) -> None:
    headers = {"Authorization": basic(owner.name, owner.password)}
    answer = request("GET", stack.service.url + "/token?service=elsewhere.example", headers=headers)
    assert answer.status == 401
    assert answer.code == "DENIED"
    assert "[foreign_service]" in answer.message


def test_a_missing_service_means_the_configured_one(stack: Stack, owner: User) -> None:
    headers = {"Authorization": basic(owner.name, owner.password)}
    answer = request("GET", stack.service.url + "/token", headers=headers)
    assert decode_token(answer.json()["token"])[1]["aud"] == "registry.test"


def test_health_and_readiness_are_reported(stack: Stack) -> None:
    assert request("GET", stack.service.url + "/healthz").status == 200
    assert request("GET", stack.service.url + "/readyz").status == 200
    assert request("GET", stack.service.ops_url + "/metrics").status == 200
    assert request("GET", stack.service.url + "/metrics").status == 404


def test_several_hundred_scopes_in_one_request_are_served_where_the_operator_allows_it(
    new_stack: NewStack,
) -> None:
    stack = new_stack(limits={"scopes": 400})
    owner = stack.add_user("owner")
    project = stack.add_project(owner)
    scopes = [f"repository:{project}/app{number}:pull" for number in range(399)]
    # Nothing is there: the answer gives the reason, and not that there are too many.
    assert stack.ask_token(owner, *scopes).status in (200, 401)
    assert stack.ask_token(owner, *scopes, "registry:catalog:*").status in (200, 401)
    refused = stack.ask_token(owner, *scopes, *scopes[:2])
    assert (refused.status, refused.message) == (400, "at most 400 scopes can be asked for in one request")
