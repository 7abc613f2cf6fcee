"""Keys, roles and the matrix of routes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.routes.access import ACCESS, PUBLIC
from api.services.access import SCOPES, Role, Scope
from tests.api.house import TEXT, House


def _routes(house: House) -> set[tuple[str, str]]:
    app: Any = house._client._transport.app  # type: ignore[attr-defined]
    parts = [getattr(part, "original_router", app) for part in app.routes]
    routes = [route for part in parts for route in part.routes if hasattr(route, "methods")]
    return {(method, route.path) for route in routes for method in route.methods - {"HEAD"}}


def _try(house: House, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    concrete = (
        path.replace("{id:path}", "none")
        .replace("{id}", "none")
        .replace("{name}", "none")
        .replace("{version}", "none")
    )
    body = {"json": {}} if method in {"POST", "PUT"} else {}
    return house.call(method, concrete, headers=headers, **body)


def test_every_route_stands_in_the_matrix(sqlite_house: House) -> None:
    """A route that somebody forgets is found here, and open to nobody."""
    assert _routes(sqlite_house) == set(ACCESS)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_the_matrix_says(sqlite_house: House, role: Role) -> None:
    """Every route, tried with a key of every role."""
    headers = sqlite_house.key(role)
    for (method, path), scope in ACCESS.items():
        status = _try(sqlite_house, method, path, headers).status_code
        allowed = scope is PUBLIC or scope in SCOPES[role]
        assert (status not in {401, 403}) == allowed, (method, path, status)


def test_without_a_key_or_with_a_bad_one_nothing_but_the_public_is_open(
    sqlite_house: House,
) -> None:
    """None, wrong, revoked, expired: all the same."""
    good = sqlite_house.key("administrator")
    revoked = sqlite_house.key("administrator")
    sqlite_house.revoke(revoked)
    over = sqlite_house.key("administrator", expires_at=sqlite_house.clock())
    wrong = {"authorization": good["authorization"][:-1] + "!"}
    for headers in ({}, wrong, revoked, over, {"authorization": "Basic abc"}):
        for (method, path), scope in ACCESS.items():
            reply = _try(sqlite_house, method, path, headers)
            assert (reply.status_code in {401, 429}) == (scope is not PUBLIC), (method, path)


def test_the_loopback_is_open_until_the_first_key_exists(house: House) -> None:
    """From the first key on nobody comes in without one, not even when it is revoked."""
    assert house.get("/complaints").status_code == 200
    headers = house.key("viewer")
    assert house.get("/complaints").status_code == 401
    assert house.get("/complaints", headers=headers).status_code == 200
    house.revoke(headers)
    assert house.get("/complaints").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
    ],
)
def test_a_page_in_a_local_browser_is_not_local(
    sqlite_house: House, headers: dict[str, str]
) -> None:
    """Rebinding and foreign origins gain nothing from the open loopback."""
    assert sqlite_house.get("/complaints", headers=headers).status_code == 401


def test_a_key_is_shown_once_and_only_its_digest_kept(house: House) -> None:
    """At least 128 random bits, found nowhere in the table."""
    secret = house.key("viewer")["authorization"].removeprefix("Bearer ")
    row: Any = house.stored(lambda c: c.execute(text("SELECT * FROM keys")).first())
    assert len(secret.split("_", 2)[2]) >= 43
    assert secret.split("_", 2)[2] not in str(tuple(row))
    assert len(row.digest) == 64


def test_a_key_is_refused_within_seconds_of_its_revocation(house: House) -> None:
    """Without anybody telling the process."""
    headers = house.key("viewer")
    assert house.get("/complaints", headers=headers).status_code == 200
    from api.services.access import revoke_key

    identifier = headers["authorization"].split("_")[1]
    house.stored(lambda c: revoke_key(c, identifier, house.clock()))
    for entry in house.office.gate._entries.values():
        entry.fresh_until = 0.0
    assert house.get("/complaints", headers=headers).status_code == 401


def test_tricks_with_headers_and_addresses_log_nobody_in(sqlite_house: House) -> None:
    """Proxies are not believed, keys in the address are refused."""
    secret = sqlite_house.key("viewer")["authorization"]
    for headers in ({"x-forwarded-user": "root"}, {"x-original-url": "/livez"},
                    {"x-forwarded-for": "127.0.0.1"}):  # fmt: skip
        assert sqlite_house.get("/complaints", headers=headers).status_code == 401
    plain = secret.removeprefix("Bearer ")
    assert sqlite_house.get(f"/complaints?key={plain}").status_code == 401
    twice = [("authorization", secret), ("authorization", secret)]
    assert sqlite_house.call("GET", "/complaints", headers=twice).status_code == 401


def test_wrong_keys_are_slowed_down(sqlite_house: House) -> None:
    """Guessing from one address ends after thirty tries a minute; good keys go on."""
    good = sqlite_house.key("viewer")
    assert sqlite_house.get("/complaints", headers=good).status_code == 200
    wrong = {"authorization": "Bearer sy_wrong"}
    statuses = [sqlite_house.get("/complaints", headers=wrong).status_code for _ in range(40)]
    assert statuses.count(401) == 30
    assert statuses.count(429) == 10
    sqlite_house.forget_keys()
    assert sqlite_house.get("/complaints", headers=good).status_code == 200


def test_a_key_of_some_departments_does_not_run_the_installation(sqlite_house: House) -> None:
    """Models and figures are everybody's, so they need a key for all departments."""
    bound = sqlite_house.key("administrator", departments=["北"])
    assert sqlite_house.get("/metrics", headers=bound).status_code == 403
    body = {"version": "1.0.0"}
    reply = sqlite_house.post("/models/complaints/activate", body, headers=bound)
    assert reply.status_code == 403


def test_scopes_narrow_a_role(sqlite_house: House) -> None:
    """A key may carry less than its role, never more."""
    narrow = sqlite_house.key("handler", scopes=[Scope.CLASSIFY])
    assert sqlite_house.post("/classify", {"text": TEXT}, headers=narrow).status_code == 200
    assert sqlite_house.get("/complaints", headers=narrow).status_code == 403


def test_departments_do_not_see_each_other(house: House) -> None:
    """What belongs to another department is not there."""
    north = house.key("supervisor", departments=["北"])
    south = house.key("supervisor", departments=["南"])
    house.post("/complaints", {"id": "n", "text": TEXT}, headers=north)
    house.post("/complaints", {"id": "s", "text": TEXT}, headers=south)
    assert [row["id"] for row in house.get("/complaints", headers=north).json()["items"]] == ["n"]
    assert house.get("/complaints/s", headers=north).status_code == 404
    labels = {"json": {"tier": "紧急"}, "headers": north}
    assert house.call("PUT", "/complaints/s/labels", **labels).status_code == 404
    foreign = {"text": TEXT, "department": "南"}
    assert house.post("/complaints", foreign, headers=north).status_code == 403
    assert house.get("/complaints?department=南", headers=north).status_code == 403


def test_the_last_use_of_a_key_is_noted(house: House) -> None:
    """Housekeeping writes it down."""
    headers = house.key("viewer")
    house.get("/complaints", headers=headers)
    used = house.office.gate.used()
    assert list(used.values()) == [house.clock()]
