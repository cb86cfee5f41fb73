"""Forged tokens are refused, whatever they say. The issuer is a stub, and its true tokens are accepted."""

from __future__ import annotations

import hmac
import string

from harness.forged import forged_tokens, put_together
from harness.signing import SigningKey, compact_json, signing_input
from harness.stack import User
from harness.target import Target

NOT_GENUINE = "is not genuine: it is malformed or not signed by this issuer"
UNKNOWN_KIDS = (
    "foreign key and kid",
    "foreign key, kid ''",
    "foreign key, kid '..",
    "foreign key, kid \"' OR",
)
"""Forgeries that name a key which nobody knows: it could be one that the issuer has just begun to use."""
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def test_not_one_of_the_whole_battery_is_accepted(target: Target) -> None:
    issuer = target.issuer
    battery = forged_tokens(issuer.rsa, issuer.ec, target.claims(), target.trap.url)
    assert len(battery) >= 142
    statuses = {name: target.ask(token).status for name, token in battery.items()}
    too_large = {name for name, status in statuses.items() if status == 413}
    assert too_large == {"1 MB"}
    unlooked = {name for name, status in statuses.items() if status == 429}
    assert all(name.startswith(UNKNOWN_KIDS) for name in unlooked), unlooked
    others = {name: status for name, status in statuses.items() if name not in too_large | unlooked}
    assert set(others.values()) == {401}, others
    target.trap.assert_that_nobody_connected()
    in_headers = {name: token for name, token in battery.items() if len(token) < 6000}
    statuses = {name: target.stack.ask_token(User("x", token)).status for name, token in in_headers.items()}
    assert set(statuses.values()) <= {401, 429}, statuses
    target.trap.assert_that_nobody_connected()


def test_a_token_without_a_signature_is_refused(target: Target) -> None:
    for spelling in ("none", "None", "NONE"):
        data = signing_input(target.issuer.rsa.header(alg=spelling), target.claims())
        assert NOT_GENUINE in target.refusal(put_together(data, b""))
    true = target.issuer.sign(target.claims())
    assert NOT_GENUINE in target.refusal(true.rpartition(".")[0] + ".")


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(target: Target) -> None:
    key = target.issuer.rsa
    for secret in (key.public_pem(), key.public_der(), compact_json(key.public_jwk())):
        data = signing_input(key.header(alg="HS256"), target.claims())
        assert NOT_GENUINE in target.refusal(put_together(data, hmac.digest(secret, data, "sha256")))


def test_a_token_under_another_algorithm_than_its_key_is_refused(target: Target) -> None:
    rsa, ec = target.issuer.rsa, target.issuer.ec
    for forged in (
        rsa.sign(target.claims(), rsa.header(alg="ES256")),
        ec.sign(target.claims(), ec.header(alg="RS256")),
        rsa.sign(target.claims(), rsa.header(kid=ec.kid)),
        rsa.sign(target.claims(), rsa.header(alg="RS512")),
    ):
        assert NOT_GENUINE in target.refusal(forged)


def test_a_token_of_a_key_that_it_brings_or_points_to_is_refused(target: Target) -> None:
    attacker, known = SigningKey(), target.issuer.rsa.kid
    for members in (
        {"jwk": attacker.public_jwk()},
        {"jku": target.trap.url + "/keys"},
        {"x5u": target.trap.url + "/certificate"},
        {"crit": ["b64"], "b64": False},
        {},
    ):
        assert NOT_GENUINE in target.refusal(
            attacker.sign(target.claims(), attacker.header(kid=known, **members))
        )
    target.trap.assert_that_nobody_connected()


def test_a_broken_signature_and_that_of_another_token_are_refused(target: Target) -> None:
    true, other = (target.issuer.sign(target.claims(sub=sub)) for sub in ("alice", "bob"))
    head, _, signature = true.rpartition(".")
    for forged in (
        true[:-2],
        true[:-20],
        head + "." + other.rpartition(".")[2],
        true + "AA",
        f"{head}.{signature}=",
    ):
        answer = target.ask(forged)
        assert answer.status == 401


def test_an_unknown_key_is_looked_for_and_then_not_at_once_again(target: Target) -> None:
    attacker = SigningKey(kid="nobody-knows-it")
    answer = target.ask(attacker.sign(target.claims()))
    assert answer.status in (401, 429)
    again = target.ask(attacker.sign(target.claims(sub="another")))
    assert again.status == 429
    assert "nothing is wrong with your login" in again.message


def test_a_claim_that_stands_there_twice_makes_a_token_unreadable(target: Target) -> None:
    for name, other in {"sub": '"bob"', "aud": '"other"', "exp": "1", "scope": '"view"'}.items():
        for raw in (
            compact_json(target.claims())[:-1] + f',"{name}":{other}}}'.encode(),
            f'{{"{name}":{other},'.encode() + compact_json(target.claims())[1:],
        ):
            assert target.ask(target.issuer.rsa.sign(raw)).status == 401


def test_a_token_of_a_megabyte_is_refused_without_reading_it(target: Target) -> None:
    huge = target.issuer.sign(target.claims(padding="x" * 1_000_000))
    assert target.ask(huge).status == 413
    large = target.issuer.sign(target.claims(padding="x" * 20_000))
    assert "at most 8192 bytes" in target.refusal(large)
    just_fits = target.issuer.sign(target.claims(padding="x" * 5_000))
    assert target.ask(just_fits).status == 200


def test_a_token_of_this_service_is_no_password(target: Target) -> None:
    alice = target.stack.add_user("owner")
    token = target.stack.token(alice, f"repository:{target.stack.add_project(alice)}/a:pull,push")
    assert "no issuer 'registry.test' is configured here" in target.refusal(token)
    assert target.ask(token, alice.name).status == 401


def test_a_signature_has_one_spelling(target: Target) -> None:
    """Of the last letter of one with 256 bytes two bits count; that the others are zero is looked at too."""
    true = target.issuer.sign(target.claims())
    last = BASE64URL.index(true[-1])
    assert last % 16 == 0
    for more in range(1, 16):
        assert NOT_GENUINE in target.refusal(true[:-1] + BASE64URL[last + more])
