"""Bad input: refused in a few words, at little cost, with nobody else held up."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import pkgutil
import random
import re
import subprocess
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from api.routes.access import ACCESS
from benchmarks.reliability.callers import (
    Connection,
    Reply,
    complaint_maker,
    complaint_text,
    open_loop,
    post,
    share,
)
from benchmarks.reliability.load import L1_RATE, figures
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import service
from benchmarks.reliability.suite import tested

PHONE = "13812345678"
DOORS = [
    (method, re.sub(r"{[^}]+}", "x", path.replace("{name}", "complaints")))
    for method, path in ACCESS
    if method in {"POST", "PUT", "PATCH"}
]
_HEAD = "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"


def raw(
    path: str,
    content: bytes,
    kind: str = "application/json",
    extra: str = "",
    method: str = "POST",
) -> bytes:
    """A request whose body is sent as it is."""
    head = _HEAD.format(method=method, path=path, kind=kind) + extra
    return (head + f"content-length: {len(content)}\r\n\r\n").encode(
        "utf-8", "surrogatepass"
    ) + content


def corpus() -> list[bytes]:
    """Bodies that stock services break on, and a hundred more."""
    plain = [
        b"", b" ", b"null", b"true", b"0", b"[]", b"{}", b'""', b"nul", b"{", b"[", b'"', b"{]",
        b'{"text"}', b'{"text":}', b'{"text":1,}', b"[1,]", b"'a'", b"{text:1}", b'{"text":01}',
        b'{"text":NaN}', b'{"text":Infinity}', b'{"text":-Infinity}', b'{"text":1e400}',
        b'{"cost":-1e999}', b'{"cost":' + b"9" * 5_000 + b"}", b'{"text":"a","text":"b"}',
        b'{"a":1,"a":1}', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\x00", b"{}\x00",
        b'{"text":"\x00"}', b'{"text":"\xc0\xaf"}', b'{"text":"\xed\xa0\x80"}',
        b'{"text":"\xf4\x90\x80\x80"}',
        b'{"text":"\xe5\xb1"}', '{"text":"屏幕"}'.encode("gbk"), '{"text":"屏幕"}'.encode("utf-16"),
        '{"text":"屏幕"}'.encode("utf-32"), '{"text":"屏幕"}'.encode("big5"),
        b"[" * 1_000, b"[" * 100_000, b'{"a":' * 1_000, b'{"a":' * 50_000, b"[[],{}" * 9_000,
        b'{"' + b"k" * 900_000 + b'":1}', b'{"text":"' + b"a" * 900_000 + b'"}',
        b'{"text":"' + "屏".encode() * 300_000 + b'"}', b"[" + b"1," * 400_000 + b"1]",
        b'{"complaints":[' + b"{}," * 1_100 + b"{}]}", b'{"complaints":[' + b"1," * 2_000 + b"1]}",
    ]  # fmt: skip
    escapes = (r"\u0000", r"\ud800", r"\udc00", r"\udc00\ud800", r"\ud83d", r"\uD800\u0041")
    strings = [f'{{"text":"屏{e}"}}'.encode() for e in escapes]
    strings += [f'{{"屏{e}":1,"text":"屏幕"}}'.encode() for e in escapes]
    strings += [f'{{"text":"屏幕","product":"a{e}"}}'.encode() for e in escapes]
    values: list[object] = [None, True, 0, -1, 1.5, "", " ", "　", [], {}, [None], [[]], {"a": {}},
                            PHONE, PHONE * 1_000, "\n", "😡" * 50, "\u202e屏幕", "=1+1",
                            "'; DROP TABLE complaints;--", "<script>alert(1)</script>",
                            "../../etc/passwd", "%00", "\x7f", "\uffff"]  # fmt: skip
    names = ("text", "id", "tier", "received_at", "issues", "customer_id", "satisfaction")
    typed = [
        json.dumps({"text": "屏幕闪", name: value}, ensure_ascii=False).encode()
        for name in names
        for value in values
        if not (name != "text" and value is None)
    ]
    return plain + strings + typed


@row("B1", "0 failures, 0 5xx, with and without a key", BOTH)
def schema_fuzz(database: str, length: Length) -> Outcome:
    """Schemathesis: every check, every operation, stateful."""
    examples, phases = length.of(4, 1000), "coverage,fuzzing,stateful"
    with service(database) as running:
        running.start()
        made = running.run("keys", "create", "fuzz", "--role", "administrator").split()[-1]
        time.sleep(3)
        said = [_fuzz(running.port, examples, phases, key) for key in (made, None)]
    failures = [re.findall(r"[❌] (ST\d+ [^\n]+)", out) for out in said]
    cases = [re.findall(r"(\d+) generated", out) for out in said]
    faults = sum("ST101" in out for out in said)
    figure = f"{cases} cases with and without a key, failures {failures}, server errors {faults}"
    return Outcome(figure, not any(failures) and all(cases) and faults == 0)


def _fuzz(port: int, examples: int, phases: str, key: str | None) -> str:
    config = Path(__file__).with_name("schemathesis.toml")
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(config), "run",
               f"http://127.0.0.1:{port}/openapi.json", "-n", str(examples), "--phases", phases,
               "--seed", "1"]  # fmt: skip
    if key is not None:
        command += ["-H", f"Authorization: Bearer {key}"]
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


@row("B2", "0 5xx; no reset; every 4xx ≤ 2 KiB and free of the input", BOTH)
def hand_corpus(database: str, length: Length) -> Outcome:
    """Each body at every route that takes one."""
    with service(database) as running:
        running.start()
        replies = asyncio.run(_all(running.port, corpus()))
        alive = running.call("GET", "/complaints")[0] == 200
        quiet = PHONE not in running.log.read_text()
    broken = sum(reply.status == 0 for reply in replies)
    faults = sum(reply.status >= 500 for reply in replies)
    refused = [reply for reply in replies if 400 <= reply.status < 500]
    large = sum(len(reply.body) > 2048 for reply in refused)
    echoed = sum(PHONE.encode() in reply.body for reply in refused)
    figure = (
        f"{len(replies)} requests: {faults} 5xx, {broken} resets, {len(refused)} refused, "
        f"{large} too large, {echoed} with an echo; log free of it {quiet}"
    )
    return Outcome(figure, faults == broken == large == echoed == 0 and alive and quiet)


async def _all(port: int, bodies: list[bytes]) -> list[Reply]:
    connection = Connection(port)
    requests = [raw(path, body, method=how) for body in bodies for how, path in DOORS]
    return [await connection.send(request) for request in requests]


@row("B3", "413 after reading ≤ the limit; memory +≤ 30 MB; others' max ≤ 200 ms")
def huge_bodies(database: str, length: Length) -> Outcome:
    """A hundred megabytes in several shapes, beside a few ordinary callers."""
    with service(database) as running:
        running.start()
        asyncio.run(open_loop(running.port, 50, 2, complaint_maker(1), "warm-"))
        before = running.settled_kib()
        statuses, beside, peak = asyncio.run(_huge(running))
        running.call("GET", "/livez")
    grown = (peak - before) / 1024
    worst = max(beside.taken_seconds, default=9) * 1000
    figure = f"statuses {statuses}, memory +{grown:.0f} MB, others {figures(beside)}"
    fitting = all(status in {400, 413, 415, 408} for status in statuses)
    return Outcome(figure, fitting and grown <= 30 and worst <= 200)


async def _huge(running: object) -> tuple[list[int], object, int]:
    port = running.port  # type: ignore[attr-defined]
    beside = asyncio.create_task(open_loop(port, 20, 8, complaint_maker(2), "beside-"))
    peak = running.rss_kib()  # type: ignore[attr-defined]
    statuses = []
    for shape in ("string", "array", "chunked", "gzip", "short"):
        sending = asyncio.create_task(_stream(port, shape))
        while not sending.done():
            peak = max(peak, running.rss_kib())  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)
        statuses.append(await sending)
    return statuses, await beside, peak


async def _stream(port: int, shape: str) -> int:
    """Send up to 100 MB and read what comes back, even while sending."""
    size = 100 << 20
    extra = {
        "chunked": "transfer-encoding: chunked\r\n",
        "gzip": f"content-encoding: gzip\r\ncontent-length: {size}\r\n",
        "short": "content-length: 10\r\n",
    }.get(shape, f"content-length: {size}\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        (
            _HEAD.format(method="POST", path="/complaints", kind="application/json")
            + extra
            + "\r\n"
        ).encode()
    )
    piece = (b"1," if shape == "array" else b"a") * 32_768
    piece = b"%x\r\n%s\r\n" % (len(piece), piece) if shape == "chunked" else piece
    head = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    sent = 0
    try:
        while sent < size and not head.done():
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            await asyncio.sleep(0)
        return int((await asyncio.wait_for(head, 20))[9:12])
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return int(head.result()[9:12]) if head.done() and not head.exception() else 0
    finally:
        head.cancel()
        writer.close()


@row("B9", "p99 ≤ 200 ms, no healthy request refused; each slow socket closed ≤ 30 s")
def slow_callers(database: str, length: Length) -> Outcome:
    """Slow heads, slow bodies and silent sockets beside half the steady rate."""
    each = length.of(150, 500)
    seconds = length.of(24, 120)
    with service(database) as running:
        running.start()
        asyncio.run(open_loop(running.port, 50, 2, complaint_maker(1), "warm-"))
        measured, closed = asyncio.run(_beside_slow(running.port, each, seconds))
    p99 = share(measured.taken_seconds, 0.99)
    slowest = max(closed)
    all_taken = set(measured.statuses) == {201}
    figure = f"{figures(measured)}; {len(closed)} slow sockets, last closed after {slowest:.0f} s"
    return Outcome(figure, all_taken and p99 <= 200 and slowest <= 30)


async def _beside_slow(port: int, each: int, seconds: int) -> tuple[object, list[float]]:
    kinds = ("head", "body", "silent")
    slow = [asyncio.create_task(_slow(port, kind)) for _ in range(each) for kind in kinds]
    await asyncio.sleep(0.5)
    measured = await open_loop(port, L1_RATE / 2, seconds, complaint_maker(), "b9-")
    return measured, list(await asyncio.gather(*slow))


async def _slow(port: int, kind: str) -> float:
    """How long the service puts up with a caller that dawdles."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = {"head": b"POST /complaints HTTP/1.1\r\n", "body": _SLOW_BODY, "silent": b""}[kind]
    writer.write(start)
    ended = asyncio.create_task(reader.read())
    while not ended.done() and time.monotonic() - begun < 60:
        await asyncio.wait([ended], timeout=2)
        if kind != "silent" and not ended.done():
            writer.write(b"x-a: b\r\n" if kind == "head" else b"a")
    ended.cancel()
    writer.close()
    return time.monotonic() - begun


_SLOW_BODY = (
    _HEAD.format(method="POST", path="/complaints", kind="application/json")
    + "content-length: 5000\r\n\r\n"
).encode()


@row("B13", "413 or 422 ≤ 1 s; memory +≤ 50 MB; disk +≤ 50 MB")
def archive_bombs(database: str, length: Length) -> Outcome:
    """Archives that grow when they are opened."""
    with service(database) as running:
        running.start()
        running.call("POST", "/complaints", {"text": "屏幕闪"})
        asyncio.run(_send_bomb(running.port, _zip({"[Content_Types].xml": b"<a/>"})))
        before, disk = running.settled_kib(), _disk(running)
        outcomes = [asyncio.run(_send_bomb(running.port, bomb)) for bomb in bombs()]
        grown = (running.rss_kib() - before) / 1024
        written = (_disk(running) - disk) / (1 << 20)
    slowest = max(took for _, took in outcomes)
    statuses = [status for status, _ in outcomes]
    figure = (
        f"statuses {statuses}, slowest {slowest:.2f} s, memory +{grown:.0f} MB, "
        f"disk +{written:.0f} MB"
    )
    passed = set(statuses) <= {413, 422} and slowest <= 1 and grown <= 50 and written <= 50
    return Outcome(figure, passed)


def bombs() -> list[bytes]:
    """A zip and a sheet of a gigabyte, 100,000 entries, a zip in a zip, XML entities."""
    types = {"[Content_Types].xml": b"<a/>"}
    flat = _zip({"history.csv": b"\0" * (1 << 30)})
    sheet = _zip({**types, "xl/worksheets/sheet1.xml": b" " * (1 << 30)})
    many = _zip({**types, **{f"x{n}": b"" for n in range(100_000)}})
    entities = _zip({"[Content_Types].xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'})
    return [flat, sheet, many, _zip({"inner.zip": flat}), entities]


def _zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


async def _send_bomb(port: int, bomb: bytes) -> tuple[int, float]:
    begun = time.monotonic()
    reply = await Connection(port).send(raw("/imports", bomb, "application/octet-stream"))
    return reply.status, time.monotonic() - begun


def _disk(running: object) -> int:
    folder = running.data  # type: ignore[attr-defined]
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@row("B15", "422 or a stable answer: the same 100 of 100 times")
def text_edges(database: str, length: Length) -> Outcome:
    """Texts at the edges of what can be taken."""
    texts = ["", " ", "　　", "屏", "屏" * 5_000, "屏" * 5_001, "屏" * 10_000, "屏" * 10_001,
             "😡😡", "！！？", "only English", "12345", "\u202e屏幕\u202c闪",
             "屏\n幕\t闪"]  # fmt: skip
    with service(database) as running:
        running.start()
        answers = asyncio.run(_repeat(running.port, texts, 100))
    stable = sum(len({reply.body for reply in replies}) == 1 for replies in answers)
    statuses = [replies[0].status for replies in answers]
    figure = f"{stable} of {len(texts)} texts answered alike, statuses {statuses}"
    return Outcome(figure, stable == len(texts) and set(statuses) <= {200, 422})


async def _repeat(port: int, texts: list[str], times: int) -> list[list[Reply]]:
    connection = Connection(port)
    moment = "2026-03-02T09:00:00+08:00"
    requests = [post("/classify", {"text": text, "received_at": moment}) for text in texts]
    return [[await connection.send(request) for _ in range(times)] for request in requests]


@row("B5", "NUL 422 on both with the same body; other controls alike; read back equal")
def controls(_database: str, _length: Length) -> Outcome:
    """Control characters in strings, on both databases."""
    return tested(
        f"{_EDGE}::test_what_no_database_can_hold_is_refused_in_bodies",
        f"{_EDGE}::test_other_controls_are_stripped_alike_on_both_databases",
    )


@row("B6", "422; readable afterwards; lists still 200")
def surrogates(_database: str, _length: Length) -> Outcome:
    """Halves of pairs in text, key, header, path and query."""
    return tested(
        f"{_EDGE}::test_what_no_database_can_hold_is_refused_in_bodies",
        f"{_EDGE}::test_what_no_database_can_hold_is_refused_in_addresses",
        f"{_EDGE}::test_half_a_surrogate_pair_in_a_header_is_refused",
    )


@row("B8", "4xx for each; no silent last-wins")
def json_oddities(_database: str, _length: Length) -> Outcome:
    """Doubled names, NaN, 1e400, 5,000 digits, trailing commas."""
    return tested(f"{_EDGE}::test_odd_json_is_refused_without_an_echo")


@row("B12", "a list of errors by row; taken + refused = rows; second upload adds 0")
def table_import(_database: str, _length: Length) -> Outcome:
    """Ragged rows, quotes, empty files, doubled ids, a second upload."""
    return tested("tests/api/test_imports.py", "tests/api/services/test_tables.py")


_EDGE = "tests/api/test_edge.py"


@row("B14", "no pattern over 20 ms on 5,000 hostile characters; /classify p99 ≤ 100 ms")
def slow_patterns(database: str, length: Length) -> Outcome:
    """Every compiled pattern of the code, then whole requests."""
    patterns = sorted(set(_patterns()), key=lambda pattern: pattern.pattern)
    slowest = max(_worst_ms(pattern) for pattern in patterns)
    texts = [_hostile_text(number) for number in range(length.of(200, 1000))]
    with service(database) as running:
        running.start()
        took = asyncio.run(_timed(running.port, texts))
    p99 = share(took, 0.99)
    figure = f"{len(patterns)} patterns, slowest {slowest:.1f} ms; /classify p99 {p99:.0f} ms"
    return Outcome(figure, slowest <= 20 and p99 <= 100)


def _patterns() -> Iterator[re.Pattern[str]]:
    for room in ("api", "domain", "mining", "triage"):
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if ".migrations" in found.name:
                continue
            for value in vars(importlib.import_module(found.name)).values():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield value


_UNITS = (
    "1",
    "1,",
    "1 ",
    "a",
    "a@",
    "a.",
    "一",
    "一元",
    "屏",
    " ",
    "\n",
    "，",
    "1-",
    "京A",
    "号",
    "路1号",
)


def _worst_ms(pattern: re.Pattern[str]) -> float:
    worst = 0.0
    for unit in _UNITS:
        hostile = (unit * 5_000)[:5_000] + "!"
        begun = time.perf_counter()
        pattern.search(hostile)
        worst = max(worst, 1000 * (time.perf_counter() - begun))
    return worst


def _hostile_text(number: int) -> str:
    unit = _UNITS[number % len(_UNITS)] + (str(number % 7) if number % 3 else "")
    return "屏" + (unit * 5_000)[: 2_000 + 37 * number % 3_000]


async def _timed(port: int, texts: list[str]) -> list[float]:
    connection = Connection(port)
    took = []
    for text in texts:
        begun = time.perf_counter()
        await connection.send(post("/classify", {"text": text}))
        took.append(time.perf_counter() - begun)
    return took


@row("B16", "≥ 99 % alike for width, zero width, U+F900; ≥ 97 % traditional; ≥ 98 % emoji")
def other_code_points(_database: str, length: Length) -> Outcome:
    """The same complaints in other code points."""
    from triage.registry import open_desk

    desk, moment = open_desk(), datetime(2026, 3, 2, tzinfo=UTC)
    texts = [complaint_text(random.Random(n)) for n in range(length.of(200, 1000))]

    def labels(changed: list[str]) -> list[tuple[str, ...]]:
        said = [decision.to_dict() for decision in desk.decide_many(changed, moment)]
        return [
            (d["category"]["name"], d["tier"]["label"], *(i["code"] for i in d["issues"][:1]))
            for d in said
        ]

    plain = labels(texts)
    shares = {
        name: sum(a == b for a, b in zip(plain, labels([change(t) for t in texts]), strict=True))
        / len(texts)
        for name, change in _variants().items()
    }
    wanted = {"traditional": 0.97, "emoji": 0.98}
    figure = ", ".join(f"{name} {part:.1%}" for name, part in shares.items())
    return Outcome(figure, all(part >= wanted.get(name, 0.99) for name, part in shares.items()))


def _variants() -> dict[str, Callable[[str], str]]:
    from opencc import OpenCC

    traditional = OpenCC("s2t").convert
    wide = {point: point + 0xFEE0 for point in range(0x21, 0x7F)}
    compatible = {ord(unicodedata.normalize("NFKC", chr(p))): p for p in range(0xF900, 0xFA0E)
                  if unicodedata.normalize("NFKC", chr(p)) != chr(p)}  # fmt: skip
    return {
        "width": lambda text: text.translate(wide),
        "zero width": lambda text: "\u200b".join(text[i : i + 3] for i in range(0, len(text), 3)),
        "U+F900": lambda text: text.translate(compatible),
        "NFD": lambda text: unicodedata.normalize("NFD", text),
        "traditional": traditional,
        "emoji": lambda text: "😡".join(text[i : i + 20] for i in range(0, len(text), 20)),
    }
