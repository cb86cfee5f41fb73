"""Wrong passwords: who has to wait, what the terminal says, and who goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import NewNamedClient, NewStack
from harness.process import wait_until
from harness.service import Service
from harness.stack import Stack, User
from harness.web import HttpAnswer, basic, post_form, request

FREE_TRIES = 3


@pytest.fixture
def guarded(new_stack: NewStack) -> Iterator[Stack]:
    """Behind a proxy, so that a test can come from any address."""
    yield new_stack(
        login={"free_tries": FREE_TRIES, "longest_lock_seconds": 900},
        http={"trusted_proxies": ["127.0.0.1"]},
    )


def ask(stack: Stack, user: User, address: str, service: Service | None = None) -> HttpAnswer:
    headers = {"Authorization": basic(user.name, user.password), "X-Forwarded-For": address}
    url = (service or stack.service).url
    return request("GET", f"{url}/token?service=registry.test", headers=headers)


def guess(stack: Stack, user: User, address: str, times: int) -> list[str]:
    """The codes of some wrong passwords, one after the other."""
    answers = [ask(stack, User(user.name, f"guess {number}"), address) for number in range(times)]
    assert all(answer.status == 401 for answer in answers)
    return [answer.message.rpartition("[")[2].rstrip("]") for answer in answers]


def test_after_the_free_tries_the_right_password_has_to_wait_and_from_elsewhere_it_has_not(
    guarded: Stack,
) -> None:
    owner = guarded.add_user("owner")
    codes = guess(guarded, owner, "192.0.2.1", FREE_TRIES + 2)
    assert codes == ["wrong_credentials"] * FREE_TRIES + ["locked_out"] * 2
    locked = ask(guarded, owner, "192.0.2.1")
    assert "wait 2 seconds" in locked.message or "wait 1 second" in locked.message
    assert locked.reason.startswith("locked_out")
    assert ask(guarded, owner, "192.0.2.2").status == 200
    wait_until(lambda: ask(guarded, owner, "192.0.2.1").status == 200, "the wait is over", 4)


def test_an_ipv6_client_is_counted_by_its_network(guarded: Stack) -> None:
    owner = guarded.add_user("owner")
    for number in range(FREE_TRIES):
        ask(guarded, User(owner.name, f"guess {number}"), f"2001:db8:1:2::{number}")
    assert "[locked_out]" in ask(guarded, owner, "2001:db8:1:2::ffff").message
    assert ask(guarded, owner, "2001:db8:1:3::1").status == 200


def test_an_administrator_unlocks(guarded: Stack) -> None:
    owner = guarded.add_user("owner")
    guess(guarded, owner, "192.0.2.1", FREE_TRIES)
    assert "[locked_out]" in ask(guarded, owner, "192.0.2.1").message
    guarded.service.cli("user", "unlock", owner.name).check()
    assert ask(guarded, owner, "192.0.2.1").status == 200


def test_unlocking_ends_the_lock_of_the_name_and_of_the_address(guarded: Stack) -> None:
    owner = guarded.add_user("owner")
    names = [owner.name, f"{owner.name}@example.org"]
    for name in names:
        guess(guarded, User(name, ""), "192.0.2.1", FREE_TRIES)
        assert "[locked_out]" in ask(guarded, User(name, owner.password), "192.0.2.1").message
    guarded.service.cli("user", "unlock", owner.name).check()
    for name in names:
        assert ask(guarded, User(name, owner.password), "192.0.2.1").status == 200


def test_a_lock_survives_a_restart_and_holds_in_every_process(new_stack: NewStack) -> None:
    stack = new_stack(
        "postgresql", login={"free_tries": FREE_TRIES}, http={"trusted_proxies": ["127.0.0.1"]}
    )
    owner = stack.add_user("owner")
    sibling = stack.service.sibling()
    sibling.serve()
    try:
        guess(stack, owner, "192.0.2.1", FREE_TRIES)
        assert "[locked_out]" in ask(stack, owner, "192.0.2.1", sibling).message
        for number in range(4):  # each try beyond doubles the wait
            wait_until(
                lambda number=number: "[wrong_credentials]"  # type: ignore[misc]
                in ask(stack, User(owner.name, f"more {number}"), "192.0.2.1").message,
                "one may try again",
                20,
            )
            if number == 2:
                break
        stack.service.stop()
        stack.service.serve()
        assert "[locked_out]" in ask(stack, owner, "192.0.2.1").message
    finally:
        sibling.stop()


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has(guarded: Stack) -> None:
    owner = guarded.add_user("owner")
    known = guess(guarded, owner, "192.0.2.1", FREE_TRIES + 1)
    unknown = guess(guarded, User("nobody-of-this-name", ""), "192.0.2.2", FREE_TRIES + 1)
    assert known == unknown


def test_no_spelling_reveals_whether_a_name_or_an_address_exists(guarded: Stack) -> None:
    owner = guarded.add_user("owner")

    def codes(name: str, address: str) -> list[str]:
        guess(guarded, User(name, ""), address, FREE_TRIES)
        spellings = [f" {name}", f"{name.upper()} ", f"{name}@example.org", f" {name}@Example.org"]
        return [guess(guarded, User(spelling, ""), address, 1)[0] for spelling in spellings]

    known = codes(owner.name, "192.0.2.1")
    assert known == codes("nobody-of-this-name", "192.0.2.2")
    assert known == ["locked_out", "locked_out", "wrong_credentials", "wrong_credentials"]


def test_tokens_probes_and_remembered_logins_neither_count_nor_wait(guarded: Stack) -> None:
    owner = guarded.add_user("owner")
    token = guarded.add_token(owner)
    url = guarded.service.url + "/token"
    for _ in range(FREE_TRIES * 2):
        request("GET", url, headers={"X-Forwarded-For": "192.0.2.1"})
        ask(guarded, User("", ""), "192.0.2.1")
        ask(guarded, User(owner.name, token[:-1]), "192.0.2.1")
    assert ask(guarded, owner, "192.0.2.1").status == 200
    guess(guarded, owner, "192.0.2.1", FREE_TRIES + 1)
    assert ask(guarded, owner, "192.0.2.1").status == 200, "it is remembered"
    assert ask(guarded, User("x", token), "192.0.2.1").status == 200


def test_a_client_that_asks_twice_counts_once(guarded: Stack) -> None:
    """containerd: first a form, and when that is refused the same by query."""
    owner = guarded.add_user("owner")
    form = {"grant_type": "password", "username": owner.name, "password": "wrong", "service": "registry.test"}
    for _ in range(FREE_TRIES - 1):
        headers = {"X-Forwarded-For": "192.0.2.1"}
        assert "[wrong_credentials]" in post_form(guarded.service.url + "/token", form, headers=headers).message
        assert "[wrong_credentials]" in ask(guarded, User(owner.name, "wrong"), "192.0.2.1").message
    assert ask(guarded, owner, "192.0.2.1").status == 200


def test_docker_shows_how_long_to_wait(
    new_stack: NewStack, new_client_named: NewNamedClient
) -> None:
    stack = new_stack(login={"free_tries": 1, "longest_lock_seconds": 900})
    owner = stack.add_user("owner")
    for name in ("docker", "docker-containerd"):
        client = new_client_named(name)
        client.login(stack.host, owner.name, "wrong")
        refused = client.login(stack.host, owner.name, owner.password)
        assert not refused.succeeded
        assert "too many wrong passwords" in refused.text
        assert "[locked_out]" in refused.text
        stack.service.cli("user", "unlock", owner.name).check()


def test_the_log_reports_a_lock_and_not_what_was_typed(guarded: Stack) -> None:
    guess(guarded, User("s3cret-typed-as-name", ""), "192.0.2.1", FREE_TRIES + 1)
    wait_until(lambda: '"target":"logins"' in guarded.service.log(), "the lock is logged")
    assert "s3cret-typed-as-name" not in guarded.service.log()
    metrics = request("GET", guarded.service.ops_url + "/metrics").body.decode()
    assert 'auth_service_tokens_refused_total{reason="locked_out"} 1' in metrics


def test_the_lock_out_can_be_turned_off(new_stack: NewStack) -> None:
    stack = new_stack(login={"free_tries": 0})
    owner = stack.add_user("owner")
    assert guess(stack, owner, "127.0.0.1", 12) == ["wrong_credentials"] * 12
    assert ask(stack, owner, "127.0.0.1").status == 200
