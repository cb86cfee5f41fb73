"""Signing keys: rotated without touching the registry, of both kinds, and never readable by others."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import NewClient, NewStack, Publish, make_stack
from harness.process import wait_until
from harness.stack import Stack, User
from harness.web import decode_token, request


def key_id(stack: Stack, user: User) -> str:
    """The key that a fresh token is signed with."""
    return str(decode_token(stack.token(user))[0]["kid"])


def rotate(stack: Stack, user: User) -> str:
    """Changes the key and waits until the running service, another process, signs with it."""
    before = key_id(stack, user)
    stack.service.cli("key", "rotate").check()
    wait_until(lambda: key_id(stack, user) != before, "the running service signs with the new key", 2)
    return key_id(stack, user)


def test_a_pull_works_with_the_new_key_after_a_rotation(
    stack: Stack, owner: User, project: str, publish: Publish, new_client: NewClient
) -> None:
    digest = publish(f"{project}/app")
    rotate(stack, owner)
    client = stack.login(new_client, owner)
    assert client.pull(stack.reference(f"{project}/app")).check().digest == digest


def test_no_pull_fails_while_keys_are_rotated(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    failures: list[str] = []
    seen: set[str] = set()
    done = threading.Event()

    def pull_again_and_again() -> None:
        while not done.is_set():
            token = stack.token(owner, f"repository:{item}:pull")
            seen.add(decode_token(token)[0]["kid"])
            status = stack.registry.ask("GET", f"/v2/{item}/manifests/v1", token).status
            if status != 200:
                failures.append(f"{status}: {stack.registry.log()[-500:]}")

    puller = threading.Thread(target=pull_again_and_again)
    puller.start()
    try:
        for _ in range(3):
            wait_for_pull_with(rotate(stack, owner), seen)
    finally:
        done.set()
        puller.join()
    assert not failures


def wait_for_pull_with(key: str, seen: set[str]) -> None:
    wait_until(lambda: key in seen, "a pull used the new key", 2)


def test_a_token_made_before_the_rotation_stays_good_until_it_ends(
    stack: Stack, owner: User, project: str, publish: Publish
) -> None:
    item = f"{project}/app"
    publish(item)
    old = stack.token(owner, f"repository:{item}:pull")
    rotate(stack, owner)
    assert stack.registry.ask("GET", f"/v2/{item}/manifests/v1", old).status == 200


def test_the_published_key_set_holds_the_key_in_use(stack: Stack, owner: User) -> None:
    in_use = key_id(stack, owner)
    # Asked for afterwards: a key that has stopped signing meanwhile stays in the set.
    keys = request("GET", stack.service.url + "/.well-known/jwks.json").json()["keys"]
    assert in_use in [key["kid"] for key in keys]
    assert not any("d" in key for key in keys), "a private key was published"


def test_key_list_names_the_key_in_use_and_shows_no_private_key(stack: Stack, owner: User) -> None:
    in_use = key_id(stack, owner)
    listed = stack.service.cli("--json", "key", "list").check().stdout
    assert in_use in listed
    assert "PRIVATE" not in listed


@pytest.fixture(scope="module")
def rsa_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation whose tokens are signed with RSA."""
    stack = make_stack("sqlite", request)
    yield stack.start(algorithm="RS256")
    stack.close()


def test_every_client_works_with_rsa_keys(rsa_stack: Stack, new_client: NewClient) -> None:
    owner = rsa_stack.add_user("owner")
    item = f"{rsa_stack.add_project(owner)}/app"
    assert decode_token(rsa_stack.token(owner))[0]["alg"] == "RS256"
    client = rsa_stack.login(new_client, owner)
    pushed = client.push(rsa_stack.reference(item), "signed with RSA").check()
    rsa_stack.wait_for_tag(item, "v1", pushed.digest)
    assert client.pull(rsa_stack.reference(item)).check().digest == pushed.digest


def test_rsa_keys_rotate_too(rsa_stack: Stack) -> None:
    owner = rsa_stack.add_user("owner")
    rotate(rsa_stack, owner)
    assert rsa_stack.registry.ask("GET", "/v2/", rsa_stack.token(owner)).status == 200


def private_key_files(stack: Stack) -> list[Path]:
    files = [path for path in (stack.folder / "keys").rglob("*") if path.is_file()]
    return [path for path in files if re.search(r"PRIVATE KEY", path.read_text(errors="replace"))]


def test_private_keys_are_readable_by_their_owner_only(stack: Stack) -> None:
    files = private_key_files(stack)
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_key_that_others_can_read_is_refused_at_the_start(new_stack: NewStack) -> None:
    stack = new_stack()
    stack.service.stop()
    for path in private_key_files(stack):
        path.chmod(0o640)
    outcome = stack.service.cli("serve")
    assert outcome.exit_code in (1, 2)
    assert "640" in outcome.stderr or "readable" in outcome.stderr
    assert str(stack.folder / "keys") in outcome.stderr


def test_serving_without_keys_names_the_command_that_makes_them(new_stack: NewStack) -> None:
    stack = new_stack()
    stack.service.stop()
    (stack.folder / "keys").rename(stack.folder / "keys-away")
    outcome = stack.service.cli("serve")
    assert outcome.exit_code in (1, 2)
    assert "key init" in outcome.stderr


def test_the_exported_bundle_can_be_read_by_a_registry_of_another_user(stack: Stack, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    stack.service.cli("key", "export-ca", "--out", str(bundle)).check()
    assert bundle.stat().st_mode & 0o777 == 0o644
