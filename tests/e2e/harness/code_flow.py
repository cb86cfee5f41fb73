"""A person's way through a login and a consent page, without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from typing import IO
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

GUARD = re.compile(r'name="(csrf_token)" value="([^"]+)"')


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


def authorization_code(
    url: str, callback: str, pages: Sequence[Mapping[str, str]], headers: Mapping[str, str]
) -> str:
    """Opens the URL, fills in one page after the other and returns the code that the client gets.

    What a page carries against forged forms is sent back with its fields.
    """
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _StopAt(callback))
    opener.addheaders = list(headers.items())
    fields: Mapping[str, str] = {}
    shown = url
    try:
        for page in (None, *pages):
            form = urlencode({**fields, **page}).encode() if page else None
            with opener.open(shown, form, timeout=20) as answer:
                shown, text = answer.url, answer.read().decode()
            fields = dict(GUARD.findall(text))
    except _Arrived as arrived:
        got = parse_qs(urlsplit(str(arrived)).query)
        assert "code" in got, f"no code was issued: {got}"
        return got["code"][0]
    raise AssertionError(f"the login ended at {shown} instead of the client")
