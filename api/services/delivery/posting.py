"""One webhook call: to the pinned address, without redirects, over after 15 seconds."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping

from api.services.delivery.addresses import Target

SECONDS = 15.0
_READ_BYTES = 4_096


class Unanswered(Exception):
    """No answer came: no connection, no TLS, or not in time."""


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was looked at, under the name that it was looked at by."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target = target

    def connect(self) -> None:
        """Connect to the pinned address; with TLS the certificate must be the name's."""
        pinned = (self._target.address, self._target.port)
        plain = socket.create_connection(pinned, timeout=self.timeout)
        if self._target.scheme != "https":
            self.sock = plain
            return
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(plain, server_hostname=self._target.host)


def post(target: Target, headers: Mapping[str, str], body: bytes, seconds: float = SECONDS) -> int:
    """The status that the receiver answers with; `Unanswered` where there is none in time."""
    connection, over = _Pinned(target, seconds), threading.Event()
    watch = threading.Timer(seconds, _cut, [connection, over])
    watch.daemon = True
    watch.start()
    try:
        sent = {**headers, "content-type": "application/json", "user-agent": "suyuan-webhooks/1"}
        connection.request("POST", target.path, body, sent)
        reply = connection.getresponse()
        reply.read(_READ_BYTES)
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        raise Unanswered(_said(error)) from None
    finally:
        watch.cancel()
        connection.close()
    if over.is_set():
        raise Unanswered("no answer in time")
    return reply.status


def _cut(connection: http.client.HTTPConnection, over: threading.Event) -> None:
    """End a call that drips on, whatever it has answered so far."""
    over.set()
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            connection.sock.close()


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "the receiver's certificate or TLS is not good"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"no answer ({type(error).__name__})"
