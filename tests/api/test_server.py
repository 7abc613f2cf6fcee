"""The service behind real sockets, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.house import TEXT
from tests.api.postgresql import Server, free_port

SERVE = "from api.app import serve; from api.settings import Settings; serve(Settings())"


class Served:
    """A running service and its port."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.port = free_port()
        self.log = folder / "log"
        given = {"data_dir": folder / "data", "port": self.port, **settings}
        environment = {f"SUYUAN_{name.upper()}": str(value) for name, value in given.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE], env=os.environ | environment, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text()[-2000:])

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()

    def connect(self) -> socket.socket:
        """A socket to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self) -> int:
        """SIGTERM, and the status it leaves with."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def _request(body: bytes, extra: str = "") -> bytes:
    head = (
        "POST /complaints HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode() + body


def _reply(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        assert part, "the connection was cut before a reply"
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.findall(rb"content-length: (\d+)", head.lower())[0])
    while len(body) < length:
        body += connection.recv(65536)
    return int(head[9:12]), body


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for the tests that leave it running; it waits two seconds for nobody."""
    with Served(tmp_path_factory.mktemp("served"), header_seconds=2, body_seconds=2) as made:
        yield made


def test_a_large_first_body_is_read_whole(served: Served) -> None:
    """Bigger than a socket's buffer, within the limit."""
    body = json.dumps({"text": TEXT, "junk": "x" * 900_000}).encode()
    with served.connect() as connection:
        connection.sendall(_request(body))
        assert _reply(connection)[0] == 201


def test_a_caller_who_sends_too_much_is_told_so(served: Served) -> None:
    """413 by the length announced, and by the bytes counted where none is."""
    with served.connect() as connection:
        connection.sendall(_request(b"")[:-2].replace(b"length: 0", b"length: 104857600") + b"\r\n")
        assert _reply(connection)[0] == 413
    with served.connect() as connection:
        head = _request(b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
        connection.sendall(head + (b"8000\r\n" + b"a" * 0x8000 + b"\r\n") * 33)
        assert _reply(connection)[0] == 413


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 80_000,
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nx\0y: z\r\n\r\n",
    ],
)
def test_heads_that_are_none_get_400_and_no_echo(served: Served, head: bytes) -> None:
    """Too long, too many, contradictory."""
    with served.connect() as connection:
        connection.sendall(head)
        status, body = _reply(connection)
        assert status == 400
        assert b"yyyy" not in body


@pytest.mark.parametrize(
    "start", [b"", b"POST /complaints HTTP/1.1\r\nx: ", _request(b"x" * 50)[:-30]]
)
def test_callers_who_dawdle_are_cut_off(served: Served, start: bytes) -> None:
    """Silent, slow in the head, slow in the body: none keeps a socket."""
    begun = time.monotonic()
    with served.connect() as connection:
        connection.sendall(start)
        while connection.recv(65536):
            pass
    assert time.monotonic() - begun < 15


def test_a_stop_lets_started_requests_finish(tmp_path: Path) -> None:
    """Half-sent requests get their reply; the process leaves with 0."""
    requests = [_request(json.dumps({"id": f"d-{n}", "text": TEXT}).encode()) for n in range(20)]
    with Served(tmp_path) as service:
        connections = [service.connect() for _ in requests]
        for connection, request in zip(connections, requests, strict=True):
            connection.sendall(request[:-20])
        time.sleep(0.2)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        for connection, request in zip(connections, requests, strict=True):
            connection.sendall(request[-20:])
        assert {_reply(connection)[0] for connection in connections} == {201}
        for connection in connections:
            connection.close()
        assert service.process.wait(30) == 0


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """And the service starts again on the same file."""
    with Served(tmp_path) as service, service.connect() as connection:
        for number in range(50):
            connection.sendall(_request(json.dumps({"id": f"k-{number}", "text": TEXT}).encode()))
            assert _reply(connection)[0] == 201
    with Served(tmp_path) as again:
        address = f"http://127.0.0.1:{again.port}/complaints?limit=200"
        with urllib.request.urlopen(address, timeout=20) as reply:
            assert len(json.loads(reply.read())["items"]) == 50
        assert again.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels don't spread callers")
def test_two_processes_share_the_callers_on_postgresql(tmp_path: Path, postgres: Server) -> None:
    """They share a port and a database, neither stands idle, and they leave together.

    Who knocked at one that died is let in by the next; a slow machine may turn some away.
    """
    postgres.run("CREATE DATABASE pair TEMPLATE blank")
    with Served(tmp_path, workers=2, database_url=postgres.url("pair")) as service:
        _until(lambda: asyncio.run(_at_once(service.port, 20)) <= {200, 201})
        workers = _workers(service.process.pid)
        _until(lambda: _is_spread(service, workers))
        os.kill(workers[0], signal.SIGKILL)
        assert asyncio.run(_at_once(service.port, 20)) <= {200, 503}
        assert service.stop() == 0


def _is_spread(service: Served, workers: list[int]) -> bool:
    """Whether each process takes some of 40 callers; one that is still starting takes none."""
    before = [_sockets(pid) for pid in workers]
    with contextlib.ExitStack() as callers:
        for _ in range(40):
            callers.enter_context(service.connect())
        until = time.monotonic() + 5
        taken = [0, 0]
        while min(taken) <= 5 and time.monotonic() < until:
            time.sleep(0.05)
            taken = [_sockets(pid) - n for pid, n in zip(workers, before, strict=True)]
        return min(taken) > 5


def _workers(parent: int) -> list[int]:
    """Processes that the supervisor started to serve."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
    assert len(found) == 2
    return found


def _sockets(pid: int) -> int:
    """Open sockets of a process; what it closes meanwhile is not counted."""
    found = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(link.readlink()).startswith("socket:")
    return found


def _until(met: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    until = time.monotonic() + 60
    while not met():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.05)


async def _at_once(port: int, number: int) -> set[int]:
    """The statuses of that many complaints sent at the same time."""

    async def one(turn: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_request(json.dumps({"id": f"p-{turn}", "text": TEXT}).encode()))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return int(head[9:12])

    return set(await asyncio.gather(*(one(turn) for turn in range(number))))


def test_a_refused_start_says_why(tmp_path: Path) -> None:
    """One sentence, no stack trace for it, and not status 0."""
    environment = os.environ | {"SUYUAN_DATA_DIR": str(tmp_path), "SUYUAN_WORKERS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE], env=environment, capture_output=True, check=False, text=True
    )
    assert done.returncode != 0
    assert "several workers need PostgreSQL" in done.stderr


def test_who_finds_no_place_is_turned_away_at_the_door_and_may_come_again(tmp_path: Path) -> None:
    """503 at once with Retry-After on a connection that stays; who keeps watch is let through."""
    rows = [{"text": f"{TEXT}第{n}次"} for n in range(1_000)]
    batch = _request(json.dumps({"complaints": rows}, ensure_ascii=False).encode())
    batch = batch.replace(b"/complaints", b"/classify/batch", 1)
    one = _request(json.dumps({"text": TEXT}, ensure_ascii=False).encode())
    enough = threading.Event()

    def keep_busy(connection: socket.socket) -> None:
        while not enough.is_set():
            connection.sendall(batch)
            _reply(connection)

    with (
        Served(tmp_path, concurrency=1, waiting=0) as served,
        served.connect() as busy,
        served.connect() as other,
        served.connect() as watch,
    ):
        thread = threading.Thread(target=keep_busy, args=(busy,))
        thread.start()
        try:
            status, said, until = 0, b"", time.monotonic() + 60
            while status != 503 and time.monotonic() < until:
                other.sendall(one)
                status, said = _reply(other)
            watch.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert _reply(watch)[0] == 200
        finally:
            enough.set()
            thread.join()
        assert (status, json.loads(said)["title"]) == (503, "Service Unavailable")
        other.sendall(one)
        assert _reply(other)[0] == 201
