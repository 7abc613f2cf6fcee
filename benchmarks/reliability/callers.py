"""Callers that cost little themselves: raw HTTP over kept connections."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

SENTENCES = (
    "我上个月在你们店里买的手机用了三天屏幕就一直闪",
    "客服电话打了十几次都没有人接听",
    "去门店维修说要等两个星期才有配件",
    "快递员把包裹扔在楼下就走了也没有通知",
    "包装盒已经压坏里面的东西也有划痕",
    "退款申请提交了二十天还没有到账",
    "店员说话非常不耐烦还推来推去",
    "说好的赠品一直没有收到",
    "充电的时候电池发烫我很担心不安全",
    "账单里多收了一笔服务费没有任何说明",
    "安装师傅约好了时间却一直没有来",
    "希望尽快给我一个处理结果不要再拖了",
    "同样的问题已经是第三次发生了",
    "如果再不解决我就向消费者协会反映",
)


def complaint_text(random_: random.Random) -> str:
    """150 to 500 Chinese characters that nobody has sent before."""
    wanted = random_.randint(150, 460)
    parts = [f"订单尾号{random_.randint(1000, 9999)}，"]
    while sum(map(len, parts)) < wanted:
        parts.append(random_.choice(SENTENCES) + "，")
    return "".join(parts)[:499].rstrip("，") + "。"


def post(path: str, body: object, **headers: str) -> bytes:
    """A whole request as it goes over the wire."""
    content = json.dumps(body, ensure_ascii=False).encode()
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json",
             f"content-length: {len(content)}"]  # fmt: skip
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def get(path: str) -> bytes:
    """A whole request for reading."""
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


@dataclass
class Reply:
    """What came back; status 0 means that the connection broke."""

    status: int
    body: bytes = b""
    headers: bytes = b""


class _Wire(asyncio.Protocol):
    """A socket that hands each whole reply to who waits for it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.broken = False
        self._bytes = b""
        self._waiting: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Send a request; its reply comes with the future."""
        assert self.transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        """Hand a reply over when it is whole."""
        self._bytes += data
        end = self._bytes.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        head = self._bytes[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 : head.index(b"\r\n", at)]) if at >= 0 else 0
        if len(self._bytes) < end + length:
            return
        reply = Reply(int(head[9:12]), self._bytes[end : end + length], head)
        self._bytes = self._bytes[end + length :]
        self.broken = self.broken or b"connection: close" in head
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so to who waits."""
        self.broken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError())


class Connection:
    """One kept connection, opened anew when it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._wire: _Wire | None = None

    async def send(self, request: bytes, seconds: float = 30) -> Reply:
        """One request and its reply."""
        try:
            async with asyncio.timeout(seconds):
                if self._wire is None or self._wire.broken:
                    self.close()
                    loop = asyncio.get_running_loop()
                    _, self._wire = await loop.create_connection(_Wire, "127.0.0.1", self._port)
                return await self._wire.ask(request)
        except (OSError, TimeoutError, ValueError):
            self.close()
            return Reply(0)

    def close(self) -> None:
        """Let go of the socket."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()
        self._wire = None


@dataclass
class Measured:
    """What an open loop has seen, each latency from the intended time of sending."""

    statuses: dict[int, int] = field(default_factory=dict)
    taken_seconds: list[float] = field(default_factory=list)
    refused_seconds: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    bare_refusals: int = 0
    late_starts: int = 0

    def note(self, identifier: str, reply: Reply, seconds: float, own_seconds: float) -> None:
        """Enter one reply."""
        self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
        if 200 <= reply.status < 300:
            self.taken_seconds.append(seconds)
            self.acknowledged.append(identifier)
        elif reply.status in {429, 503}:
            self.refused_seconds.append(own_seconds)
            self.bare_refusals += b"retry-after:" not in reply.headers


def share(values: list[float], part: float) -> float:
    """A quantile in milliseconds."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def open_loop(
    port: int,
    per_second: float,
    seconds: float,
    make: Callable[[str], bytes],
    prefix: str,
    connections: int = 64,
) -> Measured:
    """Requests at a fixed rate, whether or not the earlier ones have been answered."""
    measured = Measured()
    idle: list[Connection] = [Connection(port) for _ in range(connections)]
    requests = [(f"{prefix}{n}", make(f"{prefix}{n}")) for n in range(int(per_second * seconds))]
    begun = time.perf_counter() + 0.2

    async def one(identifier: str, request: bytes, intended: float) -> None:
        connection = idle.pop() if idle else Connection(port)
        sent = time.perf_counter()
        reply = await connection.send(request)
        now = time.perf_counter()
        measured.note(identifier, reply, now - intended, now - sent)
        idle.append(connection)

    running = set()
    for number, (identifier, request) in enumerate(requests):
        intended = begun + number / per_second
        if (wait := intended - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(identifier, request, intended))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(running)
    for connection in idle:
        connection.close()
    return measured


def complaint_maker(seed: int = 0) -> Callable[[str], bytes]:
    """Requests that store a complaint each."""
    random_ = random.Random(seed)
    return lambda identifier: post(
        "/complaints", {"id": identifier, "text": complaint_text(random_), "region": "华东"}
    )
