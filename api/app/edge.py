"""What every request passes before a route sees it: limits, time-outs, headers, admission."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from api.app.admission import FULL, Admission
from api.errors import Problem, problem_of
from api.services.logs import Log, fault
from api.services.metrics import Metrics
from api.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Body = TypeVar("Body", bytes, bytearray)

UPLOADS = "/imports"
ADMITTED = "admitted"
ALWAYS = frozenset({"/livez", "/healthz", "/readyz", "/metrics"})
_LINGER_BYTES = 32 << 20
_LINGER_SECONDS = 2.0
_ALARM_SECONDS = 10.0
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_KEY_IN_URL = re.compile(rb"(?:^|&)(?:api[_-]?key|key|token|access[_-]?token|authorization)=", re.I)
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class _Gone(Exception):
    """The caller hung up."""


class Edge:
    """The outermost layer of the service."""

    def __init__(
        self, app: App, settings: Settings, metrics: Metrics, log: Log, admission: Admission
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._admission = admission
        self._next_alarm = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            await self._serve(scope, receive, exchange)
        except _Gone:
            return
        except Exception as error:
            if not isinstance(error, Problem):
                self._log.error("fault", request=exchange.id, **fault(error))
            await exchange.refuse(problem_of(error), receive)
        finally:
            if scope.get(ADMITTED):
                self._admission.leave()
            self._count(scope, exchange)

    async def _serve(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        refuse_head(scope)
        body = await self._body(scope, receive)
        if scope["path"] in ALWAYS:
            await self._app(scope, _replay(body), exchange.send)
            return
        self._admit(scope)
        try:
            async with asyncio.timeout(self._settings.request_seconds), self._admission.desks:
                await self._admission.turns.take()
                await self._app(scope, _replay(body), exchange.send)
        except TimeoutError:
            seconds = self._settings.request_seconds
            raise Problem(503, f"no reply was ready within {seconds:g} s; try again") from None

    def _admit(self, scope: Scope) -> None:
        """Let in whom the door has not let in yet, or turn them away at once."""
        if scope.get(ADMITTED):
            return
        if not self._admission.has_room():
            raise Problem(503, FULL)
        self._admission.enter()
        scope[ADMITTED] = True

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        settings = self._settings
        upload = scope["path"] == UPLOADS
        limit = settings.upload_limit_bytes if upload else settings.json_limit_bytes
        _refuse_length(scope, limit)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return _within(bytes(message["body"]), limit)
        try:
            async with asyncio.timeout(settings.body_seconds):
                return await _rest(message, receive, limit)
        except TimeoutError:
            raise Problem(
                408, f"the body did not arrive within {settings.body_seconds:g} s", headers=_CLOSE
            ) from None

    def _count(self, scope: Scope, exchange: _Exchange) -> None:
        route = getattr(scope.get("route"), "path", "none")
        status = str(exchange.status)
        elapsed = time.perf_counter() - exchange.arrived
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.seconds.labels(route).observe(elapsed)
        if exchange.status == 507:
            self._raise_alarm()
        if exchange.status == 503:
            return
        self._log.info(
            "request",
            request=exchange.id,
            method=scope["method"],
            route=route,
            status=exchange.status,
            elapsed_ms=round(elapsed * 1000, 2),
        )

    def _raise_alarm(self) -> None:
        """Say in the log that the disk is full, now and then while it is."""
        if time.monotonic() >= self._next_alarm:
            self._next_alarm = time.monotonic() + _ALARM_SECONDS
            self._log.error(
                "alarm", detail="the disk is full; nothing is stored until room is made"
            )


_CLOSE = {"connection": "close"}


class _Exchange:
    """One request and what has been sent for it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = uuid.uuid4().hex
        self.status = 0
        self.arrived = scope.get("arrived") or time.perf_counter()
        self._send = send
        scope["request_id"] = self.id

    async def send(self, message: Message) -> None:
        """Pass a message on; the first one gets the headers that every reply carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers(message.get("headers", ()))
        await self._send(message)

    def _headers(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        headers = list(given)
        present = {name.lower() for name, _ in headers}
        headers += [pair for pair in SECURITY if pair[0] not in present]
        if b"content-security-policy" not in present:
            headers.append((b"content-security-policy", POLICY))
        headers.append((b"x-request-id", self.id.encode()))
        return headers

    async def refuse(self, problem: Problem, receive: Receive) -> None:
        """Answer with a problem, unless an answer is under way already."""
        if self.status:
            raise _Broken
        body = problem.body()
        headers = {**problem.all_headers(), "content-length": str(len(body))}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        start = {"type": "http.response.start", "status": problem.status, "headers": encoded}
        await self.send(start)
        closes = "connection" in problem.headers
        await self._send({"type": "http.response.body", "body": body, "more_body": closes})
        if closes:
            await _linger(receive)
            await self._send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    """Let a caller who is still sending read the refusal before the connection is cut.

    A bounded amount is read and thrown away; after that the sender is left waiting for a moment.
    """
    left = _LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request":
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
                if left < 0:
                    await asyncio.sleep(_LINGER_SECONDS)


class _Broken(Exception):
    """A reply broke off after it had begun; the connection is closed."""


def refuse_head(scope: Scope) -> None:
    """Refuse NUL, surrogates and keys in a request's head, and bodies in a foreign coding."""
    for raw in (scope["raw_path"] or b"", scope["query_string"]):
        if b"%" in raw or not raw.isascii():
            _refuse_unstorable(unquote_to_bytes(raw))
    if _KEY_IN_URL.search(scope["query_string"]):
        raise Problem(401, "keys in the address end up in logs; send `Authorization: Bearer sy_…`")
    keys = 0
    for name, value in scope["headers"]:
        if not value.isascii() and _SURROGATE.search(value):
            raise Problem(422, "a header holds half a surrogate pair; send whole characters")
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            raise Problem(415, "send the body without a content coding")
        keys += name == b"authorization"
    if keys > 1:
        raise Problem(401, "send one Authorization header")


def _refuse_unstorable(raw: bytes) -> None:
    if b"\x00" in raw:
        raise Problem(422, "the address holds the character U+0000; send it without")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(422, "the address is not UTF-8; send whole Unicode characters") from None


def _refuse_length(scope: Scope, limit: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value[:20]) > limit):
            raise _too_large(limit)


def _too_large(limit: int) -> Problem:
    return Problem(413, f"the body is larger than {limit:,} bytes", headers=_CLOSE)


def _within(body: Body, limit: int) -> Body:
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _rest(message: Message, receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        _within(body, limit)
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()
    raise _Gone


def _replay(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return receive
