"""Webhooks and mail: signed, in order, sent until they arrive; addresses that are refused."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from api.services.delivery import mail, posting, signature
from api.services.delivery.addresses import target_of
from api.services.delivery.courier import DELAYS, Courier, pause
from api.services.delivery.signature import verify
from api.services.desks import Desk
from api.settings import Settings
from api.store import delivery
from domain.errors import KeyRefused, RowRefused, Unavailable
from tests.api.house import TEXT, House, open_house
from tests.api.receivers import MailServer, Receiver

PUBLIC = "93.184.216.34"


@contextlib.contextmanager
def _house(settings: Settings, desk: Desk, **more: Any) -> Iterator[House]:
    """A service whose worker and courier stand still until they are asked."""
    changed = settings.model_copy(update={"embedded_worker": False, **more})
    with open_house(changed, desk) as house:
        yield house


def _take(house: House, name: str) -> None:
    assert house.post("/complaints", {"id": name, "text": TEXT}).status_code == 201


def _subscribe(house: House, receiver: Receiver, **more: Any) -> dict[str, Any]:
    reply = house.post("/webhooks", {"url": f"http://{receiver.place}/hook?a=1", **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def _rounds(house: House, courier: Courier, most: int = 400) -> None:
    """Hand out until nothing is due, letting time pass between tries."""
    for _ in range(most):
        if courier.step():
            continue
        if not house.stored(lambda c: delivery.listed(c, delivery.WAITING, 1)):
            return
        house.clock.move(minutes=6)


def test_events_arrive_signed_and_in_order(
    settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """What was taken in and corrected is told once each, with a signature that fits."""
    with _house(settings, desk, webhook_hosts=(receiver.place,)) as house:
        made = _subscribe(house, receiver, kinds=["complaint.*"])
        _take(house, "c-1")
        labels = {"tier": "重大"}
        assert house.call("PUT", "/complaints/c-1/labels", json=labels).status_code == 200
        _rounds(house, Courier(house.office))
        kinds = [json.loads(body)["type"] for _, body in receiver.came]
        assert kinds == ["complaint.received", "complaint.labelled"]
        for given, body in receiver.came:
            verify(made["secret"], given, body, house.clock())
            assert TEXT[:6] not in body.decode()
        assert json.loads(receiver.came[1][1])["data"]["tier"] == "重大"
        assert house.get("/webhooks").text.count("whsec_") == 0
        assert (
            house.get("/deliveries", params={"state": "sent"}).json()["items"][0]["attempts"] == 1
        )


def test_nothing_is_lost_when_three_in_ten_calls_fail(
    settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """Every event arrives, repeats carry the same id, each complaint's events keep their order."""
    with _house(settings, desk, webhook_hosts=(receiver.place,)) as house:
        _subscribe(house, receiver)
        receiver.answer = lambda n: 500 if n * 7 % 10 < 3 else 200
        for n in range(12):
            _take(house, f"c-{n}")
            for tier in ("重大", "普通"):
                labels = {"tier": tier}
                house.call("PUT", f"/complaints/c-{n}/labels", json=labels)
        _rounds(house, Courier(house.office))
        good = [(g["webhook-id"], b) for n, (g, b) in enumerate(receiver.came, 1)
                if receiver.answer(n) == 200]  # fmt: skip
        assert len({one for one, _ in good}) == len(good) == 36
        assert len(receiver.came) > 36
        by_case: dict[str, list[str]] = {}
        for _, body in good:
            said = json.loads(body)
            by_case.setdefault(said["data"]["id"], []).append(said["type"])
        order = ["complaint.received", "complaint.labelled", "complaint.labelled"]
        assert set(map(tuple, by_case.values())) == {tuple(order)}


def test_a_courier_that_dies_between_sending_and_noting_sends_again_under_the_same_id(
    settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """The lease runs out, another takes over; the late note of the first changes nothing."""
    with _house(settings, desk, webhook_hosts=(receiver.place,)) as house:
        _subscribe(house, receiver)
        _take(house, "c-1")
        now = house.clock()
        house.stored(lambda c: delivery.fan_out(c, now, 10))
        lease = now + timedelta(seconds=60)
        (held,) = house.stored(lambda c: delivery.claim(c, now, lease, 10))
        assert house.stored(lambda c: delivery.claim(c, now, lease, 10)) == []
        house.clock.move(seconds=61)
        _rounds(house, Courier(house.office))
        assert receiver.came[0][0]["webhook-id"] == held.message
        late = house.stored(lambda c: delivery.ended(c, held, delivery.FAILED, "x", now))
        assert late is False
        assert house.stored(lambda c: delivery.listed(c, None, 1))[0].state == delivery.SENT


def test_the_outbox_is_spread_once_by_many_couriers(settings: Settings, desk: Desk) -> None:
    """Four at a barrier over fifty events: fifty deliveries."""
    with _house(settings, desk, webhook_hosts=("127.0.0.1:9",)) as house:
        reply = house.post("/webhooks", {"url": "http://127.0.0.1:9/"})
        assert reply.status_code == 201
        for n in range(50):
            _take(house, f"c-{n}")
        barrier = threading.Barrier(4)

        def spread() -> None:
            barrier.wait()
            for _ in range(6):
                house.stored(lambda c: delivery.fan_out(c, house.clock(), 10))

        together = [threading.Thread(target=spread) for _ in range(4)]
        for one in together:
            one.start()
        for one in together:
            one.join()
        rows = house.stored(lambda c: delivery.listed(c, None, 200))
        assert len({row.message for row in rows}) == len(rows) == 50


def test_a_receiver_that_is_gone_is_asked_no_more(
    sqlite_settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """410 switches the webhook off and says so; it can be switched on again."""
    with _house(sqlite_settings, desk, webhook_hosts=(receiver.place,)) as house:
        made = _subscribe(house, receiver)
        receiver.answer = lambda _: 410
        _take(house, "c-1")
        _take(house, "c-2")
        _rounds(house, Courier(house.office))
        assert len(receiver.came) <= 2
        shown = house.get("/webhooks").json()["items"][0]
        assert (shown["active"], shown["failure"]) == (False, "the receiver is gone (410)")
        _take(house, "c-3")
        _rounds(house, Courier(house.office))
        assert len(receiver.came) <= 2
        assert house.post(f"/webhooks/{made['id']}/enable", {}).json()["active"]
        receiver.answer = lambda _: 200
        _take(house, "c-4")
        _rounds(house, Courier(house.office))
        assert json.loads(receiver.came[-1][1])["data"]["id"] == "c-4"


def test_a_receiver_that_does_not_answer_keeps_nobody_waiting(
    sqlite_settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """It is left alone for a minute, whatever waits for it; others hear at once."""
    with _house(sqlite_settings, desk, webhook_hosts=(receiver.place, "127.0.0.1:1")) as house:
        silent = house.post("/webhooks", {"url": "http://127.0.0.1:1/"}).json()["id"]
        _subscribe(house, receiver)
        for n in range(40):
            _take(house, f"c-{n}")
        courier = Courier(house.office)
        while courier.step():
            pass
        assert len(receiver.came) == 40
        rows = house.stored(lambda c: delivery.listed(c, delivery.WAITING, 100))
        assert {row.target for row in rows} == {silent}
        assert sum(row.attempts for row in rows) <= 32
        soon = house.clock() + timedelta(seconds=59)
        assert min(row.next_at for row in rows) > soon


def test_redirects_are_not_followed(
    sqlite_settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """A 302 to inside the network is an answer like any other that is no 2xx."""
    with _house(sqlite_settings, desk, webhook_hosts=(receiver.place,)) as house:
        _subscribe(house, receiver)
        receiver.answer = lambda _: 302
        receiver.headers = {"location": "http://169.254.169.254/latest/meta-data"}
        _take(house, "c-1")
        Courier(house.office).step()
        row = house.get("/deliveries").json()["items"][0]
        assert (row["state"], row["failure"]) == ("waiting", "the receiver answered 302")


def test_tries_end_after_the_whole_schedule(
    sqlite_settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """Ten tries over some three days, then it is given up and shown."""
    with _house(sqlite_settings, desk, webhook_hosts=(receiver.place,)) as house:
        _subscribe(house, receiver)
        receiver.answer = lambda _: 503
        _take(house, "c-1")
        courier = Courier(house.office)
        for _ in range(2 * len(DELAYS) + 4):
            courier.step()
            house.clock.move(hours=27)
        assert len(receiver.came) == len(DELAYS) + 1
        row = house.get("/deliveries", params={"state": "failed"}).json()["items"][0]
        assert row["failure"] == "the receiver answered 503"
    assert timedelta(seconds=4.5) <= pause("evt_1", 1) <= timedelta(seconds=5.5)
    assert pause("evt_1", 2) != pause("evt_2", 2)


def test_a_webhook_of_a_department_hears_of_that_department_only(
    sqlite_settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """Everything else stays silent."""
    with _house(sqlite_settings, desk, webhook_hosts=(receiver.place,)) as house:
        _subscribe(house, receiver, department="物流部")
        for name in ("物流部", "客服部"):
            house.post("/complaints", {"id": name, "text": TEXT, "department": name})
        _rounds(house, Courier(house.office))
        assert [json.loads(body)["data"]["id"] for _, body in receiver.came] == ["物流部"]


def test_a_key_is_exchanged_without_a_gap(
    sqlite_settings: Settings, desk: Desk, receiver: Receiver
) -> None:
    """For a day both keys sign; then the old one is over."""
    with _house(sqlite_settings, desk, webhook_hosts=(receiver.place,)) as house:
        made = _subscribe(house, receiver)
        turned = house.post(f"/webhooks/{made['id']}/rotate", {}).json()
        courier = Courier(house.office)
        _take(house, "c-1")
        _rounds(house, courier)
        for key in (made["secret"], turned["secret"]):
            verify(key, *receiver.came[0], house.clock())
        house.clock.move(hours=25)
        _take(house, "c-2")
        _rounds(house, courier)
        verify(turned["secret"], *receiver.came[1], house.clock())
        with pytest.raises(KeyRefused):
            verify(made["secret"], *receiver.came[1], house.clock())
        assert house.call("DELETE", f"/webhooks/{made['id']}").status_code == 204
        for path in ("rotate", "enable"):
            assert house.post(f"/webhooks/{made['id']}/{path}", {}).status_code == 404


def test_signatures_are_those_of_the_standard() -> None:
    """The reference vector; one byte, five minutes or another id off, and it is refused."""
    key, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    message, moment = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330
    now = datetime.fromtimestamp(moment, UTC)
    given = signature.headers([key], message, moment, body)
    assert given["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    verify(key, given, body, now + timedelta(seconds=299))
    off = timedelta(seconds=301)
    wrong: list[tuple[dict[str, str], bytes, datetime]] = [
        (given, body + b" ", now),
        (given, body, now + off),
        (given, body, now - off),
        ({**given, "webhook-id": "msg_other"}, body, now),
        ({**given, "webhook-signature": "v2,x"}, body, now),
        ({}, body, now),
    ]
    for headers, content, at in wrong:
        with pytest.raises(KeyRefused):
            verify(key, headers, content, at)
    assert len(base64.b64decode(signature.new_secret().removeprefix("whsec_"))) == 32


ODD = [
    "http://hooks.example.com/", "https://127.1/", "https://0x7f000001/", "https://2130706433/",
    "https://017700000001/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://169.254.169.254/latest", "https://10.0.0.1/",
    "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/", "https://0.0.0.0/",
    "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25eth0]/",
    "https://[fd00::1]/", "https://224.0.0.1/", "https://localhost/", "https://localhost./",
    "https://user:pw@hooks.example.com/", "https://hooks.example.com#x", "file:///etc/passwd",
    "gopher://hooks.example.com/", "https://hooks.example.com:0/", "https:///x", "https://",
    "https://hooks.example.com:99999/", "https://１２７.0.0.1/", "https://a b.example.com/",
    "https://127.0.0.1.nip", "https://hooks.example.com\\@127.0.0.1/", "https://[::1", "x",
    "https://127。0。0。1/", "https://0/", "https://%31%32%37.0.0.1/",
]  # fmt: skip


def _inside(host: str, _port: int) -> list[str]:
    """A resolver under which every name is inside, and an address is itself."""
    return ["127.0.0.1"] if host.endswith("nip") or host[0].isalpha() else [host]


@pytest.mark.parametrize("url", ODD)
def test_addresses_inside_and_odd_notations_are_refused(url: str) -> None:
    """At saving and at sending alike: one function looks at both."""
    with pytest.raises((RowRefused, Unavailable)):
        target_of(url, (), _inside)


def test_a_name_that_turns_inward_later_is_refused_when_sending(
    sqlite_settings: Settings, desk: Desk
) -> None:
    """The address that was looked at is the one that is called; the second answer is local."""
    good = target_of("https://hooks.example.com/a?b=c", (), lambda *_: [PUBLIC])
    assert (good.address, good.host, good.path) == (PUBLIC, "hooks.example.com", "/a?b=c")
    with pytest.raises(RowRefused):
        target_of("https://hooks.example.com/", (), lambda *_: [PUBLIC, "10.0.0.1"])
    with _house(sqlite_settings, desk) as house:
        values: dict[str, Any] = {
            "id": "whk_1", "url": "https://hooks.example.com/", "department": None, "kinds": [],
            "secret": Courier(house.office)._vault.seal(b"whsec_AAAA", "whk_1"), "active": True,
            "created_at": house.clock(), "by": "test",
        }  # fmt: skip
        house.stored(lambda c: delivery.add_webhook(c, values))
        _take(house, "c-1")
        Courier(house.office, lambda *_: ["169.254.169.254"]).step()
        row = house.get("/deliveries").json()["items"][0]
        assert row["state"] == "waiting"
        assert "inside a network" in row["failure"]


def test_webhooks_inside_are_refused_when_saved(sqlite_house: House) -> None:
    """With a word on what would be right, and nothing of the address in it."""
    for url in (
        "https://127.0.0.1/geheim",
        "https://169.254.169.254/",
        "ftp://x/",
        "https://10.1/",
    ):
        reply = sqlite_house.post("/webhooks", {"url": url})
        assert reply.status_code == 422
        assert "geheim" not in reply.text
    faults: tuple[dict[str, Any], ...] = (
        {"kinds": ["Complaint"]}, {"kinds": []}, {"url": 5}, {"secret": "x"},
    )  # fmt: skip
    for wrong in faults:
        body = {"url": "https://93.184.216.34/"} | wrong
        assert sqlite_house.post("/webhooks", body).status_code == 422


def test_a_receiver_that_drips_is_cut_off() -> None:
    """However it spends the time, the call is over when the time is."""

    def drip(listening: socket.socket) -> None:
        taken, _ = listening.accept()
        with taken, contextlib.suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 400:
                taken.sendall(bytes([byte]))
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        place = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(posting.Unanswered):
            posting.post(target_of(f"http://{place}/", (place,)), {}, b"{}", seconds=0.5)
        thread.join(5)
        assert not thread.is_alive()


def _by_mail(server: MailServer) -> dict[str, Any]:
    return {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "smtp_from": "suyuan@example.com",
    }


def test_a_mail_carries_the_summary_and_the_documents(
    tmp_path: Path, post_office: MailServer
) -> None:
    """Chinese in subject and text, attachments whole, a header that says it is automatic."""
    settings = Settings(data_dir=tmp_path, **_by_mail(post_office))
    page = tmp_path / "report.html"
    page.write_text("<p>报告</p>" * 500, encoding="utf-8")
    letter = mail.Letter(
        "evt_1", "a@example.com", "每周根因\r\nBcc: x@y.z", "要点：\n.退货", [page]
    )
    mail.send(settings, letter)
    reader, raw = post_office.letters[0]
    came = message_from_bytes(raw, policy=policy.default)
    assert reader == "a@example.com"
    assert came["Subject"] == "每周根因 Bcc: x@y.z"
    assert came["Bcc"] is None
    assert came["Message-ID"] == "<evt_1@example.com>"
    body = came.get_body(("plain",))
    assert body is not None
    assert ".退货" in body.get_content()
    (attached,) = list(came.iter_attachments())
    assert attached.get_filename() == "report.html"
    assert attached.get_content().count("报告") == 500


@pytest.mark.parametrize(
    ("refusal", "forever"),
    [(b"550 nobody\r\n", True), (b"450 later\r\n", False)],
)
def test_a_mail_that_is_refused_says_so(
    tmp_path: Path, post_office: MailServer, refusal: bytes, forever: bool
) -> None:
    """For good or for now; a server that is not there is for now."""
    settings = Settings(data_dir=tmp_path, **_by_mail(post_office))
    post_office.refuse = refusal
    with pytest.raises(mail.Undelivered) as caught:
        mail.send(settings, mail.Letter("evt_1", "a@example.com", "x", "y"))
    assert caught.value.forever is forever
    nowhere = settings.model_copy(update={"smtp_port": 1})
    with pytest.raises(mail.Undelivered) as caught:
        mail.send(nowhere, mail.Letter("evt_1", "a@example.com", "x", "y"))
    assert caught.value.forever is False


def test_without_tls_nothing_goes_to_a_server_that_should_have_it(
    tmp_path: Path, post_office: MailServer
) -> None:
    """The default is STARTTLS; a server without it gets no mail and no password."""
    given = _by_mail(post_office) | {"smtp_security": "starttls"}
    with pytest.raises(mail.Undelivered):
        mail.send(
            Settings(data_dir=tmp_path, **given), mail.Letter("evt_1", "a@example.com", "x", "y")
        )
    assert post_office.letters == []
