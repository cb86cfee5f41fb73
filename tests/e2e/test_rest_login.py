"""Logging in to the REST interface: with a password for a session, and with tokens."""

from __future__ import annotations

import pytest

from conftest import NewStack
from harness.process import wait_until
from harness.rest import call, documented_endpoints, personal_token, reason, session
from harness.stack import PROMISED_SECONDS, Stack, User
from test_identity_tokens import identity_token, refresh

PROFILE = "/repo/v1/userProfile"
LOGIN = "/auth/v1/login2"
SCOPES = {"view", "download", "modify", "delete", "admin"}


def log_in(stack: Stack, name: str, password: str) -> dict[str, str]:
    return {"username": name, "password": password}


def test_a_password_opens_a_session_by_name_or_address(stack: Stack, owner: User) -> None:
    for name in (owner.name, owner.name.upper(), f"{owner.name}@example.org"):
        answer = call(stack, "POST", LOGIN, body=log_in(stack, name, owner.password))
        assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
        profile = call(stack, "GET", PROFILE, answer.json()["accessToken"]).json()
        assert profile["userName"] == owner.name
        assert profile["emails"] == [f"{owner.name}@example.org"]
        assert profile["createdOn"].endswith("Z")


def test_a_session_is_a_bearer_token_and_no_password(stack: Stack, owner: User) -> None:
    refused = stack.ask_token(User(owner.name, session(stack, owner)))
    assert refused.status == 401
    assert "use a personal access token" in refused.message


def test_a_wrong_password_and_a_token_in_its_place_open_no_session(stack: Stack, owner: User) -> None:
    wrong = call(stack, "POST", LOGIN, body=log_in(stack, owner.name, "guess"))
    assert wrong.status == 401
    assert "wrong user name or password" in reason(wrong)
    nobody = call(stack, "POST", LOGIN, body=log_in(stack, "nobody-at-all", "guess"))
    assert (nobody.status, nobody.body) == (401, wrong.body)
    for token in (stack.add_token(owner), session(stack, owner), identity_token(stack, owner)):
        refused = call(stack, "POST", LOGIN, body=log_in(stack, owner.name, token))
        assert refused.status == 401
        assert "a session is for a password" in reason(refused)
    empty = call(stack, "POST", LOGIN, body=log_in(stack, "", ""))
    assert empty.status == 401


def test_a_locked_account_says_so_and_for_how_long(new_stack: NewStack) -> None:
    stack = new_stack(login={"free_tries": 3})
    owner = stack.add_user("owner")
    other, token = session(stack, owner), stack.add_token(owner)
    stack.service.cli("user", "password", owner.name, "--password-stdin", stdin="a fresh one").check()
    wait_until(
        lambda: call(stack, "GET", PROFILE, other).status == 401,
        "the old password's session has ended",
        PROMISED_SECONDS,
    )
    for number in range(3):
        assert call(stack, "POST", LOGIN, body=log_in(stack, owner.name, f"guess {number}")).status == 401
    # The first lock lasts two seconds, so that nothing slow may come between.
    locked = call(stack, "POST", LOGIN, body=log_in(stack, owner.name, "a fresh one"))
    assert locked.status == 423
    assert "[locked_out]" in reason(locked)
    assert call(stack, "GET", PROFILE, token).status == 200, "tokens ignore locks"


def test_without_a_login_one_is_nobody_in_particular(stack: Stack) -> None:
    for path in (PROFILE, PROFILE + "/"):
        profile = call(stack, "GET", path).json()
        assert (profile["ownerId"], profile["userName"]) == ("273950", "anonymous")


def test_what_is_no_token_of_this_interface_is_refused(stack: Stack, owner: User, project: str) -> None:
    registry_token = stack.token(owner, f"repository:{project}/app:pull,push")
    bad = {
        "a password": owner.password,
        "nothing": "",
        "an identity token": identity_token(stack, owner),
        "a registry token": registry_token,
        "a mistyped token": stack.add_token(owner)[:-1],
        "an invented token": "asp_1_" + "x" * 40,
        "a JWT of nobody": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "something long": "x" * 9000,
    }
    for what, token in bad.items():
        for path in (PROFILE, "/auth/v1/personalAccessToken"):
            answer = call(stack, "GET", path, token)
            assert answer.status == 401, what
            assert 'error="invalid_token"' in answer.headers["www-authenticate"], what
    basic = call(stack, "GET", PROFILE, headers={"Authorization": "Basic YTpi"})
    assert basic.status == 401


@pytest.mark.parametrize(("method", "path", "scopes", "is_open"), documented_endpoints())
def test_an_endpoint_takes_no_login_that_lacks_one_of_its_scopes(
    stack: Stack, method: str, path: str, scopes: set[str], is_open: bool
) -> None:
    path = path.replace("{id}", "1")
    if not scopes:
        return  # login2 takes a password and looks at no token
    anonymous = call(stack, method, path, body={})
    assert anonymous.status == (200 if is_open else 401)
    administrator = stack.add_user("administrator", "--admin")
    for lacking in scopes:
        others = ",".join(SCOPES - {lacking})
        answer = call(stack, method, path, stack.add_token(administrator, "--scope", others), body={})
        assert answer.status == 403, lacking
        text = reason(answer)
        assert "insufficient_scope" in text and lacking in text
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_token_of_one_project_logs_in_and_does_not_look_at_the_account(
    stack: Stack, owner: User, project: str
) -> None:
    token = stack.add_token(owner, "--project", project)
    assert call(stack, "GET", PROFILE, token).status == 200
    refused = call(stack, "GET", "/auth/v1/personalAccessToken", token)
    assert refused.status == 403
    assert project in reason(refused)


def test_a_session_ends_when_its_owner_logs_out(stack: Stack, owner: User) -> None:
    first, second = session(stack, owner), session(stack, owner)
    assert call(stack, "DELETE", "/auth/v1/sessionAccessToken", first).status == 204
    ended = call(stack, "GET", PROFILE, first)
    assert ended.status == 401
    assert "session was ended" in reason(ended)
    assert call(stack, "GET", PROFILE, second).status == 200


def test_ending_everything_ends_sessions_and_docker_logins_and_leaves_tokens(
    stack: Stack, owner: User
) -> None:
    first, second, docker = session(stack, owner), session(stack, owner), identity_token(stack, owner)
    token = stack.add_token(owner)
    me = call(stack, "GET", PROFILE, first).json()["ownerId"]
    other = stack.add_user("other")
    path = f"/auth/v1/user/{me}/sessionAccessToken/all"
    assert call(stack, "DELETE", path, session(stack, other)).status == 403
    assert call(stack, "DELETE", "/auth/v1/user/x/sessionAccessToken/all", first).status == 403
    assert refresh(stack, docker).status == 200
    assert call(stack, "DELETE", path, first).status == 204
    assert [call(stack, "GET", PROFILE, ended).status for ended in (first, second)] == [401, 401]
    assert refresh(stack, docker).status == 401
    assert call(stack, "GET", PROFILE, token).status == 200


def test_an_administrator_ends_the_logins_of_others(stack: Stack, owner: User) -> None:
    admin = stack.add_user("admin", "--admin")
    theirs, mine = session(stack, owner), session(stack, admin)
    owners_id = call(stack, "GET", PROFILE, theirs).json()["ownerId"]
    assert call(stack, "DELETE", f"/auth/v1/user/{owners_id}/sessionAccessToken/all", mine).status == 204
    assert call(stack, "GET", PROFILE, theirs).status == 401
    assert call(stack, "DELETE", "/auth/v1/user/99/sessionAccessToken/all", mine).status == 404


def test_a_disabled_account_is_out_within_a_second(stack: Stack, owner: User) -> None:
    logins = [session(stack, owner), personal_token(stack, owner)]
    assert [call(stack, "GET", PROFILE, login).status for login in logins] == [200, 200]
    stack.service.cli("user", "disable", owner.name).check()
    for login in logins:
        wait_until(
            lambda login=login: call(stack, "GET", PROFILE, login).status == 401,  # type: ignore[misc]
            "the login is refused",
            PROMISED_SECONDS,
        )
    refused = call(stack, "POST", LOGIN, body=log_in(stack, owner.name, owner.password))
    assert refused.status == 401
    assert "[account_disabled]" in reason(refused)
