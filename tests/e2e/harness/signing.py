"""Keys that tests sign tokens with, and tokens put together piece by piece."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

Claims = dict[str, Any]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def signing_input(header: Claims | bytes, claims: Claims | bytes) -> bytes:
    """What a signature is made over; bytes are taken as they are."""
    parts = [part if isinstance(part, bytes) else compact_json(part) for part in (header, claims)]
    return ".".join(base64url(part) for part in parts).encode()


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def _generate(algorithm: str) -> PrivateKey:
    match algorithm:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


class SigningKey:
    """A key pair for one algorithm of RSA or of elliptic curves."""

    _made = 0

    def __init__(self, algorithm: str = "RS256", kid: str | None = None) -> None:
        number = SigningKey._made = SigningKey._made + 1
        self.algorithm = algorithm
        self.kid = kid or f"{algorithm.lower()}-{number}"
        self.private = _generate(algorithm)

    def _jwk(self, key: object) -> Claims:
        members: Claims = get_default_algorithms()[self.algorithm].to_jwk(key, as_dict=True)
        members.pop("key_ops", None)
        return {**members, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def public_jwk(self) -> Claims:
        return self._jwk(self.private.public_key())

    def private_jwk(self) -> Claims:
        return self._jwk(self.private)

    def public_pem(self) -> bytes:
        return self._public(serialization.Encoding.PEM)

    def public_der(self) -> bytes:
        return self._public(serialization.Encoding.DER)

    def _public(self, encoding: serialization.Encoding) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(encoding, form)

    def signature(self, data: bytes, algorithm: str | None = None) -> bytes:
        """The bytes of a signature, by another algorithm than the key's own if one is named."""
        made: bytes = get_default_algorithms()[algorithm or self.algorithm].sign(data, self.private)
        return made

    def header(self, **members: object) -> Claims:
        """The header of an access token of this key."""
        return {"alg": self.algorithm, "typ": "at+jwt", "kid": self.kid, **members}

    def sign(self, claims: Claims | bytes, header: Claims | bytes | None = None) -> str:
        """A token with a true signature, whatever its header says."""
        data = signing_input(self.header() if header is None else header, claims)
        return f"{data.decode()}.{base64url(self.signature(data))}"
