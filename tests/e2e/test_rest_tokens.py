"""Personal access tokens and docker logins over the REST interface."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.rest import call, personal_token, reason, session
from harness.stack import Stack, User
from test_identity_tokens import identity_token, refresh

TOKENS = "/auth/v1/personalAccessToken"
LOGINS = "/auth/v1/identityToken"
PROFILE = "/repo/v1/userProfile"


def listed(stack: Stack, login: str, path: str = TOKENS) -> list[dict[str, Any]]:
    answer = call(stack, "GET", path, login)
    assert answer.status == 200
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def test_a_token_is_made_in_a_session_and_shown_without_its_text(stack: Stack, owner: User) -> None:
    login = session(stack, owner)
    made = call(stack, "POST", TOKENS, login, {"name": "build", "scope": ["view", "download"]})
    assert (made.status, list(made.json())) == (200, ["token"])
    token = made.json()["token"]
    (row,) = listed(stack, login)
    assert (row["name"], row["scopes"], row["state"]) == ("build", ["view", "download"], "ACTIVE")
    assert row["createdOn"].endswith("Z") and "." in row["createdOn"]
    assert token not in str(row)
    assert call(stack, "GET", f"{TOKENS}/{row['id']}", login).json() == row
    assert listed(stack, token) == [row], "a token with view may look"


def test_without_a_scope_it_can_pull_and_push_and_never_make_others(stack: Stack, owner: User) -> None:
    token = personal_token(stack, owner)
    (row,) = listed(stack, token)
    assert row["scopes"] == ["view", "download", "modify"]
    assert call(stack, "POST", TOKENS, token, {}).status == 403
    assert call(stack, "DELETE", f"{TOKENS}/{row['id']}", token).status == 403
    for nothing in (["authorize"], ["openid", "email"]):
        assert call(stack, "POST", TOKENS, session(stack, owner), {"scope": nothing}).status == 400
    everything = ["openid", "email", "profile", "view", "download", "modify", "authorize", "offline_access"]
    all_of_synapse = personal_token(stack, owner, scope=everything, userInfoClaims={})
    assert listed(stack, all_of_synapse)[0]["scopes"] == ["view", "download", "modify"]


def test_a_revoked_token_is_refused_at_once(stack: Stack, owner: User) -> None:
    login, token = session(stack, owner), personal_token(stack, owner)
    (row,) = listed(stack, login)
    assert call(stack, "GET", PROFILE, token).status == 200
    other = stack.add_user("other")
    assert call(stack, "DELETE", f"{TOKENS}/{row['id']}", session(stack, other)).status == 404
    assert call(stack, "DELETE", f"{TOKENS}/{row['id']}", login).status == 204
    refused = call(stack, "GET", PROFILE, token)
    assert refused.status == 401
    assert "was revoked" in reason(refused)
    assert stack.ask_token(User(owner.name, token)).status == 401
    assert call(stack, "DELETE", f"{TOKENS}/{row['id']}", login).status == 404
    assert listed(stack, login) == []


def test_a_token_can_end_by_itself_and_be_for_one_project(stack: Stack, owner: User, project: str) -> None:
    end = datetime.now(timezone.utc) + timedelta(days=1)
    text = end.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    token = personal_token(stack, owner, project=project, expiresOn=text)
    assert call(stack, "GET", PROFILE, token).status == 200
    (row,) = listed(stack, session(stack, owner))
    assert (row["project"], row["expiresOn"]) == (project, text)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"scope": ["view", "everything"]}, "none of view"),
        ({"scope": ["view", "admin"]}, "scope admin is for the tokens of administrators"),
        ({"scope": "view"}, "not of the right shape"),
        ({"name": ""}, "1 to 256 characters"),
        ({"name": "x" * 257}, "1 to 256 characters"),
        ({"project": "5"}, "syn123"),
        ({"project": "syn99999999"}, "there is no syn99999999"),
        ({"expiresOn": "2020-01-01T00:00:00.000Z"}, "a time to come"),
        ({"expiresOn": "tomorrow"}, "a time to come"),
        ([], "not of the right shape"),
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"", "no JSON"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_reason(
    stack: Stack, owner: User, body: object, why: str
) -> None:
    login = session(stack, owner)
    answer = call(stack, "POST", TOKENS, login, body)
    assert answer.status == 400
    assert why in reason(answer)
    assert listed(stack, login) == []


def test_names_are_unique_and_a_hundred_are_enough(stack: Stack, owner: User) -> None:
    login = session(stack, owner)
    for number in range(100):
        assert call(stack, "POST", TOKENS, login, {"name": f"token {number}"}).status == 200
        if number == 7:
            again = call(stack, "POST", TOKENS, login, {"name": "token 7"})
            assert again.status == 400
            assert "exists already" in reason(again)
    more = call(stack, "POST", TOKENS, login, {"name": "one more"})
    assert more.status == 400
    assert "at most 100" in reason(more)
    first = call(stack, "GET", TOKENS, login).json()
    rest = call(stack, "GET", f"{TOKENS}?nextPageToken={first['nextPageToken']}", login).json()
    rows = first["results"] + rest["results"]
    assert {row["name"] for row in rows} == {f"token {number}" for number in range(100)}
    times = [row["createdOn"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert (len(first["results"]), rest["nextPageToken"]) == (50, None)
    far = call(stack, "GET", f"{TOKENS}?nextPageToken=50a1000000", login)
    assert (far.status, far.json()["results"]) == (200, [])
    assert call(stack, "GET", f"{TOKENS}?nextPageToken=junk", login).status == 400


def test_docker_logins_are_listed_with_their_client_and_ended(stack: Stack, owner: User) -> None:
    docker, login = identity_token(stack, owner), session(stack, owner)
    (row,) = listed(stack, login, LOGINS)
    assert (row["clientId"], row["address"], row["state"]) == ("docker", "127.0.0.1", "ACTIVE")
    assert call(stack, "DELETE", f"{TOKENS}/{row['id']}", login).status == 404, "it is no personal one"
    assert call(stack, "DELETE", f"{LOGINS}/{row['id']}", login).status == 204
    refused = refresh(stack, docker)
    assert refused.status == 401
    assert "run 'docker login' again" in refused.message
    assert call(stack, "DELETE", f"{LOGINS}/{row['id']}", login).status == 404
    assert call(stack, "DELETE", f"{LOGINS}/junk", login).status == 404


def test_junk_is_a_clients_mistake(stack: Stack, owner: User) -> None:
    login = session(stack, owner)
    assert call(stack, "POST", TOKENS, login, b"x" * ((1 << 20) + 1)).status == 413
    text = {"Content-Type": "text/plain"}
    assert call(stack, "POST", TOKENS, login, b"{}", headers=text).status == 415
    assert call(stack, "PUT", TOKENS, login, {}).status == 405
    for path in ("/repo/v1", "/repo/v1/", "/auth/v1/nothing", "/repo/v1/entity/../x", "/file/v1"):
        assert call(stack, "GET", path, login).status == 404
    assert call(stack, "GET", PROFILE, login, headers={"X-Junk": "x" * 70000}).status == 431


def test_a_session_that_ends_while_the_body_is_on_its_way_makes_no_token(stack: Stack, owner: User) -> None:
    login = session(stack, owner)
    body = b'{"name": "late"}'
    connection = HTTPConnection(urlsplit(stack.service.url).netloc, timeout=20)
    connection.putrequest("POST", TOKENS)
    connection.putheader("Authorization", f"Bearer {login}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:-1])
    assert call(stack, "DELETE", "/auth/v1/sessionAccessToken", login).status == 204
    connection.send(body[-1:])
    answer = connection.getresponse()
    assert answer.status == 401
    assert "session was ended" in answer.read().decode()
    connection.close()
    assert listed(stack, session(stack, owner)) == []
