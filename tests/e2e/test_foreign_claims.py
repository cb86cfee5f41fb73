"""True tokens: which of them are for here, and the reason why others are not. The issuers are stubs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.forged import without
from harness.signing import SigningKey
from harness.target import ALGORITHMS, Target

HOUR = 3600
NOT_GENUINE = "is not genuine: it is malformed or not signed by this issuer"


def signed(**changes: Any) -> Callable[[Target], str]:
    """A true token of alice, but for these claims; a claim can be made when it is needed."""

    def make(target: Target) -> str:
        now = int(time.time())
        made = {name: change(now) if callable(change) else change for name, change in changes.items()}
        return target.issuer.sign(target.claims(**made))

    return make


def of_type(typ: str | None) -> Callable[[Target], str]:
    """A true token of alice, but for what it says to be."""

    def make(target: Target) -> str:
        key = target.issuer.rsa
        return key.sign(target.claims(), key.header(typ=typ) if typ else without(key.header(), "typ"))

    return make


REFUSALS: dict[str, tuple[Callable[[Target], str], str]] = {
    "of another issuer": (signed(iss="https://issuer.invalid"), "no issuer 'https://issuer.invalid' is"),
    "for another audience": (signed(aud="other"), "made for another audience"),
    "for nobody": (signed(aud=None), "made for another audience"),
    "of another type": (of_type("JWT"), "is not an access token; use the access token, not the ID token"),
    "without a type": (of_type(None), "is not an access token; use the access token, not the ID token"),
    "that is an ID token": (signed(nonce="n"), "is not an access token; use the access token, not the ID token"),
    "that is over": (signed(exp=lambda now: now - 61), "has expired; get a new one"),
    "that has not begun": (
        signed(nbf=lambda now: now + HOUR),
        "is not valid yet; wait a minute",
    ),
    "without an end": (signed(exp=None), "never expires, and such tokens are not accepted; get one that expires"),
    "with an end in words": (signed(exp=lambda now: str(now + HOUR)), "has a claim that cannot be read"),
    "with a beginning in words": (signed(nbf="0"), "has a claim that cannot be read"),
    "of nobody": (signed(sub=None), "has no usable subject"),
    "of a list": (signed(sub=["alice"]), "has no usable subject"),
    "of somebody else": (signed(sub="Alice"), "no account here is linked to this login"),
    "of the client itself": (signed(client_id="alice"), "needs a robot account"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_true_token_that_is_not_for_here_is_refused_with_the_reason(target: Target, kind: str) -> None:
    make, sentence = REFUSALS[kind]
    assert sentence in target.refusal(make(target))


def test_the_leeway_for_clocks_is_a_minute_and_fractions_of_seconds_are_read(target: Target) -> None:
    now = time.time()
    for claims in ({"exp": now - 30.5}, {"nbf": now + 30.5}, {"exp": int(now) - 30, "iat": now + 30}):
        assert target.ask(target.issuer.sign(target.claims(**claims))).status == 200


def test_tokens_without_an_end_are_accepted_where_the_operator_says_so(target: Target) -> None:
    issuer = target.lasting
    assert target.ask(issuer.sign(issuer.claims(exp=None))).status == 200
    assert "has expired" in target.refusal(issuer.sign(issuer.claims(exp=1)))
    unreadables: list[object] = ["1", True, [], {}]
    for unreadable in unreadables:
        assert "cannot be read" in target.refusal(issuer.sign(issuer.claims(exp=unreadable)))


def test_tokens_of_other_programs_are_refused_where_the_operator_lists_some(target: Target) -> None:
    issuer = target.narrow
    good: list[dict[str, object]] = [{"client_id": "web"}, {"client_id": None, "azp": "web"}]
    for claims in good:
        assert target.ask(issuer.sign(issuer.claims(**claims))).status == 200
    bad: list[dict[str, object]] = [
        {"client_id": "ci"},
        {"client_id": None},
        {"client_id": "ci", "azp": "web"},
    ]
    for claims in bad:
        refusal = target.refusal(issuer.sign(issuer.claims(**claims)))
        assert "was issued to an OAuth client whose tokens are not accepted here" in refusal
    assert "another audience" in target.refusal(issuer.sign(issuer.claims(client_id="web", aud="web")))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_signature_that_can_be_listed_is_verified(target: Target, algorithm: str) -> None:
    issuer = target.lasting
    key = next(key for key in issuer.published if key.algorithm == algorithm)
    assert target.ask(key.sign(issuer.claims())).status == 200
    assert target.ask(key.sign(issuer.claims(), without(key.header(), "kid"))).status == 200
    impostor = SigningKey(algorithm)
    assert NOT_GENUINE in target.refusal(impostor.sign(issuer.claims(), impostor.header(kid=key.kid)))
    if algorithm not in ("RS256", "ES256"):
        not_listed = key.sign(target.claims(), key.header(kid=target.issuer.rsa.kid))
        assert NOT_GENUINE in target.refusal(not_listed)
