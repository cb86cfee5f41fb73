"""docker login without a stored password: identity tokens."""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from conftest import NewNamedClient, NewStack, Publish
from harness.client import Client
from harness.process import wait_until
from harness.service import Service
from harness.stack import PROMISED_SECONDS, Stack, User, grants_of
from harness.web import HttpAnswer, basic, post_form, request

SERVICE = "registry.test"


def stored_login(client: Client, host: str) -> dict[str, str]:
    """What docker keeps of a login."""
    config: Any = json.loads((client.home / "config.json").read_text())
    entry: dict[str, str] = config["auths"][host]
    return entry


def identity_token(stack: Stack, user: User, client: str = "docker") -> str:
    """As docker login gets one."""
    query = f"account={user.name}&client_id={client}&offline_token=true&service={SERVICE}"
    headers = {"Authorization": basic(user.name, user.password)}
    answer = request("GET", f"{stack.service.url}/token?{query}", headers=headers)
    assert answer.status == 200
    return str(answer.json()["refresh_token"])


def refresh(stack: Stack, token: str, *scopes: str, service: str = SERVICE) -> HttpAnswer:
    """As the clients use one."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "docker", "service": service}
    if scopes:
        form["scope"] = " ".join(scopes)
    return post_form(stack.service.url + "/token", form)


def logged_in_docker(stack: Stack, user: User, new_client_named: NewNamedClient) -> Client:
    return stack.login(lambda: new_client_named("docker"), user)


def test_docker_stores_an_identity_token_and_no_password(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    for name in ("docker", "docker-containerd"):
        client = stack.login(lambda name=name: new_client_named(name), owner)  # type: ignore[misc]
        entry = stored_login(client, stack.host)
        assert entry["identitytoken"].startswith("asi_")
        assert base64.b64decode(entry["auth"]).decode().rstrip("\0") in (f"{owner.name}:", owner.name)
        assert owner.password not in (client.home / "config.json").read_text()
        reference = stack.reference(f"{project}/{name}")
        pushed = client.push(reference, f"with an identity token by {name}").check()
        assert client.pull(reference).check().digest == pushed.digest


def test_the_clients_that_read_dockers_file_use_its_identity_token(
    stack: Stack, owner: User, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/app"
    digest = publish(item)
    entry = stored_login(logged_in_docker(stack, owner, new_client_named), stack.host)
    written = json.dumps({"auths": {stack.host: entry}})
    files = {"crane": "config.json", "oras": "config.json", "skopeo": "auth.json", "podman": "auth.json"}
    for name, file in files.items():
        client = new_client_named(name)
        (client.home / file).write_text(written)
        if name == "oras":
            client.run("pull", "--plain-http", stack.reference(item), "-o", client.path("out")).check()
        else:
            assert client.pull(stack.reference(item)).check().digest == digest, name
            client.push(stack.reference(f"{project}/by-{name}"), name).check()


def test_after_revoking_docker_prints_the_reason(
    stack: Stack, owner: User, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    item = f"{project}/app"
    publish(item)
    client = logged_in_docker(stack, owner, new_client_named)
    token = stored_login(client, stack.host)["identitytoken"]
    (record,) = stack.service.cli_json("login", "list", "--user", owner.name)
    assert record["clientId"] == "docker"
    assert record["address"] == "127.0.0.1"
    stack.service.cli("login", "revoke", record["id"]).check()
    wait_until(lambda: refresh(stack, token).status == 401, "it is refused", PROMISED_SECONDS)
    pulled = client.pull(stack.reference(item))
    assert not pulled.succeeded
    assert "this docker login was ended or revoked; run 'docker login' again" in pulled.text


def test_both_stores_of_docker_print_why_it_does_not_reach_further(
    stack: Stack, owner: User, project: str, new_client_named: NewNamedClient
) -> None:
    """containerd asks once more, with the identity token as a password, when the form was refused."""
    for name in ("docker", "docker-containerd"):
        stranger = stack.add_user(f"stranger-to-{name}")
        client = stack.login(lambda name=name: new_client_named(name), stranger)  # type: ignore[misc]
        refused = client.pull(stack.reference(f"{project}/closed"))
        assert not refused.succeeded
        assert "[not_visible]" in refused.text


def test_it_can_be_used_repeatedly_and_gives_at_most_what_the_password_gives(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    token = identity_token(stack, owner)
    for _ in range(3):
        answer = refresh(stack, token, f"repository:{item}:pull,push", f"repository:{item}:pull")
        assert answer.status == 200
        assert answer.json()["scope"] == f"repository:{item}:pull,push"
        assert "refresh_token" not in answer.json()
    assert grants_of(refresh(stack, token, "registry:catalog:*").json()["token"]) == {}


def test_an_administrator_has_the_same_rights_with_docker_as_with_podman(
    stack: Stack, project: str, publish: Publish, new_client_named: NewNamedClient
) -> None:
    """Docker keeps an identity token, podman the password."""
    item = f"{project}/app"
    digest = publish(item)
    administrator = stack.add_user("administrator", "--admin")
    for name in ("docker", "podman"):
        client = stack.login(lambda name=name: new_client_named(name), administrator)  # type: ignore[misc]
        assert client.pull(stack.reference(item)).check().digest == digest, name
        client.push(stack.reference(f"{project}/by-{name}"), name).check()
    listing = refresh(stack, identity_token(stack, administrator), "registry:catalog:*")
    assert grants_of(listing.json()["token"]) == {"catalog": {"*"}}


def test_it_is_bound_to_the_service(stack: Stack, owner: User) -> None:
    answer = refresh(stack, identity_token(stack, owner), service="another.service")
    assert answer.status == 401
    assert "[foreign_service]" in answer.message


def test_it_is_good_for_the_service_that_it_was_made_for(new_stack: NewStack) -> None:
    """Two services, for two registries, on one database."""
    stack = new_stack()
    token = identity_token(stack, stack.add_user("owner"))
    sibling = stack.service.sibling()
    settings = deepcopy(sibling.settings)
    settings["token"]["service"] = "another.test"
    other = Service(stack.folder, settings, "another")
    other.serve()
    try:
        form = {"grant_type": "refresh_token", "refresh_token": token, "service": "another.test"}
        answer = post_form(other.url + "/token", form)
        assert answer.status == 401
        assert "run 'docker login' again" in answer.message
        assert refresh(stack, token).status == 200
    finally:
        other.stop()


def test_a_new_password_ends_it(stack: Stack, owner: User) -> None:
    token = identity_token(stack, owner)
    assert refresh(stack, token).status == 200
    stack.service.cli("user", "password", owner.name, "--password-stdin", stdin="another one").check()
    wait_until(lambda: refresh(stack, token).status == 401, "it is refused", PROMISED_SECONDS)


def test_only_a_client_that_asks_with_a_password_is_given_one(stack: Stack, owner: User) -> None:
    assert "refresh_token" not in stack.ask_token(owner).json()
    form = {"grant_type": "password", "username": owner.name, "password": owner.password, "service": SERVICE}
    url = stack.service.url + "/token"
    assert "refresh_token" not in post_form(url, form).json()
    assert post_form(url, {**form, "access_type": "offline"}).json()["refresh_token"].startswith("asi_")
    with_token = {**form, "password": stack.add_token(owner), "access_type": "offline"}
    assert "refresh_token" not in post_form(url, with_token).json()


def test_a_token_of_another_kind_is_no_refresh_token(stack: Stack, owner: User) -> None:
    sentences = {
        stack.add_token(owner): "give it as the password",
        "dckr_something": "run 'docker login' again",
        identity_token(stack, owner)[:-1]: "mistyped",
    }
    for token, sentence in sentences.items():
        answer = refresh(stack, token)
        assert answer.status == 401
        assert sentence in answer.message
    as_password = stack.ask_token(User(owner.name, identity_token(stack, owner)))
    assert "this is an identity token" in as_password.message


def test_it_ends_when_it_lies_idle(new_stack: NewStack, tmp_path: Path) -> None:
    """The shortest idle time is a day: the record is aged instead of waiting for it."""
    stack = new_stack()
    owner = stack.add_user("owner")
    token = identity_token(stack, owner)
    assert refresh(stack, token).status == 200
    stack.service.stop()
    from sqlite3 import connect

    with connect(stack.folder / "auth-service.db") as database:
        database.execute("UPDATE tokens SET idle_until = 1700000000000")
    stack.service.serve()
    answer = refresh(stack, token)
    assert answer.status == 401
    assert "this docker login expired on 2023-11-14" in answer.message


def test_a_program_that_logs_in_with_each_request_leaves_the_logins_of_docker_alone(new_stack: NewStack) -> None:
    stack = new_stack()
    owner = stack.add_user("owner")
    of_docker = identity_token(stack, owner)
    of_regclient = [identity_token(stack, owner, "regclient") for _ in range(101)]
    assert refresh(stack, of_docker).status == 200
    assert refresh(stack, of_regclient[0]).status == 401
    assert refresh(stack, of_regclient[-1]).status == 200


def test_the_name_of_a_program_may_be_anything_and_is_shown_as_text(stack: Stack, owner: User) -> None:
    token = identity_token(stack, owner, "%1B%5B31mred%0A%C3%BC" + "x" * 3000)
    assert refresh(stack, token).status == 200
    (record,) = stack.service.cli_json("login", "list", "--user", owner.name)
    assert record["clientId"] == ("[31mred" + "x" * 3000)[:100]
    assert refresh(stack, identity_token(stack, owner, "")).status == 200


def test_the_hundred_and_first_login_takes_the_place_of_the_least_recently_used(new_stack: NewStack) -> None:
    stack = new_stack()
    owner = stack.add_user("owner")
    tokens = [identity_token(stack, owner) for _ in range(101)]
    assert len(stack.service.cli_json("login", "list", "--user", owner.name)) == 100
    assert refresh(stack, tokens[0]).status == 401
    assert all(refresh(stack, token).status == 200 for token in (tokens[1], tokens[-1]))
