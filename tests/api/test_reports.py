"""Reports of what is stored."""

from __future__ import annotations

from tests.api.house import TEXT, House


def test_a_report_is_made_of_what_is_stored(house: House) -> None:
    """Asked for, made by a job in a process of its own, read as data and as a page."""
    for n in range(12):
        row = {"id": f"c-{n}", "text": TEXT, "region": "华东", "product": "手机"}
        assert house.post("/complaints", row).status_code == 201
    accepted = house.post("/reports", {"title": "每周根因"})
    assert accepted.status_code == 202
    job = house.finished(accepted.json()["job"])
    assert job["state"] == "done", str(job)
    identifier = accepted.json()["id"]
    assert house.get(f"/reports/{identifier}").json()["state"] == "done"
    content = house.get(f"/reports/{identifier}.json").json()
    assert content["snapshot"]["rows"] == 12
    page = house.get(f"/reports/{identifier}.html")
    assert "每周根因" in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert house.get("/reports").json()["items"][0]["id"] == identifier


def test_a_report_of_nothing_fails_with_a_word(sqlite_house: House) -> None:
    """An empty database has no causes."""
    accepted = sqlite_house.post("/reports", {}).json()
    job = sqlite_house.finished(accepted["job"])
    assert (job["state"], job["reason"]) == (
        "failed", "no complaint is stored yet; a report needs some",
    )  # fmt: skip
    refused = sqlite_house.get(f"/reports/{accepted['id']}.json")
    assert refused.status_code == 404
    assert "no complaint is stored yet" in refused.json()["detail"]
    assert sqlite_house.get("/reports").json()["items"][0]["reason"] == job["reason"]


def test_reports_refuse_what_is_no_period(sqlite_house: House) -> None:
    """Days are written as 2026-02-14."""
    for asked, word in (
        ({"start": "yesterday"}, "start"),
        ({"start": "2026-02-31"}, "start"),
        ({"start": "0001-01-01"}, "start"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "end"),
        ({"items": []}, "items"),
        ({"items": ["nonsense"]}, "product, batch"),
        ({"items": ["product", "product"]}, "twice"),
        ({"from": "2026-02-01"}, "there are start, end"),
    ):
        reply = sqlite_house.post("/reports", asked)
        assert reply.status_code == 422
        assert word in reply.json()["detail"]


def test_a_page_lists_reports_for_who_types_a_key(sqlite_house: House) -> None:
    """The page is open, what it fetches is not; it may frame a report and run its own scripts."""
    sqlite_house.key("viewer")
    page = sqlite_house.get("/reports.html")
    assert page.status_code == 200
    assert "/static/reports.js" in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-src blob:" in policy
    assert "unsafe-inline" not in policy
    assert "'sha256-" in policy
    assert sqlite_house.get("/reports").status_code == 401
    assert 'href="/reports.html"' in sqlite_house.get("/").text


def test_other_names_than_reports_are_not_served(sqlite_house: House) -> None:
    """No path leads out of the folder."""
    for name in ("..%2F..%2Fkeys%2Fmasking.key", "%2e%2e", "rep_x", "..%5c..%5ckeys"):
        for suffix in ("", ".json", ".html"):
            assert sqlite_house.get(f"/reports/{name}{suffix}").status_code == 404
