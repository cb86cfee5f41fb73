"""A personal access token as the password of each stock client."""

from __future__ import annotations

import pytest

from conftest import NewClient, NewNamedClient, Publish
from harness.process import wait_until
from harness.stack import PROMISED_SECONDS, Stack, User, grants_of

DOWNLOAD_ONLY = ("--scope", "download")


def with_token(user: User, token: str) -> User:
    """The user as a client sees it that was given the token."""
    return User(user.name, token)


def test_a_token_pulls_and_pushes_whatever_the_user_name(
    stack: Stack, owner: User, project: str, new_client: NewClient
) -> None:
    token = stack.add_token(owner)
    client = stack.login(new_client, User("nobody-of-this-name", token))
    reference = stack.reference(f"{project}/{client.name}")
    pushed = client.push(reference, f"with a token by {client.name}").check()
    assert client.pull(reference).check().digest == pushed.digest


def test_a_token_with_download_only_pulls_and_the_terminal_says_why_it_does_not_push(
    stack: Stack, owner: User, project: str, publish: Publish, new_client: NewClient
) -> None:
    item = f"{project}/app"
    publish(item)
    client = stack.login(new_client, with_token(owner, stack.add_token(owner, *DOWNLOAD_ONLY)))
    client.pull(stack.reference(item)).check()
    pushed = client.push(stack.reference(item), "another content")
    assert not pushed.succeeded
    assert "a token that allows only download, and pushing also needs modify;" in pushed.text


def test_an_empty_user_name_will_do(stack: Stack, owner: User) -> None:
    assert stack.ask_token(User("", stack.add_token(owner))).status == 200


def test_a_revoked_token_is_refused_within_a_second_and_the_terminal_says_so(
    stack: Stack, owner: User, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/app"
    publish(item)
    token = stack.add_token(owner)
    client = stack.login(lambda: new_client_named("docker"), with_token(owner, token))
    client.pull(stack.reference(item)).check()
    (record,) = stack.service.cli_json("token", "list", "--user", owner.name)
    stack.service.cli("token", "revoke", record["id"]).check()
    refused = with_token(owner, token)
    wait_until(lambda: stack.ask_token(refused).status == 401, "the token is refused", PROMISED_SECONDS)
    pulled = client.pull(stack.reference(item))
    assert not pulled.succeeded
    assert "this personal access token was revoked" in pulled.text
    phrase = stack.ask_token(User("", token)).reason
    assert phrase.startswith("wrong_credentials: this token was revoked"), "what containerd prints"


def test_a_mistyped_token_is_not_reported_as_a_wrong_password(stack: Stack, owner: User) -> None:
    token = stack.add_token(owner)
    for mistyped in (token[:-1], token + "x", token.replace("asp_", "asp_0", 1), "asp_nonsense"):
        answer = stack.ask_token(User(owner.name, mistyped))
        assert answer.status == 401
        assert "mistyped" in answer.message


def test_tokens_survive_a_new_password_and_not_a_disabled_account(stack: Stack, owner: User) -> None:
    logged_in = with_token(owner, stack.add_token(owner))
    stack.change_password(owner)
    assert stack.ask_token(logged_in).status == 200
    stack.service.cli("user", "disable", owner.name).check()
    wait_until(
        lambda: stack.ask_token(logged_in).status == 401, "the account is disabled", PROMISED_SECONDS
    )
    assert "[account_disabled]" in stack.ask_token(logged_in).message


def test_a_token_bound_to_a_project_is_good_there_only(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    other = stack.add_project(owner)
    publish(f"{project}/app")
    bound = with_token(owner, stack.add_token(owner, "--project", other))
    refused = stack.ask_token(bound, f"repository:{project}/app:pull")
    assert refused.status == 401
    assert f"is for project {other} only" in refused.message
    first = stack.ask_token(bound, f"repository:{other}/new:pull,push")
    assert grants_of(first.json()["token"]) == {f"{other}/new": {"pull", "push"}}


def test_an_administrators_token_has_ordinary_rights_unless_it_was_made_with_admin(
    stack: Stack, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    administrator = stack.add_user("administrator", "--admin")
    ordinary = with_token(administrator, stack.add_token(administrator))
    assert stack.granted(ordinary, item, "pull") == set()
    powerful = with_token(
        administrator, stack.add_token(administrator, "--name", "p", "--scope", "view,download,admin")
    )
    assert stack.granted(powerful, item, "pull") == {"pull"}
    assert stack.lists_everything(powerful)
    assert not stack.lists_everything(ordinary)


def test_nobody_but_an_administrator_is_given_a_token_with_admin(stack: Stack, owner: User) -> None:
    made = stack.service.cli("token", "add", "--user", owner.name, "--scope", "download,admin")
    assert made.exit_code == 1
    assert "scope admin is for the tokens of administrators" in made.stderr


def test_a_token_has_lost_admin_when_its_owner_is_promoted_again(stack: Stack) -> None:
    stack.add_user("administrator", "--admin")
    administrator = stack.add_user("administrator", "--admin")
    token = with_token(administrator, stack.add_token(administrator, "--scope", "view,admin"))
    assert stack.lists_everything(token)
    for command in ("demote", "promote"):
        stack.service.cli("user", command, administrator.name).check()
    wait_until(lambda: not stack.lists_everything(token), "it lists nothing any more", PROMISED_SECONDS)
    # The server may have read of the one change and not of the other.
    wait_until(
        lambda: stack.lists_everything(administrator), "its owner has all rights again", PROMISED_SECONDS
    )


def test_the_list_shows_what_a_token_is_for_and_never_the_token(stack: Stack, owner: User) -> None:
    token = stack.add_token(owner, "--name", "build server", "--scope", "download", "--expires", "90d")
    (record,) = stack.service.cli_json("token", "list", "--user", owner.name)
    assert record["name"] == "build server"
    assert record["scopes"] == ["download"]
    assert record["state"] == "ACTIVE"
    assert record["expiresOn"] > record["createdOn"]
    shown = stack.service.cli("token", "list").check().stdout
    assert "build server" in shown
    assert token not in shown


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--scope", "authorize"), "no token can have 'authorize'"),
        (("--scope", "view,fly"), "'fly' is none of"),
        (("--expires", "soon"), "such as 90d or 12h"),
        (("--project", "syn999999"), "there is no syn999999"),
        (("--name", ""), "1 to 256 characters"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_one_line(
    stack: Stack, owner: User, options: tuple[str, str], sentence: str
) -> None:
    outcome = stack.service.cli("token", "add", "--user", owner.name, *options)
    assert not outcome.succeeded
    assert sentence in outcome.stderr


def test_a_name_is_taken_once(stack: Stack, owner: User) -> None:
    stack.add_token(owner, "--name", "laptop")
    again = stack.service.cli("token", "add", "--user", owner.name, "--name", "laptop")
    assert again.exit_code == 1
    assert "a token with this name exists already" in again.stderr


def test_when_a_token_was_last_used_is_written_down_at_the_end_at_the_latest(
    stack: Stack, owner: User
) -> None:
    stack.ask_token(with_token(owner, stack.add_token(owner)))
    stack.service.stop()
    stack.service.serve()
    (record,) = stack.service.cli_json("token", "list", "--user", owner.name)
    assert record["lastUsed"] >= record["createdOn"]


def test_a_password_cannot_have_the_shape_of_a_token(stack: Stack, owner: User) -> None:
    signed, encrypted = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbGciOiJkaXIifQ..aXY.dGV4dA.dGFn"
    for shape in ("asp_x", "asi_x", "ass_x", signed, encrypted):
        outcome = stack.service.cli("user", "password", owner.name, "--password-stdin", stdin=shape)
        assert "cannot have the form of an access token" in outcome.stderr
