"""Privacy: what is personal stays nowhere."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time

from benchmarks.reliability.callers import Connection, post
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.security import _files, _wait
from benchmarks.reliability.service import SUYUAN, Service, service
from benchmarks.reliability.suite import tested


@row("P1", "≥ 99.9 % numbers and e-mails, ≥ 95 % addresses, ≥ 90 % names")
def mask_recall(_database: str, length: Length) -> Outcome:
    """Made-up complaints with a piece of each kind."""
    return _masks("recall", length)


@row("P2", "100 % of the 24 foldable spellings, ≥ 95 % of 汉字 digits; the four others told")
def mask_evasion(_database: str, length: Length) -> Outcome:
    """31 ways of writing a number, for each kind of number."""
    return _masks("evasion", length)


@row("P3", "≤ 0.5 % wrongly masked; all else byte-identical and in place")
def mask_false_alarms(_database: str, length: Length) -> Outcome:
    """Order numbers, amounts, dates, hotlines, policy numbers; any strings at all."""
    return _masks("harmless", length)


def _masks(part: str, length: Length) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.privacy", "--only", part]
    command += ["--quick"] if length.short else []
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines() if line.strip()]
    told = [line for line in lines if "%" in line or "fidelity" in line]
    if part == "evasion":
        told = [line for line in told if line.count("100.0%") < line.count("%")]
    return Outcome("; ".join(told)[:400] or "100 % throughout", done.returncode == 0)


@row("P4", "0 hits outside the encrypted field", BOTH)
def canaries(database: str, length: Length) -> Outcome:
    """Complaints with a phone and an identity card each; then every byte is looked at."""
    wanted = length.of(200, 1000)
    random_ = random.Random(4)
    people = [(_phone(random_), _identity(random_)) for _ in range(wanted)]
    with service(database, keep_original="true") as running:
        running.start()
        asyncio.run(_send(running.port, people))
        _exercise(running, people)
        running.kill()
        running.start()
        subprocess.run([SUYUAN, "backup", str(running.folder / "copy")], env=running.environment,
                       check=True, capture_output=True)  # fmt: skip
        shown = ("/complaints?limit=200", "/complaints.csv", "/metrics")
        replies = [str(running.call("GET", path)[1]).encode() for path in shown]
        places = [*_files(running.folder), *replies, *_rows(running)]
        whole = b"\0".join(places)
        hits = sum(part.encode() in whole for person in people for part in person)
        stored = running.query("SELECT count(*) FROM complaints")[0][0]
    figure = f"{hits} hits of {2 * wanted} canaries in {len(places)} places, {stored} stored"
    return Outcome(figure, hits == 0 and stored >= wanted)


def _phone(random_: random.Random) -> str:
    return f"1{random_.choice('3578')}{random_.randint(10**8, 10**9 - 1)}"


def _identity(random_: random.Random) -> str:
    day = f"{random_.randint(1950, 2005)}{random_.randint(1, 12):02}{random_.randint(1, 28):02}"
    body = f"310115{day}{random_.randint(0, 999):03}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


async def _send(port: int, people: list[tuple[str, str]]) -> None:
    connection = Connection(port)
    for number, (phone, identity) in enumerate(people):
        text = f"手机屏幕一直闪，我的电话是{phone}，身份证号{identity}，请尽快回电"
        body = {"id": f"p4-{number}", "text": text, "customer_id": phone, "cause": f"回电{phone}"}
        await connection.send(post("/complaints", body, idempotency_key=f"p4-{number}"))
        await connection.send(post("/classify", {"text": text, "tier": phone}))
        await connection.send(post("/complaints", {"text": phone, "received_at": identity}))


def _exercise(running: Service, people: list[tuple[str, str]]) -> None:
    """An import with bad rows, a report, faults."""
    lines = "".join(
        f"i{n},屏幕闪 {phone} {identity},{identity if n % 3 else ''}\n"
        for n, (phone, identity) in enumerate(people)
    )
    content = ("id,text,received_at\n" + lines).encode()
    head = (
        "POST /imports HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    asyncio.run(Connection(running.port).send(head.encode() + content))
    _wait(running, running.call("POST", "/reports", {})[1]["job"])
    time.sleep(1)


def _rows(running: Service) -> list[bytes]:
    tables = ("complaints", "events", "audit", "outbox", "idempotency", "jobs", "imports",
              "import_errors", "reports")  # fmt: skip
    return [str(running.query(f"SELECT * FROM {table}")).encode() for table in tables]


@row("P13", "0 hits in any 4xx or 5xx, or in the log lines that they cause")
def silent_errors(_database: str, _length: Length) -> Outcome:
    """A phone number in every wrong place."""
    return tested(
        "tests/api/test_edge.py::test_refusals_and_log_lines_quote_nothing",
        "tests/api/test_edge.py::test_a_fault_is_told_without_its_words",
    )
