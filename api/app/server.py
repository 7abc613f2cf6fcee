"""The server: sockets that send nothing are closed, a stop lets running requests finish."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.context import SpawnProcess
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.app.assembly import create_app, make_office, prepare
from api.errors import Problem
from api.settings import Settings
from api.store.lock import only_service
from domain.errors import SettingRefused

_MOST_HEADERS = 100
_MOST_HEAD_BYTES = 32 << 10
_SWEEP_TICKS = 10
_FILES = 16_384
_LOOK_SECONDS = 0.5


class Door(HttpToolsProtocol):
    """A connection that remembers since when it has been waiting for its caller."""

    waiting_since: float | None = None
    head_bytes = 0
    head_open = False

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
        self.scope["arrived"] = time.perf_counter()  # type: ignore[typeddict-unknown-key]

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
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The caller has said all; nobody waits for them."""
        self.waiting_since = None
        self.scope["arrived"] = time.perf_counter()  # type: ignore[typeddict-unknown-key]
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Refuse a head that never ends, whatever it is made of."""
        super().data_received(data)
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
    """Keep as many processes as wanted on one listening socket until asked to stop."""
    context = multiprocessing.get_context("spawn")
    listening = config.bind_socket()
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())

    def started() -> SpawnProcess:
        process = context.Process(target=_work, args=(settings, listening))
        process.start()
        return process

    processes = [started() for _ in range(settings.workers)]
    while not asked.wait(_LOOK_SECONDS):
        processes = [p if p.is_alive() else started() for p in processes]
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


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
