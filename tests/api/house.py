"""A service in the test's own process, called without a socket."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from api.app import create_app
from api.services.access import NewKey, create_key, revoke_key
from api.services.desks import Desk
from api.services.logs import make_log
from api.services.office import Office
from api.settings import Settings

T = TypeVar("T")
TEXT = "手机用了三天屏幕一直闪，客服电话打不通，再不解决我就去12315投诉！"


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


class House:
    """Calls a service, and looks behind its doors."""

    def __init__(self, client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop
        self.clock = Clock()
        self.log = io.StringIO()
        self.office: Office

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request and its reply."""
        return self.do(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Read."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Send JSON."""
        return self.call("POST", path, json=body, **options)

    def at_once(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Many requests at the same time."""

        async def together() -> list[httpx.Response]:
            calls = (self._client.request(method, path, **o) for method, path, o in requests)
            return list(await asyncio.gather(*calls))

        return self.do(together())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the service runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def stored(self, work: Callable[..., T]) -> T:
        """Look into the database."""
        return self.office.database.submit(work).result(30)

    def key(self, role: str, **rights: Any) -> dict[str, str]:
        """The headers of a new key."""
        new = NewKey(rights.pop("name", f"test {role}"), role, **rights)
        made = self.stored(lambda c: create_key(c, new, self.clock()))
        self.forget_keys()
        return {"authorization": f"Bearer {made}"}

    def revoke(self, headers: dict[str, str]) -> None:
        """End a key that `key` made."""
        identifier = headers["authorization"].split("_")[1]
        self.stored(lambda c: revoke_key(c, identifier, self.clock()))
        self.forget_keys()

    def forget_keys(self) -> None:
        """Make the service look its keys up again, as it does by itself within seconds."""
        self.office.gate.forget()

    def finished(self, job: str, rounds: int = 2_400) -> dict[str, Any]:
        """A job once it has ended."""
        for _ in range(rounds):
            found = self.get(f"/jobs/{job}").json()
            if found["state"] in {"done", "failed"}:
                return dict(found)
            threading.Event().wait(0.05)
        raise AssertionError(f"the job is still {found['state']}")

    def logged(self) -> list[dict[str, Any]]:
        """Every log line so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@contextmanager
def open_house(settings: Settings, desk: Desk | None) -> Iterator[House]:
    """A running service; with no desk there is no model."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    house = House(None, loop)  # type: ignore[arg-type]
    app = create_app(
        settings,
        clock=house.clock,
        load=lambda _version: _there(desk),
        log=make_log("info", house.log),
    )
    house.office = app.state.office
    living = app.router.lifespan_context(app)
    house.do(living.__aenter__())
    if desk is not None:
        house.office.desks.take(desk)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 40_000))
    house._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
    try:
        yield house
    finally:
        house.do(house._client.aclose())
        house.do(living.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _there(desk: Desk | None) -> Desk:
    from domain.errors import ModelMissing

    if desk is None:
        raise ModelMissing("there is no model complaints")
    return desk
