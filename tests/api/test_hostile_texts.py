"""Texts that grow, hide or mean nothing: stored masked, within their columns, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from api.services.improvement.papers import PRESSES
from tests.api.house import House

PHONE = "13812345678"
MANY = " ".join([PHONE] * 16)


def raised(house: House, **more: Any) -> dict[str, Any]:
    """A problem."""
    reply = house.post("/problems", {"issue": "1001", **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def test_names_that_grow_by_masking_stay_within_their_columns(house: House) -> None:
    """Sixteen telephone numbers are longer as tags; both databases take what is left."""
    found = raised(house, title=MANY, owner=MANY)
    told = {"title": MANY, "owner": MANY}
    edit = {"version": found["version"], "title": MANY}
    edited = house.call("PUT", f"/problems/{found['id']}", json=edit)
    replies = [
        edited,
        house.post(
            f"/problems/{found['id']}/owner",
            {"owner": MANY, "version": edited.json().get("version", 1)},
        ),
        house.post(f"/problems/{found['id']}/measures", told),
        house.post("/schedules", {"name": MANY, "period": "week"}),
        house.post("/improvement/exposure", {
            "rows": [{"week_start": "2026-02-02", "product": MANY, "units": 5}]
        }),
        house.post("/judgements", {
            "antecedents": [{"attribute": "batch", "value": MANY}], "issue": MANY,
            "verdict": "known", "reason": " ".join([PHONE] * 40),
        }),
    ]  # fmt: skip
    assert [reply.status_code for reply in replies] == [200, 200, 201, 201, 200, 201]
    assert not any(PHONE in reply.text for reply in replies)


def test_reasons_that_grow_by_masking_stay_within_their_columns(house: House) -> None:
    """A label's reason of nothing but telephone numbers is kept as far as there is room."""
    complaint = {"id": "c1", "text": "屏幕一直闪，要求退货", "product": "手机"}
    assert house.post("/complaints", complaint).status_code == 201
    said = {"category": "产品质量", "reason": " ".join([PHONE] * 40)}
    replies = [
        house.post("/labels/of/c1", said),
        house.call("PUT", "/complaints/c1/labels", json=said),
    ]
    assert [reply.status_code for reply in replies] == [200, 200], replies[1].text
    assert not any(PHONE in reply.text for reply in replies)


def test_the_attribute_of_a_judgement_is_masked_too(house: House) -> None:
    """A telephone number in place of a column's name is not stored."""
    reply = house.post("/judgements", {
        "antecedents": [{"attribute": f"电话{PHONE}", "value": "B07"}],
        "issue": "1001", "verdict": "known", "reason": "已召回",
    })  # fmt: skip
    assert reply.status_code == 201
    assert PHONE not in reply.text
    assert PHONE not in house.get("/judgements").text


@pytest.mark.parametrize(
    "recipient",
    [
        "=?utf-8?q?a,b=40evil.com?=@example.com",
        "=?utf-8?q?a=0D=0ABcc:=20b=40evil.com?=@example.com",
        ".a@example.com",
        "a..b@example.com",
        "a@example..com",
        "a@-example.com",
        "a@example.com\n",
    ],
)
def test_a_recipient_is_one_plain_address(sqlite_house: House, recipient: str) -> None:
    """What a mail library would read as another address, or as none, is refused."""
    body = {"name": "每周", "period": "week", "recipients": [recipient]}
    reply = sqlite_house.post("/schedules", body)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["place"] == "recipients.0"


def test_blanks_are_no_title_reason_or_evidence(sqlite_house: House) -> None:
    """What shows that a measure was carried out is more than a blank."""
    found = raised(sqlite_house)
    at = f"/problems/{found['id']}"
    bodies = [
        ("/problems", {"issue": "1002", "title": " \n"}),
        (f"{at}/measures", {"title": "  "}),
        (f"{at}/end", {"ending": "known", "reason": " ", "review_on": "2027-01-01", "version": 1}),
        ("/measures/none/done", {"done_on": "2026-02-02", "evidence": "\t", "version": 1}),
        ("/measures/none/drop", {"reason": "\u3000", "version": 1}),
        ("/models/complaints/rollback", {"reason": " "}),
        ("/schedules", {"name": " ", "period": "week"}),
    ]
    assert [sqlite_house.post(*each).status_code for each in bodies] == [422] * len(bodies)


def test_papers_that_take_long_leave_threads_to_others(sqlite_house: House) -> None:
    """Two PDFs at once; who comes third asks again."""
    pytest.importorskip("weasyprint")
    at = f"/problems/{raised(sqlite_house)['id']}"
    with PRESSES, PRESSES:
        assert sqlite_house.get(f"{at}/8d.pdf").status_code == 503
        assert sqlite_house.get(f"{at}/8d.html").status_code == 200
    assert sqlite_house.get(f"{at}/8d.pdf").status_code == 200
