"""A person's way through a login and a consent page, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from typing import IO
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener


class _Arrived(Exception):
    """The server sent the browser back to the client."""


class _StopAt(HTTPRedirectHandler):
    """Follows every redirect but the one to the client, where nobody listens."""

    def __init__(self, callback: str) -> None:
        self._callback = callback

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if newurl.startswith(self._callback):
            raise _Arrived(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def authorization_code(url: str, callback: str, login: str, headers: Mapping[str, str]) -> str:
    """Opens the URL, fills in both pages of oidc-provider and returns the code that the client gets."""
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _StopAt(callback))
    opener.addheaders = list(headers.items())
    pages = ({"prompt": "login", "login": login, "password": "any"}, {"prompt": "consent"})
    try:
        with opener.open(url, timeout=20) as page:
            shown = page.url
        for form in pages:
            with opener.open(shown, urlencode(form).encode(), timeout=20) as page:
                shown = page.url
    except _Arrived as arrived:
        answer = parse_qs(urlsplit(str(arrived)).query)
        assert "code" in answer, f"no code was issued: {answer}"
        return answer["code"][0]
    raise AssertionError(f"the login ended at {shown} instead of the client")
