"""Who may talk to the server, and how much: checked for every request, before anything else.

- `Host` must name this machine (400): a page of a foreign site whose name was rebound to
  127.0.0.1 sends its own name.
- A foreign `Origin`, or one that a browser calls cross-site, is refused (403): other pages in the
  same browser can neither start jobs nor look at pictures.
- A body over the limit is refused while it arrives (413).
- On a network (`--host`) every request needs the token (401).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

__all__ = ["COOKIE", "TOKEN_PAGE", "Safety", "SafetyMiddleware", "is_page"]

COOKIE = "untrained-studio"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_STYLE = """body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 34em; margin: 12vh auto; padding: 0 20px; }
h1 { font-size: 24px; }"""  # of the page without the token, which may load nothing else
_OF_STYLE = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; "
    f"style-src 'self' 'sha256-{_OF_STYLE}'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_JSON_BYTES = 1 << 20

TOKEN_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>untrained studio: the token is missing</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>This studio asks for its token</h1>
<p>Open the whole address that <code>untrained studio</code> printed where it was started:
it ends in <code>?token=</code> and a row of letters. Or scan the QR code that stands below it.</p>
</main>
</body>
</html>
"""
"""What a browser without the token is shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Safety:
    """The limits.

    Attributes:
        hosts: what `Host` may say; None = anything, where the token protects.
        token: what every request must carry; None = none is needed.
        max_upload: bytes of an uploaded file.
    """

    hosts: frozenset[str] | None
    token: str | None = None
    max_upload: int = 1 << 30
    open_paths: frozenset[str] = field(default=frozenset({"/"}))

    @classmethod
    def for_loopback(cls, port: int, *, max_upload: int) -> Safety:
        """Return what a server that only this machine can reach needs."""
        names = ("localhost", "127.0.0.1", "[::1]")
        hosts = {f"{name}:{port}" for name in names} | ({*names} if port == 80 else set())
        return cls(hosts=frozenset(hosts), max_upload=max_upload)

    def refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Return status and reason if the request is refused by its head."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts is not None and host.lower() not in self.hosts:
            return (
                400,
                f"host {host[:100]!r} is not this machine; open the address that was printed",
            )
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return 403, "the request comes from another site"
        is_api = scope["path"].startswith("/api/")
        if is_api and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return 403, "the request comes from another site"
        if self.token is not None and not self._has_token(scope, headers):
            return 401, "the token is missing or wrong; open the address that was printed"
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self.most_bytes(headers):
            return 413, self.too_large(headers)
        return None

    def most_bytes(self, headers: Headers) -> int:
        """Return the limit of a request's body; forms have some bytes around their file."""
        is_form = headers.get("content-type", "").startswith("multipart/")
        return self.max_upload + 4096 if is_form else _JSON_BYTES

    def too_large(self, headers: Headers) -> str:
        """Return why a body is refused."""
        most = self.most_bytes(headers) - (self.most_bytes(headers) > _JSON_BYTES) * 4096
        return f"the request is larger than the {most:,} bytes allowed"

    def is_token(self, text: str) -> bool:
        """Whether this is the token; takes as long for every wrong one."""
        return self.token is not None and secrets.compare_digest(text.encode(), self.token.encode())

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(bearer.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if cookie is not None and self.is_token(cookie.value):
            return True
        # "/?token=…" is how the cookie is got; the route checks it
        return scope["path"] == "/" and b"token" in parse_qs(scope.get("query_string", b""))


class SafetyMiddleware:
    """Ask `Safety` before the application, and set the headers that keep a page to itself."""

    def __init__(self, app: App, safety: Safety) -> None:
        self.app = app
        self.safety = safety

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(raw=scope["headers"])
        began = False

        async def guarded_send(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                own = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    own.setdefault(name, value)
                message["headers"] = own.raw
            await send(message)

        refusal = self.safety.refusal(scope, headers)
        if refusal is not None:
            page = is_page(headers.get("accept"), scope["path"])
            await _answer(guarded_send, *refusal, page=page)
            return
        arrived = 0

        async def counted_receive() -> Message:
            nonlocal arrived
            message = await receive()
            if message["type"] == "http.request":
                arrived += len(message.get("body", b""))
                if arrived > self.safety.most_bytes(headers):
                    raise HTTPException(413, self.safety.too_large(headers))
            return message

        try:
            await self.app(scope, counted_receive, guarded_send)
        except HTTPException as error:
            if began:
                raise
            await _answer(guarded_send, error.status_code, str(error.detail))


def is_page(accept: str | None, path: str) -> bool:
    """Whether a person asks for a page, rather than a program for an answer."""
    return "text/html" in (accept or "") and not path.startswith("/api/")


async def _answer(send: Send, status: int, reason: str, *, page: bool = False) -> None:
    body, kind = json.dumps({"detail": reason}).encode(), b"application/json"
    if page and status == 401:
        body, kind = TOKEN_PAGE.encode(), b"text/html; charset=utf-8"
    head = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    if status == 401:
        head.append((b"www-authenticate", b"Bearer"))
    if status == 413:
        head.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
