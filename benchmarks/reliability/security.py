"""Security: who may do what, and what a hostile text can do."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from benchmarks.reliability.callers import Connection, get
from benchmarks.reliability.rows import BOTH, Length, Outcome, row
from benchmarks.reliability.service import SUYUAN, Service, service
from benchmarks.reliability.suite import tested

_ACCESS = "tests/api/test_access.py"


@row("S1", "every route as listed for none, wrong, revoked, expired and each role")
def access_matrix(_database: str, _length: Length) -> Outcome:
    """The matrix, and that no route is missing from it."""
    return tested(_ACCESS)


@row("S4", "0 hits of any key outside the reply that showed it; ≥ 128 bits", BOTH)
def key_storage(database: str, length: Length) -> Outcome:
    """Keys made, used and then looked for in every file and the process list."""
    wanted = length.of(8, 1000)
    with service(database) as running:
        running.start()
        made = [running.run("keys", "create", f"k{n}", "--role", "viewer") for n in range(wanted)]
        secrets = [said.split()[-1] for said in made]
        for secret in secrets:
            running.call("GET", "/complaints", Authorization=f"Bearer {secret}")
            running.call("GET", "/nowhere", Authorization=f"Bearer {secret}")
            running.call("GET", "/complaints", Authorization=f"Bearer {secret}x")
        stored = str(running.query("SELECT * FROM keys"))
        listed = subprocess.run(["ps", "axww"], capture_output=True, check=True)
        subprocess.run([SUYUAN, "backup", str(running.folder / "copy")], env=running.environment,
                       check=True, capture_output=True)  # fmt: skip
        places = [*_files(running.folder), stored.encode(), listed.stdout]
        parts = [secret.split("_", 2)[2].encode() for secret in secrets]
        hits = sum(part in place for place in places for part in parts)
    bits = min(len(part) for part in parts) * 6
    figure = f"{hits} hits of {wanted} keys in {len(places)} places, {bits} random bits"
    return Outcome(figure, hits == 0 and bits >= 128)


def _files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


class _Executable(HTMLParser):
    """Counts what a browser would run and what did not come from us."""

    def __init__(self) -> None:
        super().__init__()
        self.found = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Scripts of others, handlers, script addresses, frames."""
        given = dict(attrs)
        ours = (given.get("src") or "").startswith("/static/")
        self.found += tag == "script" and not ours
        self.found += tag in {"iframe", "object", "embed", "base"}
        self.found += any(name.startswith("on") for name in given)
        self.found += any("javascript:" in (value or "").lower() for value in given.values())


@row("S7", "0 executable nodes; CSP without unsafe-inline; nosniff")
def stored_scripts(database: str, length: Length) -> Outcome:
    """Payloads in every field, and then every page."""
    payloads = script_payloads(length.of(60, 200))
    with service(database) as running:
        running.start()
        for number, payload in enumerate(payloads):
            row_ = {"id": f"x{number}{payload[:100]}", "text": f"屏幕{payload}", "product": payload,
                    "region": payload, "outlet": payload, "channel": payload}  # fmt: skip
            running.call("POST", "/complaints", row_)
        order = running.call("POST", "/reports", {"title": payloads[0][:200]})[1]
        _wait(running, order["job"])
        pages = ["/", "/docs", f"/reports/{order['id']}.html"]
        replies = [asyncio.run(_page(running.port, path)) for path in pages]
    found = 0
    for _, body in replies:
        parser = _Executable()
        parser.feed(body)
        found += parser.found
    strict = sum(
        b"nosniff" in head and b"content-security-policy" in head and b"unsafe-inline" not in head
        for head, _ in replies
    )
    statuses = [head[9:12].decode() for head, _ in replies]
    figure = (
        f"{len(payloads)} payloads, {found} executable nodes on {len(pages)} pages "
        f"({', '.join(statuses)}), strict policy on {strict}"
    )
    return Outcome(figure, found == 0 and strict == len(pages) and set(statuses) == {"200"})


def script_payloads(number: int) -> list[str]:
    """Ways to write a script where a text is expected."""
    bases = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
             "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>",
             "javascript:alert(1)",
             "<iframe srcdoc='<script>alert(1)</script>'>", "<a href=javascript:alert(1)>x</a>",
             "</style><script>alert(1)</script>", "{{7*7}}", "${7*7}", "<body onload=alert(1)>",
             "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
             "<details open ontoggle=alert(1)>", "<object data=javascript:alert(1)>"]  # fmt: skip
    random_ = random.Random(1)
    varied = [*bases]
    while len(varied) < number:
        base = random_.choice(bases)
        varied.append("".join(c.upper() if random_.random() < 0.4 else c for c in base))
    return varied[:number]


def _wait(running: Service, job: str) -> None:
    import time

    for _ in range(600):
        if running.call("GET", f"/jobs/{job}")[1]["state"] in {"done", "failed"}:
            return
        time.sleep(0.2)


async def _page(port: int, path: str) -> tuple[bytes, str]:
    reply = await Connection(port).send(get(path))
    return b"http/1.1 %d\n" % reply.status + reply.headers, reply.body.decode()


@row("S8", "every cell neutralised in CSV and typed in XLSX; reads back as it was")
def formula_injection(_database: str, _length: Length) -> Outcome:
    """Every start of a formula, also after a blank or a quote."""
    return tested(
        "tests/api/test_exports.py", "tests/api/test_cases.py::test_exports_hold_no_formula"
    )


@row("S9", "0 5xx, no changed result, no file outside the data directory", BOTH)
def injections(database: str, length: Length) -> Outcome:
    """SQL in every parameter, paths in every name."""
    from urllib.parse import quote

    payloads = sql_payloads(length.of(80, 500))
    paths = ["../" * depth + name for depth in range(1, 6)
             for name in ("etc/passwd", "keys/masking.key", "suyuan.db")]  # fmt: skip
    parameters = ("category", "queue", "department", "received_from", "cursor", "changed_since",
                  "state", "tier", "limit")  # fmt: skip
    with service(database) as running:
        running.start()
        running.call("POST", "/complaints", {"id": "one", "text": "屏幕一直闪"})
        before = running.call("GET", "/complaints")[1]
        asked = [f"/complaints?{name}={quote(p)}" for p in payloads for name in parameters]
        asked += [f"/complaints/{quote(p, safe='')}" for p in payloads]
        kinds = ("reports", "imports", "jobs", "static", "models")
        ends = ("", ".json", ".html")
        asked += [f"/{kind}/{quote(p, safe='')}{end}" for p in paths for end in ends
                  for kind in kinds]  # fmt: skip
        replies = asyncio.run(_ask(running.port, asked))
        after = running.call("GET", "/complaints")[1]
    faults = sum(status >= 500 or status == 0 for status, _ in replies)
    leaked = sum(bool(re.search(rb"root:x:|SQLite format", body)) for _, body in replies)
    more = sum(status == 200 and b'"id": "one"' in body for status, body in replies)
    figure = (
        f"{len(asked)} requests: {faults} 5xx, {leaked} foreign files, {more} widened results, "
        f"list unchanged {before == after}"
    )
    return Outcome(figure, faults == leaked == more == 0 and before == after)


def sql_payloads(number: int) -> list[str]:
    """Ways to leave a string literal."""
    bases = ["' OR '1'='1", "' OR 1=1--", "'; DROP TABLE complaints;--", '" OR ""="', "1 OR 1=1",
             "') OR ('1'='1", "' UNION SELECT * FROM keys--", "1; SELECT pg_sleep(5)--",
             "' AND SLEEP(5)--", "\\' OR 1=1--", "%' OR '%'='", "one' --", "' || (SELECT 1) || '",
             "admin'/*", "1/**/OR/**/1=1", "$$ OR 1=1 $$"]  # fmt: skip
    random_ = random.Random(2)
    varied = [*bases]
    while len(varied) < number:
        varied.append(random_.choice(bases).replace(" ", random_.choice([" ", "\t", "/**/", "\n"])))
    return varied[:number]


async def _ask(port: int, paths: list[str]) -> list[tuple[int, bytes]]:
    connection = Connection(port)
    replies = [await connection.send(get(path)) for path in paths]
    return [(reply.status, reply.body) for reply in replies]
