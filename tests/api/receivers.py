"""The other ends of webhooks and mails, on this machine."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """A webhook's other end: keeps what comes, answers as it is told."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[int], int] = lambda _: 204
        self.headers: dict[str, str] = {}
        self.taking = threading.Lock()
        outer = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                given = {name.lower(): value for name, value in self.headers.items()}
                with outer.taking:
                    outer.came.append((given, body))
                    status = outer.answer(len(outer.came))
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        """Take nothing more."""
        self.server.shutdown()
        self.server.server_close()


class MailServer:
    """A mail server of one kind: it takes what comes, or refuses as it is told."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bytes]] = []
        self.refuse: bytes | None = None
        outer = self

        class Door(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                reader = ""
                while line := self.rfile.readline():
                    word = line[:4].upper()
                    if word == b"RCPT" and outer.refuse:
                        self.wfile.write(outer.refuse)
                        continue
                    if word == b"RCPT":
                        reader = line.decode().partition("<")[2].partition(">")[0]
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        outer.letters.append((reader, self._content()))
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 good\r\n")

            def _content(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(line[1:] if line.startswith(b"..") else line)
                return b"".join(lines)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.server_address[1])

    def close(self) -> None:
        """Take nothing more."""
        self.server.shutdown()
        self.server.server_close()
