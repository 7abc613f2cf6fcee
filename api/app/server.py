"""The server: sockets that send nothing are closed, a stop lets running requests finish."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from functools import partial
from multiprocessing.context import SpawnProcess
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.app.admission import FULL, Admission
from api.app.assembly import create_app, make_office, prepare
from api.app.edge import ADMITTED, ALWAYS, POLICY, SECURITY
from api.errors import Problem
from api.settings import Settings
from api.store.lock import only_service
from domain.errors import SettingRefused

_MOST_HEADERS = 100
_MOST_HEAD_BYTES = 32 << 10
_SWEEP_TICKS = 10
_FILES = 16_384
_LOOK_SECONDS = 0.5
_COLLECT_AFTER = (20_000, 10, 50)
_SWITCH_SECONDS = 0.001
_SMALL_BODY = 64 << 10
_EARS = 16
_ALWAYS = frozenset(path.encode() for path in ALWAYS)
_FULL_BODY = Problem(503, FULL).body()
_FULL_HEAD = b"".join(
    [
        b"HTTP/1.1 503 Service Unavailable\r\n",
        *(b"%s: %s\r\n" % pair for pair in SECURITY),
        *(f"{n}: {v}\r\n".encode() for n, v in Problem(503, FULL).all_headers().items()),
        b"content-security-policy: " + POLICY + b"\r\n",
        b"content-length: %d\r\nx-request-id: " % len(_FULL_BODY),
    ]
)


class Door(HttpToolsProtocol):
    """A connection that remembers since when it has been waiting for its caller."""

    waiting_since: float | None = None
    head_bytes = 0
    head_open = False
    turned_away = False

    def connection_made(self, transport: Any) -> None:
        """Start to wait."""
        super().connection_made(transport)
        self.waiting_since = time.monotonic()

    def on_message_begin(self) -> None:
        """Note when the request began."""
        super().on_message_begin()
        self.head_bytes = 0
        self.head_open = True
        self.waiting_since = time.monotonic()
        self._told()["arrived"] = time.perf_counter()

    def on_url(self, url: bytes) -> None:
        """Refuse an address without end."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse headers without end."""
        super().on_header(name, value)
        self._count(len(name) + len(value))
        if len(self.headers) > _MOST_HEADERS:
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        """Wait for the body from now on."""
        self.head_open = False
        self.waiting_since = time.monotonic()
        if self._is_weighed():
            if not self._admission.has_room():
                self.turned_away = True
                return
            self._admission.enter()
            self._told()[ADMITTED] = True
        super().on_headers_complete()

    def _told(self) -> dict[str, Any]:
        """What the application is told of the request at hand."""
        return cast("dict[str, Any]", self.scope or {})

    @property
    def _admission(self) -> Admission:
        return self.config.loaded_app.state.admission  # type: ignore[no-any-return]

    def _is_weighed(self) -> bool:
        """Whether it is decided here, before any work, if this request is let in.

        Those that wait behind another one on the same connection and those with large or
        unmeasured bodies are left to the edge.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self.url.partition(b"?")[0] in _ALWAYS:
            return False
        head = dict(self.headers)
        length = head.get(b"content-length", b"0")
        measured = length.isdigit() and int(length[:9]) <= _SMALL_BODY and len(length) < 9
        return measured and not head.keys() & {b"transfer-encoding", b"expect", b"upgrade"}

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; of who is turned away nothing is kept."""
        if not self.turned_away:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The caller has said all; nobody waits for them."""
        self.waiting_since = None
        if self.turned_away:
            self.turned_away = False
            self._turn_away()
            return
        self._told()["arrived"] = time.perf_counter()
        super().on_message_complete()

    def _turn_away(self) -> None:
        """Say 503 without a task; the connection may be used again."""
        self.transport.write(_FULL_HEAD + uuid.uuid4().hex.encode() + b"\r\n\r\n" + _FULL_BODY)
        if not self.parser.should_keep_alive():
            self.transport.close()
            return
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Refuse a head that never ends; nobody whose body is still to come holds a place."""
        super().data_received(data)
        if self.waiting_since is not None and self._told().pop(ADMITTED, False):
            self._admission.leave()
        if self.head_open:
            self.head_bytes += len(data)
            if self.head_bytes > 2 * _MOST_HEAD_BYTES:
                self.send_400_response("head too long")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, without repeating any of it."""
        if self.transport.is_closing():
            return
        body = Problem(400, "this is no HTTP request, or its head is too long").body()
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self.head_bytes += size
        if self.head_bytes > _MOST_HEAD_BYTES:
            raise ValueError("head too long")


class Server(uvicorn.Server):
    """Sweeps out silent connections and leaves with status 0 after a graceful stop."""

    patience_seconds: float = 30.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then spare the collector what will stay: words, model, routes."""
        await super().startup(sockets)
        await self._listen_closer()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)

    async def _listen_closer(self) -> None:
        """Take in several callers a turn: libuv accepts one a turn on each listening socket."""
        loop = asyncio.get_running_loop()
        for heard in [sock for server in self.servers for sock in server.sockets]:
            for _ in range(_EARS):
                ear = socket.fromfd(heard.fileno(), heard.family, heard.type)
                taken = await loop.create_server(self._door, sock=ear, backlog=self.config.backlog)
                self.servers.append(taken)

    def _door(self) -> Door:
        return Door(self.config, self.server_state, self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        """Once a second, close what has kept us waiting for too long."""
        if counter % _SWEEP_TICKS == 0:
            self._sweep()
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        oldest = time.monotonic() - self.patience_seconds
        for connection in list(self.server_state.connections):
            since = getattr(connection, "waiting_since", None)
            if since is not None and since < oldest:
                connection.transport.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that ask to stop, and do not raise them again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        asked = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in asked}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings) -> None:
    """Serve until asked to stop."""
    if settings.on_sqlite and settings.workers > 1:
        raise SettingRefused("several workers need PostgreSQL; SQLite is served by one process")
    _raise_file_limit()
    with only_service(settings):
        _preflight(settings)
        config = _config(settings)
        if settings.workers == 1:
            _server(settings, config).run()
        else:
            _supervise(settings, config)


def _supervise(settings: Settings, config: uvicorn.Config) -> None:
    """Keep as many processes as wanted at the address until asked to stop."""
    context = multiprocessing.get_context("spawn")
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())

    def started(listening: socket.socket) -> SpawnProcess:
        process = context.Process(target=_work, args=(settings, listening))
        process.start()
        return process

    places = [(listening, started(listening)) for listening in _sockets(config)]
    while not asked.wait(_LOOK_SECONDS):
        places = [(s, p if p.is_alive() else started(s)) for s, p in places]
    for _, process in places:
        process.terminate()
    for _, process in places:
        process.join()


def _sockets(config: uvicorn.Config) -> list[socket.socket]:
    """A socket for each worker, all at one address.

    On Linux the kernel spreads the callers over them. On a shared socket the worker that wakes
    first may take all of those that come at once, and the others stand idle.
    """
    shared = config.bind_socket()
    if sys.platform != "linux":
        return [shared] * config.workers
    address, family = shared.getsockname(), shared.family
    shared.close()
    return [_one_of_several(family, address) for _ in range(config.workers)]


def _one_of_several(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    own = socket.socket(family)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(address)
    own.set_inheritable(True)
    return own


def _work(settings: Settings, listening: socket.socket) -> None:
    _raise_file_limit()
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    _server(settings, _config(settings)).run(sockets=[listening])


def _leave_with_parent(parent: int) -> None:
    """Stop when the process that started us is gone, so that nobody holds its port."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _server(settings: Settings, config: uvicorn.Config) -> Server:
    sys.setswitchinterval(_SWITCH_SECONDS)  # the store's thread shall not hold replies up
    server = Server(config)
    server.patience_seconds = max(settings.header_seconds, settings.body_seconds)
    return server


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        partial(create_app, settings),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=Door,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        backlog=4096,
    )


def _preflight(settings: Settings) -> None:
    """Fail with a sentence before any worker starts."""
    office = make_office(settings)
    try:
        prepare(office)
    finally:
        office.database.close()


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
