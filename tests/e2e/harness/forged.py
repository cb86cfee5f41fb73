"""Forged access tokens, each wrong in exactly one way.

Every token is made from claims that would be good, and from the keys that the issuer publishes; an
attacker has neither private key, but may have seen tokens. What cannot be forged without the key,
such as a wrong audience, stands for a true token that was meant for something else.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from harness.signing import Claims, SigningKey, base64url, compact_json, signing_input

Forgeries = Iterator[tuple[str, str]]
HOUR = 3600


def forged_tokens(rsa: SigningKey, ec: SigningKey, claims: Claims, trap_url: str) -> dict[str, str]:
    """Name to token. `trap_url` is where a verifier would go that follows what a header says."""
    battery = (
        _unsigned(rsa, claims),
        _signed_with_the_public_key(rsa, claims),
        _with_another_algorithm(rsa, ec, claims),
        _with_bad_signatures(rsa, ec, claims),
        _with_keys_of_the_attacker(rsa, claims, trap_url),
        _for_something_else(rsa, claims),
        _at_the_wrong_time(rsa, claims),
        _ambiguous(rsa, claims),
        _malformed(rsa, claims),
    )
    return {name: token for part in battery for name, token in part}


def without(claims: Claims, name: str) -> Claims:
    return {other: value for other, value in claims.items() if other != name}


def put_together(data: bytes, signature: bytes) -> str:
    return f"{data.decode()}.{base64url(signature)}"


def _unsigned(rsa: SigningKey, claims: Claims) -> Forgeries:
    true = rsa.sign(claims)
    for spelling in ("none", "None", "NONE", "nOnE", "none ", ""):
        data = signing_input(rsa.header(alg=spelling), claims)
        yield f"alg {spelling!r} without a signature", put_together(data, b"")
        yield f"alg {spelling!r} with a signature", f"{data.decode()}.{true.split('.')[2]}"
    for value in (None, 0, ["RS256"]):
        yield f"alg {value!r}", rsa.sign(claims, rsa.header(alg=value))
    yield "no alg", rsa.sign(claims, without(rsa.header(), "alg"))


def _signed_with_the_public_key(rsa: SigningKey, claims: Claims) -> Forgeries:
    pem = rsa.public_pem()
    secrets = {
        "PEM": pem,
        "PEM without its last line end": pem.rstrip(),
        "DER": rsa.public_der(),
        "JWK": compact_json(rsa.public_jwk()),
        "modulus": rsa.public_jwk()["n"].encode(),
        "empty key": b"",
    }
    for bits in ("256", "384", "512"):
        data = signing_input(rsa.header(alg=f"HS{bits}"), claims)
        for name, secret in secrets.items():
            yield f"HS{bits} with the {name}", put_together(data, hmac.digest(secret, data, f"sha{bits}"))


def _with_another_algorithm(rsa: SigningKey, ec: SigningKey, claims: Claims) -> Forgeries:
    for algorithm in ("RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256"):
        header = rsa.header(alg=algorithm)
        yield f"RS256 signature under the name {algorithm}", rsa.sign(claims, header)
    yield "ES256 signature under the name RS256", ec.sign(claims, ec.header(alg="RS256"))
    yield "ES256 signature with the kid of the RSA key", ec.sign(claims, ec.header(kid=rsa.kid))
    yield "RS256 signature with the kid of the EC key", rsa.sign(claims, rsa.header(kid=ec.kid))
    data = signing_input(rsa.header(alg="PS256"), claims)
    yield "true PS256 by a key for RS256", put_together(data, rsa.signature(data, "PS256"))


def _with_bad_signatures(rsa: SigningKey, ec: SigningKey, claims: Claims) -> Forgeries:
    data = signing_input(rsa.header(), claims)
    signature = rsa.signature(data)
    other = rsa.signature(signing_input(rsa.header(), {**claims, "scope": "view"}))
    yield "no signature", put_together(data, b"")
    yield "truncated signature", put_together(data, signature[:-1])
    yield "half a signature", put_together(data, signature[:128])
    yield "signature with a byte more", put_together(data, signature + b"\0")
    yield "signature with one bit changed", put_together(data, signature[:-1] + bytes([signature[-1] ^ 1]))
    yield "signature of zeros", put_together(data, bytes(256))
    yield "signature of another token", put_together(data, other)
    changed = signing_input(rsa.header(), {**claims, "sub": "somebody else"})
    yield "changed claims under an old signature", put_together(changed, signature)
    data = signing_input(ec.header(), claims)
    raw = ec.signature(data)
    yield "ES256 signature of zeros", put_together(data, bytes(64))
    yield "ES256 signature half", put_together(data, raw[:32])
    r, s = (int.from_bytes(part, "big") for part in (raw[:32], raw[32:]))
    yield "ES256 signature in DER", put_together(data, encode_dss_signature(r, s))


def _with_keys_of_the_attacker(rsa: SigningKey, claims: Claims, trap_url: str) -> Forgeries:
    attacker = SigningKey("RS256", kid="attacker")
    embedded = attacker.public_jwk()
    yield "foreign key and kid", attacker.sign(claims)
    yield "foreign key under a known kid", attacker.sign(claims, attacker.header(kid=rsa.kid))
    yield "foreign key without a kid", attacker.sign(claims, without(attacker.header(), "kid"))
    for odd in ("", "../../../../dev/null", "' OR '1'='1", "x" * 65536, 1, None):
        yield f"foreign key, kid {str(odd)[:30]!r}", attacker.sign(claims, attacker.header(kid=odd))
    yield "foreign key, known kid in a list", attacker.sign(claims, attacker.header(kid=[rsa.kid]))
    for whose, kid in (("foreign", attacker.kid), ("known", rsa.kid)):
        yield f"embedded jwk, {whose} kid", attacker.sign(claims, attacker.header(kid=kid, jwk=embedded))
        for pointer in ("jku", "x5u"):
            header = attacker.header(kid=kid, **{pointer: f"{trap_url}/{pointer}"})
            yield f"{pointer} to the attacker, {whose} kid", attacker.sign(claims, header)
    yield "issuer of the attacker", attacker.sign({**claims, "iss": trap_url})


def _for_something_else(rsa: SigningKey, claims: Claims) -> Forgeries:
    issuer = str(claims["iss"])
    issuers: dict[str, object] = {
        "of another issuer": "https://issuer.invalid",
        "with a slash more": issuer + "/",
        "with another host": issuer + "@issuer.invalid",
        "in capitals": issuer.upper(),
        "empty": "",
        "as a list": [issuer],
    }
    for name, value in issuers.items():
        yield f"iss {name}", rsa.sign({**claims, "iss": value})
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    audiences: dict[str, object] = {
        "of another": "other",
        "of two others": ["other", "another"],
        "of nobody": [],
        "empty": "",
        "in capitals": audience.upper(),
        "with others in one string": audience + " other",
        "as an object": {audience: True},
    }
    for name, value in audiences.items():
        yield f"aud {name}", rsa.sign({**claims, "aud": value})
    for typ in ("logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt2", ["at+jwt"]):
        yield f"typ {typ!r}", rsa.sign(claims, rsa.header(typ=typ))
    for name in ("iss", "aud", "sub"):
        yield f"no {name}", rsa.sign(without(claims, name))
    yield "sub 1", rsa.sign({**claims, "sub": 1})


def _at_the_wrong_time(rsa: SigningKey, claims: Claims) -> Forgeries:
    now = int(time.time())
    yield "expired", rsa.sign({**claims, "iat": now - 2 * HOUR, "exp": now - HOUR})
    yield "expired, with a fraction", rsa.sign({**claims, "exp": now - HOUR + 0.5})
    yield "not yet valid", rsa.sign({**claims, "nbf": now + HOUR, "exp": now + 2 * HOUR})
    yield "no exp", rsa.sign(without(claims, "exp"))
    for name, good in (("exp", now + HOUR), ("nbf", now - HOUR)):
        yield f"{name} as a string", rsa.sign({**claims, name: str(good)})
        yield f"{name} as a list", rsa.sign({**claims, name: [good]})
        yield f"{name} as an object", rsa.sign({**claims, name: {}})
    for wrong in (None, True, 0, -1):
        yield f"exp {wrong}", rsa.sign({**claims, "exp": wrong})
    for number in ("1e400", "NaN", "Infinity"):
        raw = json.dumps({**claims, "exp": "EXP"}).replace('"EXP"', number)
        yield f"exp {number}", rsa.sign(raw.encode())


def _ambiguous(rsa: SigningKey, claims: Claims) -> Forgeries:
    """One member twice: what one reader checks is not what another one uses."""
    others = {"iss": "https://issuer.invalid", "sub": "other", "aud": "other", "exp": 1, "scope": "view"}
    for name, other in others.items():
        for where, pair in (("first", (other, claims[name])), ("last", (claims[name], other))):
            twice = ",".join(f'"{name}":{json.dumps(value)}' for value in pair)
            raw = compact_json(without(claims, name))[:-1] + b"," + twice.encode() + b"}"
            yield f"two {name}, the wrong one {where}", rsa.sign(raw)
    header = compact_json(rsa.header())[:-1]
    yield "two alg", rsa.sign(claims, header + b',"alg":"none"}')
    yield "two kid", rsa.sign(claims, header + b',"kid":"other"}')


def _malformed(rsa: SigningKey, claims: Claims) -> Forgeries:
    true = rsa.sign(claims)
    head, body, signature = true.split(".")
    yield "1 MB", rsa.sign({**claims, "padding": "x" * 1_000_000})
    for extension in ("exp", "b64", "unknown"):
        header = rsa.header(crit=[extension], **{extension: False})
        yield f"crit {extension}", rsa.sign(claims, header)
    yield "empty crit", rsa.sign(claims, rsa.header(crit=[]))
    yield "two parts", f"{head}.{body}"
    yield "four parts", f"{true}.{signature}"
    yield "five parts", f"{head}.{body}.{signature}.{body}.{signature}"
    yield "only dots", ".."
    yield "no header", f".{body}.{signature}"
    yield "claims that are a list", rsa.sign(compact_json([claims]))
    yield "claims that are a string", rsa.sign(compact_json(json.dumps(claims)))
    yield "claims that are no JSON", rsa.sign(b"sub=alice")
    start = compact_json(claims)[:-1] + b',"more":'
    yield "claims that are no UTF-8", rsa.sign(start + b'"\xff\xfe"}')
    yield "claims nested deeply", rsa.sign(start + b"[" * 5000 + b"]" * 5000 + b"}")
    yield "something after the claims", rsa.sign(start + b"1}{}")
    yield "header that is a list", rsa.sign(claims, compact_json([rsa.header()]))
    yield "header that is no JSON", rsa.sign(claims, b"RS256")
    yield "standard base64", true.replace("-", "+").replace("_", "/") + "=="
