"""What no request gets past."""

from __future__ import annotations

import json

import pytest

from api.settings import Settings
from tests.api.house import TEXT, House, open_house

JSON = {"content-type": "application/json"}
PERSONAL = "13812345678"
ODD_BODIES = {
    "two names": b'{"text": "a", "text": "b"}',
    "NaN": b'{"text": "%s", "cost": NaN}' % "屏".encode(),
    "Infinity": b'{"cost": -Infinity}',
    "1e400": b'{"cost": 1e400}',
    "5,000 digits": b'{"cost": ' + b"9" * 5_000 + b"}",
    "trailing comma": b'{"text": "a",}',
    "no JSON": b"text=a",
    "empty": b"",
    "cut": b'{"text": "a',
    "byte order mark": b'\xef\xbb\xbf{"text": "a"}',
    "GBK": '{"text": "屏幕"}'.encode("gbk"),
    "UTF-16": '{"text": "屏幕"}'.encode("utf-16"),
    "overlong UTF-8": b'{"text": "\xc0\xaf"}',
    "raw NUL": b'{"text": "\x00"}',
    "100,000 arrays": b"[" * 100_000,
    "1,000 objects": b'{"a":' * 1_000,
    "an array": b"[1]",
    "a string": b'"a"',
    "null": b"null",
}
REFUSED_STRINGS = {
    "NUL": r"屏\u0000幕",
    "lone high surrogate": r"屏\ud800幕",
    "lone low surrogate": r"屏\udc00幕",
    "reversed pair": r"屏\udc00\ud800幕",
}


@pytest.mark.parametrize("name", ODD_BODIES)
@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/complaints", "/reports"])
def test_odd_json_is_refused_without_an_echo(sqlite_house: House, name: str, path: str) -> None:
    """Whatever is no strict JSON object in UTF-8 gets a short 4xx."""
    reply = sqlite_house.call("POST", path, content=ODD_BODIES[name], headers=JSON)
    assert 400 <= reply.status_code < 500
    assert len(reply.content) <= 2048
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", REFUSED_STRINGS)
def test_what_no_database_can_hold_is_refused_in_bodies(house: House, name: str) -> None:
    """NUL and halves of pairs give the same 422 on both databases, as value and as name."""
    bad = REFUSED_STRINGS[name]
    for body in (f'{{"text": "{bad}"}}', f'{{"text": "屏幕", "{bad}": 1}}',
                 f'{{"text": "屏幕", "product": "{bad}"}}'):  # fmt: skip
        reply = house.call("POST", "/complaints", content=body.encode(), headers=JSON)
        assert reply.status_code == 422
        assert reply.json()["detail"].startswith("a string holds")
        assert reply.json()["errors"][0]["place"] in {"text", "product", "the body"}
    assert house.get("/complaints").json() == {"items": [], "next": None}


@pytest.mark.parametrize("name", REFUSED_STRINGS)
def test_a_row_that_cannot_be_held_costs_a_batch_that_row(sqlite_house: House, name: str) -> None:
    """The others get their decision."""
    bad = REFUSED_STRINGS[name]
    rows = f'{{"text": "{TEXT}"}}, {{"text": "{bad}"}}, {{"text": "屏幕", "{bad}": 1}}'
    body = f'{{"complaints": [{rows}]}}'
    reply = sqlite_house.call("POST", "/classify/batch", content=body.encode(), headers=JSON)
    results = reply.json()["results"]
    assert ["decision" in result for result in results] == [True, False, False]
    assert results[1]["problem"]["errors"][0]["place"] == "text"


@pytest.mark.parametrize("raw", ["%00", "%ED%A0%80", "%ED%B0%80", "%FF"])
def test_what_no_database_can_hold_is_refused_in_addresses(house: House, raw: str) -> None:
    """The path and the query are looked at before a route is."""
    assert house.get(f"/complaints/a{raw}").status_code == 422
    assert house.get(f"/complaints?category={raw}").status_code == 422


def test_half_a_surrogate_pair_in_a_header_is_refused(sqlite_house: House) -> None:
    """Headers too are read as UTF-8."""
    reply = sqlite_house.get("/complaints", headers={"x-any": b"\xed\xa0\x80"})
    assert reply.status_code == 422


def test_other_controls_are_stripped_alike_on_both_databases(house: House) -> None:
    """What is stored can be read back equal."""
    for number, point in enumerate([*range(1, 32), 0x7F, 0xFFFE, 0xFFFF]):
        row = {"id": f"c-{number}", "text": f"屏幕{chr(point)}闪"}
        assert house.post("/complaints", row).status_code == 201
        said = house.get(f"/complaints/c-{number}").json()["text"]
        kept = chr(point) if chr(point) in "\t\n" else "\n" if chr(point) == "\r" else ""
        assert said == f"屏幕{kept}闪"


def test_a_body_beyond_the_limit_is_refused(sqlite_house: House) -> None:
    """One MiB is the most, by the length told and by the bytes counted."""
    body = json.dumps({"text": "屏" * 800_000}).encode()

    async def parts():  # type: ignore[no-untyped-def]
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    for content in (body, parts()):
        reply = sqlite_house.call("POST", "/complaints", content=content, headers=JSON)
        assert reply.status_code == 413


def test_compressed_bodies_are_refused(sqlite_house: House) -> None:
    """A small body can't become a large one."""
    headers = JSON | {"content-encoding": "gzip"}
    reply = sqlite_house.call("POST", "/complaints", content=b"x", headers=headers)
    assert reply.status_code == 415


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=gbk", ""])
def test_only_json_in_utf8_is_taken(sqlite_house: House, kind: str) -> None:
    """Forms of other pages can't post either."""
    body = json.dumps({"text": TEXT}).encode()
    reply = sqlite_house.call("POST", "/complaints", content=body, headers={"content-type": kind})
    assert reply.status_code == 415


@pytest.mark.parametrize(
    "row",
    [
        {"text": PERSONAL},
        {"text": f"x{PERSONAL}" * 2_000},
        {"text": TEXT, "tier": PERSONAL},
        {"text": TEXT, "received_at": PERSONAL},
        {"text": TEXT, "satisfaction": PERSONAL},
        {"text": TEXT, "id": PERSONAL * 30},
        {"text": TEXT, "issues": [PERSONAL] * 9},
        {"text": [PERSONAL]},
        {"text": {PERSONAL: PERSONAL}},
        {PERSONAL: PERSONAL},
        {"complaints": [PERSONAL]},
    ],
)
def test_refusals_and_log_lines_quote_nothing(sqlite_house: House, row: dict[str, object]) -> None:
    """A phone number in a wrong place comes back nowhere."""
    for path in ("/classify", "/classify/batch", "/complaints"):
        reply = sqlite_house.post(path, row)
        assert reply.status_code < 500
        assert PERSONAL not in reply.text
        assert len(reply.content) <= 2048
    assert PERSONAL not in sqlite_house.log.getvalue()


def test_every_reply_carries_the_security_headers(sqlite_house: House) -> None:
    """Pages, data and refusals alike."""
    for path in ("/", "/livez", "/nowhere", "/static/site.css"):
        headers = sqlite_house.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 32


def test_too_many_requests_at_once_are_told_to_come_back(settings: Settings) -> None:
    """Beyond the limit a request gets 503 and a time to wait, and the others their reply."""
    small = settings.model_copy(update={"concurrency": 1, "waiting": 3})
    from triage.registry import open_desk

    with open_house(small, open_desk()) as house:
        replies = house.at_once([("POST", "/complaints", {"json": {"text": TEXT}})] * 20)
    statuses = {reply.status_code for reply in replies}
    assert statuses == {201, 503}
    refused = [reply for reply in replies if reply.status_code == 503]
    assert all(reply.headers["retry-after"] == "1" for reply in refused)


def test_the_interface_says_what_to_send(sqlite_house: House) -> None:
    """Each operation reads as a sentence, each body has an example that is taken."""
    document = sqlite_house.get("/openapi.json").json()
    assert "Bearer sy_" in document["components"]["securitySchemes"]["key"]["description"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"].endswith("."), path
            assert all(parameter["description"] for parameter in operation.get("parameters", ()))
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            assert body is None or body["example"]
    for path in ("/classify", "/classify/batch", "/complaints", "/reports"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert sqlite_house.post(path, body["example"]).status_code < 300
    assert "屏幕一直闪" in sqlite_house.get("/docs").text


def test_a_fault_is_told_without_its_words(sqlite_house: House) -> None:
    """Neither the reply nor the log repeats what broke."""

    def broken(*_: object) -> None:
        raise KeyError(PERSONAL)

    sqlite_house.office.intake.take = broken  # type: ignore[method-assign,assignment]
    reply = sqlite_house.post("/complaints", {"text": TEXT})
    assert reply.status_code == 500
    assert PERSONAL not in reply.text + sqlite_house.log.getvalue()
    faults = [line for line in sqlite_house.logged() if line["event"] == "fault"]
    assert faults[0]["error"] == "KeyError"


def test_lists_refuse_parameters_that_do_not_fit(sqlite_house: House) -> None:
    """The reply says what would be right."""
    reply = sqlite_house.get("/complaints?limit=900&tier=x")
    assert reply.status_code == 422
    assert "at most 200" in reply.json()["detail"]
    for query in ("cursor=x", "changed_since=-1", "received_from=yesterday"):
        assert sqlite_house.get(f"/complaints?{query}").status_code == 422
