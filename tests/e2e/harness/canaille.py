"""A real OpenID Connect server of another make: canaille, from PyPI, with SQLite.

It is here for its habits: introspection gives times as fractions and the audience as a list, a
person's access token is a JWT (RS512, typ JWT) without a scope claim, and a client's is opaque.
"""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from urllib.parse import urlencode

from harness.code_flow import authorization_code
from harness.places import TOOLS, free_port
from harness.process import BackgroundProcess, Outcome, run, wait_until
from harness.signing import SigningKey
from harness.web import HttpAnswer, post_form, request

PROGRAM = TOOLS / "venv-canaille" / "bin" / "canaille"

CLIENT = ("reg", "s3cret")
"""Takes tokens for itself and for the user, may ask about them, and is their audience."""
USER = ("bob", "sesame123")
EMAIL = "bob@example.org"

CALLBACK = "http://127.0.0.1:1/callback"

JWKS = "/oauth/jwks.json"
AUTHORIZATION = "/oauth/authorize"
TOKEN = "/oauth/token"
INTROSPECTION = "/oauth/introspect"
REVOCATION = "/oauth/revoke"
USERINFO = "/oauth/userinfo"


class Canaille:
    """One server on a port that it keeps, with one user and one client; its data outlive `stop`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: BackgroundProcess | None = None
        self._issued_at = 0
        key = SigningKey().private_jwk()
        del key["alg"]  # so that it chooses one, and it chooses RS512
        self._env = {
            "SECRET_KEY": secrets.token_hex(16),
            "SERVER_NAME": f"127.0.0.1:{self.port}",
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE_SQL__DATABASE_URI": f"sqlite:///{folder}/canaille.db",
            "CANAILLE_OIDC__ACTIVE_JWKS": json.dumps([key]),
            "CANAILLE_OIDC__REQUIRE_NONCE": "false",
        }
        assert PROGRAM.exists(), f"{PROGRAM} is missing; run tests/install.sh"
        self._fill()

    def _cli(self, *words: str) -> Outcome:
        return run([PROGRAM, *words], env=self._env, cwd=self._folder).check()

    def _fill(self) -> None:
        self._cli("install")
        name, password = USER
        user = ["--user-name", name, "--password", password, "--emails", EMAIL]
        self._cli("create", "user", *user, "--family-name", "Bob", "--formatted-name", "Bob Builder")
        identifier, secret = CLIENT
        grants = ("client_credentials", "password", "authorization_code", "refresh_token")
        client = ["--client-id", identifier, "--client-secret", secret, "--client-name", identifier]
        client += [word for grant in grants for word in ("--grant-types", grant)]
        client += [word for scope in ("openid", "download", "modify") for word in ("--scope", scope)]
        client += ["--redirect-uris", CALLBACK, "--response-types", "code"]
        client += ["--token-endpoint-auth-method", "client_secret_basic"]
        made = json.loads(self._cli("create", "client", *client).stdout)
        # Only a token's audience may introspect it.
        self._cli("set", "client", made["id"], "--audience", made["id"])

    def start(self) -> Canaille:
        argv = [PROGRAM, "run", "--bind", f"127.0.0.1:{self.port}"]
        self._process = BackgroundProcess("canaille", argv, self._folder, self._env)
        self._process.wait_until(self._answers, "answers", 60)
        return self

    def _answers(self) -> bool:
        try:
            return request("GET", self.issuer + JWKS).status == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    def log(self) -> str:
        return self._process.log() if self._process else ""

    def user_token(self, scope: str = "openid download") -> str:
        """A JWT for the user, who gave the client name and password."""
        name, password = USER
        return self._token({"grant_type": "password", "username": name, "password": password, "scope": scope})

    def client_token(self, scope: str = "download") -> str:
        """An opaque token of the client's own."""
        return self._token({"grant_type": "client_credentials", "scope": scope})

    def id_token(self) -> str:
        """An ID token, which names the user who logged in on canaille's pages: a JWT of the same type."""
        name, password = USER
        query = {"client_id": CLIENT[0], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
        pages = ({"login": name}, {"password": password}, {"answer": "accept"})
        code = authorization_code(f"{self.issuer}{AUTHORIZATION}?{urlencode(query)}", CALLBACK, pages, {})
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self._token(form, "id_token")

    def _token(self, form: dict[str, str], kind: str = "access_token") -> str:
        self._wait_for_another_second()
        answer = self._ask(TOKEN, form)
        self._issued_at = int(time.time())
        assert answer.status == 200, f"{answer.status} {answer.body!r}"
        return str(answer.json()[kind])

    def _wait_for_another_second(self) -> None:
        """Two JWTs of one second are the same text, which it cannot store twice: it answers with 500."""
        wait_until(lambda: int(time.time()) > self._issued_at, "the next second begins", 2)

    def revoke(self, token: str) -> None:
        """A JWT can be revoked too, but only introspection knows it."""
        answer = self._ask(REVOCATION, {"token": token})
        assert answer.status == 200, f"{answer.status} {answer.body!r}"

    def introspect(self, token: str) -> HttpAnswer:
        return self._ask(INTROSPECTION, {"token": token})

    def _ask(self, path: str, form: dict[str, str]) -> HttpAnswer:
        return post_form(self.issuer + path, form, credentials=CLIENT)
