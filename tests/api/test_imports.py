"""Files of history."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from api.services.worker import Worker
from api.store import jobs
from tests.api.house import TEXT, House

HEADER = "编号,投诉内容,受理时间,地区\n"


def _csv(rows: int, start: int = 0) -> str:
    lines = (
        f"h-{n},手机屏幕第{n}次闪烁还没有修好,2026-01-0{n % 9 + 1} 10:00:00,华东"
        for n in range(start, start + rows)
    )
    return HEADER + "\n".join(lines) + "\n"


def _import(house: House, content: bytes, query: str = "", **headers: str) -> dict[str, Any]:
    sent = {"content-type": "text/csv", **headers}
    reply = house.call("POST", f"/imports{query}", content=content, headers=sent)
    assert reply.status_code == 202, reply.text
    house.finished(reply.json()["job"])
    return dict(house.get(f"/imports/{reply.json()['id']}").json())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_stored_row_by_row(house: House, encoding: str) -> None:
    """Chinese headers and encodings are recognised; the rows are decided."""
    said = _import(house, _csv(230).encode(encoding))
    assert (said["state"], said["rows_in"], said["rows_ok"], said["rows_added"]) == (
        "done", 230, 230, 230,
    )  # fmt: skip
    row = house.get("/complaints/h-7").json()
    assert row["text"] == "手机屏幕第7次闪烁还没有修好"
    assert row["received_at"] == "2026-01-08T02:00:00+00:00"
    assert row["state"] == "decided"


def test_a_second_upload_adds_nothing(house: House) -> None:
    """Rows that are known count as taken."""
    _import(house, _csv(120).encode())
    said = _import(house, _csv(120).encode())
    assert (said["rows_ok"], said["rows_added"], said["rows_rejected"]) == (120, 0, 0)


def test_bad_rows_are_named_and_the_good_ones_kept(house: House) -> None:
    """Each with its row, its column and what would be right; nothing quoted."""
    broken = HEADER + "\n".join(
        [
            "a,手机屏幕闪,2026-01-01,华东",
            "b,,2026-01-01,华东",
            "c,手机屏幕闪,昨天13812345678,华东",
            "a,手机屏幕又闪,2026-01-01,华东",
            "d,only English,2026-01-01,华东",
            "e,太长" + "长" * 10_001 + ",2026-01-01,华东",
            "f,手机屏幕闪",
            "g,手机屏幕闪,2026-01-01,华东",
        ]
    )
    said = _import(house, broken.encode())
    assert said["rows_in"] == 8
    assert said["rows_ok"] + said["rows_rejected"] == 8
    assert [(error["row"], error["column"]) for error in said["errors"]] == [
        (3, "text"), (4, "received_at"), (5, "id"), (6, "text"), (7, "text"), (8, None),
    ]  # fmt: skip
    assert "13812345678" not in str(said)


def test_a_row_that_contradicts_what_is_stored_is_refused(house: House) -> None:
    """An id stands for one complaint, in files too."""
    _import(house, (HEADER + "a,手机屏幕闪,2026-01-01,华东\n").encode())
    said = _import(house, (HEADER + "a,手机电池鼓包,2026-01-01,华东\n").encode())
    assert (said["rows_ok"], said["rows_rejected"]) == (0, 1)
    assert "other contents" in said["errors"][0]["reason"]


def test_a_finished_job_says_that_all_is_done(house: House) -> None:
    """However short it was."""
    job = house.call("POST", "/imports", content=_csv(7).encode()).json()["job"]
    house.finished(job)
    said = house.get(f"/jobs/{job}").json()
    assert (said["done"], said["total"]) == (7, 7)


def test_a_column_map_fits_a_foreign_table(sqlite_house: House) -> None:
    """Headers that nothing recognises are named by the caller."""
    content = "num,what\n1,手机屏幕闪\n".encode()
    said = _import(sqlite_house, content, "?map=id=num&map=text=what")
    assert said["rows_added"] == 1
    reply = sqlite_house.call("POST", "/imports?map=nothing=num", content=content)
    assert reply.status_code == 422


def test_excel_and_forms_are_taken(sqlite_house: House) -> None:
    """As a browser would send them."""
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    book.active.append(["x", "手机屏幕闪"])
    out = io.BytesIO()
    book.save(out)
    files = {"file": ("历史.xlsx", out.getvalue())}
    reply = sqlite_house.call("POST", "/imports", files=files)
    assert sqlite_house.finished(reply.json()["job"])["state"] == "done"
    assert sqlite_house.get("/complaints/x").status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"id,text\n",
        b"colour\nred\n",
        "编号,投诉内容\n1,屏幕".encode("utf-16"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ],
)
def test_files_that_are_no_table_fail_with_a_word(sqlite_house: House, content: bytes) -> None:
    """Never a stack trace, never a 500."""
    reply = sqlite_house.call("POST", "/imports", content=content)
    if reply.status_code == 202:
        job = sqlite_house.finished(reply.json()["job"])
        assert job["state"] == "failed"
        assert len(job["reason"]) > 20
    else:
        assert reply.status_code == 422


def _zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_archive_bombs_are_refused_at_the_door(sqlite_house: House) -> None:
    """Before anything of them is unpacked."""
    zeros = b"\0" * (300 << 20)
    bombs = [
        _zip({"[Content_Types].xml": b"<a/>", "xl/worksheets/sheet1.xml": zeros}),
        _zip({"[Content_Types].xml": b"<a/>", **{f"x{n}": b"" for n in range(3_000)}}),
        _zip({"[Content_Types].xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'}),
        _zip({"inner.zip": b"x"}),
    ]
    for bomb in bombs:
        reply = sqlite_house.call("POST", "/imports", content=bomb)
        assert reply.status_code in {413, 422}


def test_columns_that_are_not_stored_are_named(sqlite_house: House) -> None:
    """With the way to keep them, and without personal data that stands in a header."""
    content = "编号,投诉内容,courier,电话13812345678\na,手机屏幕闪,迅驰快运,x\n".encode()
    said = _import(sqlite_house, content)
    assert said["columns_not_kept"][0] == "courier"
    assert "13812345678" not in str(said)
    assert "SUYUAN_ATTRIBUTES" in said["advice"]
    whole = _import(sqlite_house, _csv(1).encode())
    assert (whole["columns_not_kept"], whole["advice"]) == ([], None)


def test_a_broken_json_line_costs_itself_alone(sqlite_house: House) -> None:
    """Half a surrogate pair is named with its line."""
    lines = [r'{"id": "a", "text": "手机\ud800闪"}', '{"id": "b", "text": "手机屏幕闪"}']
    said = _import(sqlite_house, "\n".join(lines).encode(), "?name=a.jsonl")
    assert (said["state"], said["rows_ok"], said["rows_rejected"]) == ("done", 1, 1)
    assert said["errors"][0]["row"] == 1


def test_a_missing_column_is_asked_for_in_the_words_of_http(sqlite_house: House) -> None:
    """And nothing of the first line, which may be no header, is repeated."""
    said = _import(sqlite_house, "1,李建国投诉屏幕闪\n2,王芳投诉没声音\n".encode())
    assert "?map=id=HEADER" in said["reason"]
    assert "李建国" not in str(said)
    folder = sqlite_house.office.settings.data_dir / "uploads"
    assert list(folder.iterdir()) == []


def test_an_import_for_two_departments_is_not_shown_to_one(house: House) -> None:
    """Its refused rows may be the other one's."""
    both = house.key("analyst", departments=["北", "南"])
    north = house.key("analyst", departments=["北"])
    said = house.call("POST", "/imports", content=_csv(1).encode(), headers=both).json()
    assert house.get(f"/imports/{said['id']}", headers=both).status_code == 200
    assert house.get(f"/imports/{said['id']}", headers=north).status_code == 404


def test_a_sealed_upload_shows_nothing_and_goes_when_it_is_read(sqlite_house: House) -> None:
    """The file on the disk is encrypted while the job waits."""
    folder = sqlite_house.office.settings.data_dir / "uploads"
    sqlite_house.office.desks.take(None, "no model")
    content = (HEADER + "a,电话13812345678屏幕闪,2026-01-01,华东\n").encode()
    reply = sqlite_house.call("POST", "/imports", content=content)
    for file in folder.glob("*"):
        assert b"13812345678" not in file.read_bytes()
    sqlite_house.finished(reply.json()["job"])
    assert list(folder.iterdir()) == []


def test_a_job_whose_owner_dies_goes_on_and_adds_none_twice(house: House) -> None:
    """Another worker takes it over when the lease ends; the first one's word no longer counts."""
    told = {"n": 1}
    house.stored(lambda c: jobs.add(c, jobs.NewJob("test", "slot", told, "x", house.clock())))
    seen: list[int] = []

    def handler(_office: Any, told: Any, _progress: Any) -> dict[str, Any]:
        seen.append(told["n"])
        return {}

    first = house.stored(lambda c: jobs.claim(c, ["test"], "dead", house.clock(), house.clock()))
    assert first is not None
    house.clock.move(seconds=1)
    Worker(house.office, {"test": handler}).step()
    assert seen == [1]
    late = house.stored(lambda c: jobs.finish(c, first, {}, house.clock(), 1, 1))
    assert late is False


def test_a_slot_is_queued_once(house: House) -> None:
    """Two who ask for the same get one job."""
    new = jobs.NewJob("test", "2026-W01", {}, "x", house.clock())
    assert house.stored(lambda c: jobs.add(c, new)) is not None
    assert house.stored(lambda c: jobs.add(c, new)) is None


def test_imports_are_seen_by_their_department_only(house: House) -> None:
    """404 for the others."""
    north = house.key("analyst", departments=["北"])
    south = house.key("analyst", departments=["南"])
    said = house.call("POST", "/imports", content=_csv(1).encode(), headers=north).json()
    assert house.get(f"/imports/{said['id']}", headers=north).status_code == 200
    assert house.get(f"/imports/{said['id']}", headers=south).status_code == 404
    assert house.get(f"/jobs/{said['job']}", headers=south).status_code == 404


def test_the_text_of_an_import_is_stored_as_it_was_exported(sqlite_house: House) -> None:
    """What an export put before a formula is taken away again."""
    content = 'id,text\na,"\'=1+1 屏幕闪"\n'.encode()
    _import(sqlite_house, content)
    assert sqlite_house.get("/complaints/a").json()["text"] == "=1+1 屏幕闪"
    stored = sqlite_house.stored(lambda c: c.execute(text("SELECT count(*) FROM outbox")).scalar())
    assert stored == 0


def test_a_single_complaint_beside_an_import_is_taken(house: House) -> None:
    """Intake goes on while a file is read."""
    house.call("POST", "/imports", content=_csv(500).encode())
    assert house.post("/complaints", {"id": "beside", "text": TEXT}).status_code == 201


def test_a_history_keeps_labels_of_a_taxonomy_of_its_own(sqlite_house: House) -> None:
    """A foreign system's categories and codes are stored as they came."""
    file = "id,text,category,issues\na,屏幕一直闪,城乡建设,\nb,屏幕一直闪,,A12\n"
    assert _import(sqlite_house, file.encode())["rows_ok"] == 2
    decided = sqlite_house.get("/complaints/a").json()["decision"]
    assert decided["category"]["name"] == "城乡建设"


def test_a_file_whose_reader_takes_too_much_memory_is_given_up(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job says so; the service goes on."""
    monkeypatch.setattr("api.services.imports._HARMLESS_BYTES", 100)
    object.__setattr__(sqlite_house.office.settings, "job_memory_bytes", 30 << 20)
    said = _import(sqlite_house, _csv(230).encode())
    assert said["state"] == "failed"
    assert "memory" in said["reason"]
    assert sqlite_house.post("/complaints", {"text": TEXT}).status_code == 201


def test_a_form_is_read_without_a_temporary_file(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large the file is: nothing unmasked touches a disk in the clear."""

    def rolled(_file: object) -> None:
        raise AssertionError("an upload was written to a temporary file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rolled)
    lines = [f"f-{n},{'屏幕一直闪' * 1_500},2026-01-02,华东" for n in range(80)]
    content = (HEADER + "\n".join(lines)).encode()
    assert len(content) > 1 << 20
    form = {"file": ("h.csv", content, "text/csv")}
    reply = sqlite_house.call("POST", "/imports", files=form)
    assert reply.status_code == 202, reply.text
    sqlite_house.finished(reply.json()["job"])
    assert sqlite_house.get(f"/imports/{reply.json()['id']}").json()["rows_ok"] == 80


def test_a_form_that_breaks_off_is_refused(sqlite_house: House) -> None:
    """400, with what would be right."""
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        sent = {"content-type": kind}
        reply = sqlite_house.call("POST", "/imports", content=b"--x\r\nno head", headers=sent)
        assert reply.status_code in {400, 422}
        assert "`file`" in reply.json()["detail"]
