"""A real OAuth and OpenID Connect server: npm's oidc-provider, driven by tests/node/oidc-provider.mjs.

Three clients are registered: `ci` takes tokens for itself, `web` for people, and `introspector` may
ask about both. Any login name is a person there, and it becomes the subject of the person's tokens.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from harness.code_flow import authorization_code
from harness.places import REPOSITORY, TOOLS, free_port
from harness.process import BackgroundProcess
from harness.signing import SigningKey, base64url
from harness.web import HttpAnswer, post_form, request

PROGRAM = REPOSITORY / "tests" / "node" / "oidc-provider.mjs"
NODE = TOOLS / "node"

SECRET = "s3cret"
INTROSPECTOR = ("introspector", SECRET)
SCOPES = ("view", "download", "modify", "registry.read", "registry.write")
AUDIENCE = "registry"
RESOURCE = "https://registry.test"
"""Tokens for this resource are JWTs for `AUDIENCE`; for another resource, its own URL is the audience."""

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks"
TOKEN = "/token"
INTROSPECTION = "/token/introspection"
REVOCATION = "/token/revocation"
USERINFO = "/me"

OWN_REQUEST = {"User-Agent": "test bench"}


class OidcProvider:
    """One server on a port that it keeps; what it issued outlives `stop`."""

    def __init__(
        self,
        folder: Path,
        *,
        lifetime_seconds: int = 3600,
        algorithm: str = "RS256",
        opaque_prefix: str = "",
    ) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys: list[SigningKey] = []
        self._folder = folder
        self._log = folder / "requests.log"
        self._disturbed: dict[str, dict[str, object]] = {}
        self._clients: dict[str, str] = {}
        self._callback = f"http://127.0.0.1:{free_port()}/callback"
        self._process: BackgroundProcess | None = None
        self._settings: dict[str, Any] = {
            "issuer": self.issuer,
            "lifetime": lifetime_seconds,
            "algorithm": algorithm,
            "opaquePrefix": opaque_prefix,
            "scopes": SCOPES,
            "audiences": {RESOURCE: AUDIENCE},
            "callback": self._callback,
        }
        self.roll_keys()

    # The server.

    def start(self, *, new_keys: bool = False) -> OidcProvider:
        """Starts it, or starts it again with the same keys or with others only."""
        if new_keys:
            self.roll_keys(keep_old=False)
        self._log.write_text("")
        argv = [NODE / "node_modules" / ".bin" / "node", PROGRAM, self._folder, NODE]
        assert argv[0].exists(), f"{argv[0]} is missing; run tests/install.sh"
        self._process = BackgroundProcess("oidc-provider", argv, self._folder)
        self._process.wait_until(self._answers, "answers")
        return self

    def _answers(self) -> bool:
        try:
            return request("GET", self.issuer + JWKS, headers=OWN_REQUEST).status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Connections are refused from now on; tokens are kept for the next start."""
        if self._process:
            self._process.stop()

    def log(self) -> str:
        return self._process.log() if self._process else ""

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of what it was asked since its start, but not by the methods of this class."""
        lines = self._log.read_text().splitlines()
        return [(method, path) for method, path in (line.split(" ", 1) for line in lines)]

    # What holds from the next request on.

    def _save(self) -> None:
        keys = [key.private_jwk() for key in self.keys]
        settings = {
            "port": self.port,
            "provider": {**self._settings, "keys": keys},
            "disturbed": self._disturbed,
        }
        new = self._folder / "settings.new"
        new.touch(mode=0o600)
        new.write_text(json.dumps(settings))
        new.rename(self._folder / "settings.json")

    def roll_keys(self, *, keep_old: bool = True) -> None:
        """Signs with new keys, RSA and EC, without a restart; the old ones stay published or not."""
        new = [SigningKey("RS256"), SigningKey("ES256")]
        self.keys = [*new, *(self.keys if keep_old else [])]
        self._save()

    def set_lifetime(self, seconds: int) -> None:
        """Of the tokens that it issues from now on."""
        self._settings["lifetime"] = seconds
        self._save()

    def disturb(
        self,
        path: str,
        *,
        delay: float = 0,
        status: int | None = None,
        body: str = "<html><h1>Welcome</h1></html>",
        content_type: str = "text/html",
    ) -> None:
        """Lets one endpoint answer late or, with a status, something else than it should."""
        self._disturbed[path] = {"delay": delay, "status": status, "type": content_type, "body": body}
        self._save()

    def calm(self) -> None:
        """Ends every disturbance."""
        self._disturbed.clear()
        self._save()

    # Tokens.

    def client_token(self, scope: str, resource: str | None = None, client: str = "ci") -> str:
        """An access token of the client's own: a JWT for a resource, else opaque."""
        form = {"grant_type": "client_credentials", "scope": scope}
        return str(self._token(form, resource, client)["access_token"])

    def user_token(self, login: str, scope: str, resource: str | None = None) -> str:
        """An access token of a person who logged in and agreed: a JWT for a resource, else opaque."""
        return str(self._log_in(login, scope, resource)["access_token"])

    def id_token(self, login: str) -> str:
        """An ID token: it names the user to the client `web`, and gives access to nothing."""
        return str(self._log_in(login, "openid", None)["id_token"])

    def _log_in(self, login: str, scope: str, resource: str | None) -> dict[str, Any]:
        verifier = secrets.token_urlsafe(48)
        query = {
            "client_id": "web",
            "response_type": "code",
            "redirect_uri": self._callback,
            "scope": scope,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **({"resource": resource} if resource else {}),
        }
        url = f"{self.issuer}/auth?{urlencode(query)}"
        pages = ({"prompt": "login", "login": login, "password": "any"}, {"prompt": "consent"})
        code = authorization_code(url, self._callback, pages, OWN_REQUEST)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._callback}
        return self._token({**form, "code_verifier": verifier}, resource, "web")

    def _token(self, form: dict[str, str], resource: str | None, client: str) -> dict[str, Any]:
        if resource:
            form["resource"] = resource
        answer = self._ask(TOKEN, form, (client, SECRET))
        assert answer.status == 200, f"{answer.status} {answer.body!r}"
        issued: dict[str, Any] = answer.json()
        self._clients[issued["access_token"]] = client
        return issued

    def revoke(self, token: str) -> None:
        """As the client that it was issued to. Only opaque tokens can be revoked."""
        answer = self._ask(REVOCATION, {"token": token}, (self._clients[token], SECRET))
        assert answer.status == 200, f"{answer.status} {answer.body!r}"

    def introspect(self, token: str) -> HttpAnswer:
        """What the endpoint says about a token to `INTROSPECTOR`; about a JWT, that it knows no such."""
        return self._ask(INTROSPECTION, {"token": token}, INTROSPECTOR)

    def _ask(self, path: str, form: dict[str, str], credentials: tuple[str, str]) -> HttpAnswer:
        return post_form(self.issuer + path, form, credentials=credentials, headers=OWN_REQUEST)
