"""Health, metrics, the store, backups."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from api.services.access import NewKey, create_key
from api.services.backups import back_up, restore
from api.services.clock import wall_clock
from api.services.desks import Desk
from api.services.keyfiles import secret
from api.services.vault import Vault
from api.settings import Settings
from api.store import migration
from api.store.database import open_database
from api.store.engine import make_engine, sqlite_has_reset_race
from api.store.lock import only_service
from domain.errors import Conflict, InputError, SettingRefused, StoreDown, StoreFull
from tests.api.house import TEXT, House, open_house
from tests.api.postgresql import Server


def test_ready_means_that_everything_works(house: House) -> None:
    """And health says the same with a word on each part."""
    assert house.get("/livez").json() == {"status": "ok"}
    ready = house.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"].values()) == {"ok"}
    assert house.get("/healthz").json()["status"] == "ok"


def test_without_a_database_requests_get_503_and_readyz_names_it(house: House) -> None:
    """Never a 500; the process stays alive."""
    house.office.database.close()
    assert house.post("/complaints", {"text": TEXT}).status_code == 503
    assert house.get("/livez").status_code == 200
    ready = house.get("/readyz")
    assert ready.status_code == 503
    assert "closed" in ready.json()["checks"]["database"]


def test_metrics_count_routes_and_hold_no_address(sqlite_house: House) -> None:
    """By the route's pattern, not by what was asked for."""
    sqlite_house.post("/complaints", {"id": "13812345678", "text": TEXT})
    sqlite_house.get("/complaints/13812345678")
    said = sqlite_house.get("/metrics").text
    assert 'suyuan_requests_total{method="POST",route="/complaints",status="201"} 1.0' in said
    assert "13812345678" not in said + sqlite_house.log.getvalue()


def test_the_tables_are_what_the_code_defines(settings: Settings) -> None:
    """A migration that somebody forgets is found here."""
    migration.migrate(settings)
    engine = make_engine(settings)
    with engine.connect() as connection:
        assert migration.difference(connection) == []
        assert migration.version(connection) == migration.newest()
    engine.dispose()


def test_unsafe_settings_of_sqlite_are_refused(sqlite_settings: Settings, desk: Desk) -> None:
    """Unless somebody insists."""
    for level in ("NORMAL", "OFF"):
        unsafe = sqlite_settings.model_copy(update={"synchronous": level})
        with pytest.raises(SettingRefused, match="synchronous"), open_house(unsafe, desk):
            pass
    insisted = unsafe.model_copy(update={"unsafe_durability": True})
    with open_house(insisted, desk) as house:
        assert "synchronous" in str(house.get("/healthz").json()["warnings"])


def test_unsafe_settings_of_postgresql_are_refused(
    postgres: Server, tmp_path: Path, desk: Desk
) -> None:
    """A server that does not wait for the disk can lose what it acknowledged."""
    postgres.run("CREATE DATABASE hasty TEMPLATE blank")
    postgres.run("ALTER DATABASE hasty SET synchronous_commit = off")
    hasty = Settings(data_dir=tmp_path, database_url=postgres.url("hasty"))
    with pytest.raises(SettingRefused, match="synchronous_commit"), open_house(hasty, desk):
        pass


@pytest.mark.parametrize(
    ("version", "races"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 1), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_versions_of_sqlite_with_the_reset_race_are_known(
    version: tuple[int, ...], races: bool
) -> None:
    """Fixed in 3.51.3 and carried back to two branches."""
    assert sqlite_has_reset_race(version) == races


def test_sqlite_is_set_up_to_keep_what_it_said(sqlite_house: House) -> None:
    """WAL, full sync, no memory map, deleted pages overwritten."""
    asked = ("journal_mode", "synchronous", "mmap_size", "secure_delete", "foreign_keys")
    found = [
        sqlite_house.stored(lambda c, name=name: c.execute(text(f"PRAGMA {name}")).scalar())
        for name in asked
    ]
    assert found == ["wal", 2, 0, 1, 1]


def test_work_that_fails_spoils_no_other(settings: Settings) -> None:
    """Each piece is its own transaction, also where several are committed together."""
    migration.migrate(settings)
    database = open_database(settings)

    def write(name: str) -> object:
        statement = text("INSERT INTO facts (name, value) VALUES (:name, 'x')")
        return database.submit(lambda c: c.execute(statement, {"name": name}))

    futures = [write(name) for name in ("a", "b", "a", "c")]
    outcomes = [future.exception() is None for future in futures]  # type: ignore[attr-defined]
    names = database.submit(lambda c: c.execute(text("SELECT name FROM facts")).scalars().all())
    assert sorted(outcomes) == [False, True, True, True]
    assert sorted(names.result()) == ["a", "b", "c"]
    database.close()
    with pytest.raises(StoreDown):
        database.submit(lambda c: None)


def test_one_process_serves_a_sqlite_file(sqlite_settings: Settings) -> None:
    """A second one is told who does."""
    with (
        only_service(sqlite_settings),
        pytest.raises(Conflict, match="serves"),
        only_service(sqlite_settings),
    ):
        pass


def test_a_backup_beside_a_running_service_is_restored_elsewhere(
    house: House, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Everything that was acknowledged before is there; nothing is overwritten."""
    for n in range(30):
        house.post("/complaints", {"id": f"c-{n}", "text": TEXT})
    back_up(settings, tmp_path / "backup", wall_clock())
    elsewhere = Settings(data_dir=tmp_path / "elsewhere")
    if not settings.on_sqlite:
        server = request.getfixturevalue("postgres")
        server.run("CREATE DATABASE restored")
        elsewhere = elsewhere.model_copy(update={"database_url": server.url("restored")})
    assert restore(elsewhere, tmp_path / "backup")["complaints"] == 30
    with pytest.raises(Conflict):
        restore(elsewhere, tmp_path / "backup")
    with pytest.raises(Conflict):
        back_up(settings, tmp_path / "backup", wall_clock())


def test_a_damaged_backup_is_refused(sqlite_house: House, tmp_path: Path) -> None:
    """Checked before anything is put in place."""
    back_up(sqlite_house.office.settings, tmp_path / "backup", wall_clock())
    file = tmp_path / "backup" / "suyuan.db"
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError):
        restore(Settings(data_dir=tmp_path / "new"), tmp_path / "backup")
    assert not (tmp_path / "new" / "suyuan.db").exists()


@pytest.mark.parametrize("new", [NewKey("x", "king"), NewKey("x", "viewer", scopes=["models"])])
def test_keys_with_unknown_roles_or_scopes_are_refused(sqlite_house: House, new: NewKey) -> None:
    """The message names those there are."""
    with pytest.raises(InputError):
        sqlite_house.stored(lambda c: create_key(c, new, sqlite_house.clock()))


def test_another_masking_key_is_refused(sqlite_settings: Settings, desk: Desk) -> None:
    """One person would become two."""
    with open_house(sqlite_settings, desk):
        pass
    (sqlite_settings.data_dir / "keys" / "masking.key").unlink()
    with pytest.raises(SettingRefused, match="masking key"), open_house(sqlite_settings, desk):
        pass


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    """0600, the same at each call, refused when broken."""
    first = secret(tmp_path, "masking")
    file = tmp_path / "keys" / "masking.key"
    assert secret(tmp_path, "masking") == first
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("short")
    with pytest.raises(SettingRefused):
        secret(tmp_path, "masking")


def test_what_is_sealed_opens_under_its_own_name_only() -> None:
    """Another key or name opens nothing."""
    vault = Vault(bytes(32))
    sealed = vault.seal(b"plain", "a")
    assert vault.open(sealed, "a") == b"plain"
    for other, name in ((vault, "b"), (Vault(bytes(31) + b"x"), "a")):
        with pytest.raises(SettingRefused):
            other.open(sealed, name)


def test_the_database_file_is_for_its_owner_only(sqlite_house: House) -> None:
    """0600, in a folder that is 0700."""
    folder = sqlite_house.office.settings.data_dir
    assert (folder / "suyuan.db").stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(folder / "suyuan.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_readyz_names_a_worker_that_has_ended_or_is_stuck(
    sqlite_settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that nobody works on are no readiness."""
    with open_house(sqlite_settings.model_copy(update={"embedded_worker": True}), desk) as house:
        assert house.get("/readyz").json()["checks"]["worker"] == "ok"
        monkeypatch.setattr("api.services.worker._STUCK_SECONDS", -1.0)
        stuck = house.get("/readyz")
        assert stuck.status_code == 503
        assert "no sign" in stuck.json()["checks"]["worker"]
        house.office.signs["worker"].__self__.stop()  # type: ignore[attr-defined]
        ended = house.get("/readyz")
        assert ended.status_code == 503
        assert "ended" in ended.json()["checks"]["worker"]


def test_a_full_disk_raises_an_alarm_in_the_log(sqlite_house: House) -> None:
    """Once for a row of refusals, so that the log does not fill what is left."""

    def full(_connection: object) -> None:
        raise StoreFull("the disk under the database is full; nothing was stored")

    async def refused(_work: object) -> None:
        full(None)

    object.__setattr__(sqlite_house.office.intake, "take", lambda *_a: refused(None))
    for _ in range(3):
        assert sqlite_house.post("/complaints", {"text": TEXT}).status_code == 507
    alarms = [line for line in sqlite_house.logged() if line["event"] == "alarm"]
    assert len(alarms) == 1
    assert "disk is full" in alarms[0]["detail"]
