"""Judgements of findings: given with a reason, kept, heeded by every later report."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from api.services.access import Caller
from api.services.office import Office
from api.services.queries import day_of
from api.store import judgements
from api.store.complaints import audit_row
from domain.errors import NotFound, RowRefused, SettingRefused

if TYPE_CHECKING:
    from api.services.report import Judgement


async def give(office: Office, caller: Caller, said: Mapping[str, Any]) -> dict[str, Any]:
    """Store what somebody says of a finding."""
    until = day_of(said["until"], "until")
    values = {
        "id": f"jdg_{secrets.token_hex(16)}",
        "department": caller.department_of(said["department"]),
        "antecedents": [
            {name: office.masker.text(item[name]) for name in ("attribute", "value")}
            for item in said["antecedents"]
        ],
        "issue": office.masker.short(said["issue"]),
        "verdict": said["verdict"],
        "reason": reason_of(office, said["reason"]),
        "until": until and until.isoformat(),
        "by": caller.id,
        "at": office.clock(),
    }
    await office.write(partial(_give, values=values))
    return _out(values)


def reason_of(office: Office, said: str) -> str:
    """A reason as it may be stored."""
    if not said.strip():
        raise RowRefused("say why, in a few words", "reason")
    return office.masker.short(said, 500)


def _give(connection: Connection, values: Mapping[str, Any]) -> None:
    judgements.add(connection, values)
    told = {"verdict": values["verdict"]}
    audit_row(connection, values["at"], values["by"], "finding.judge", values["id"], told)


async def listed(office: Office, caller: Caller) -> dict[str, Any]:
    """Every judgement that stands."""
    rows = await office.read(partial(judgements.listed, departments=caller.departments))
    return {"items": [_out(dict(row._mapping)) for row in rows]}


async def withdraw(office: Office, caller: Caller, identifier: str) -> None:
    """Take a judgement back; later reports no longer heed it."""
    work = partial(_withdraw, office=office, caller=caller, identifier=identifier)
    if not await office.write(work):
        raise NotFound("no judgement of this id stands")


def _withdraw(connection: Connection, office: Office, caller: Caller, identifier: str) -> bool:
    at = office.clock()
    taken = judgements.withdraw(connection, identifier, caller.departments, at, caller.id)
    if taken:
        audit_row(connection, at, caller.id, "finding.judge.withdraw", identifier, {})
    return taken


def standing(connection: Connection, department: str | None) -> tuple[Judgement, ...]:
    """What stands for a report, as the report takes it."""
    return tuple(_judgement(row) for row in judgements.standing(connection, department))


def _judgement(row: Row[Any]) -> Judgement:
    from api.services.report import Judgement

    return Judgement(
        antecedents=frozenset((item["attribute"], item["value"]) for item in row.antecedents),
        issue=row.issue,
        verdict=row.verdict,
        reason=row.reason,
        by=row.by,
        until=date.fromisoformat(row.until) if row.until else None,
    )


_VERDICTS = {"已知": "known", "不是原因": "not a cause", "非原因": "not a cause"}
_COLUMNS = ("antecedents", "issue", "verdict", "reason", "by")


def read_judgements(path: Path) -> tuple[Judgement, ...]:
    """Judgements from a table, one a row; antecedents are written ``batch=B07|product=手机``."""
    from api.services.tables import read_table

    frame = read_table(path).require(*_COLUMNS).frame
    return tuple(_read(dict(row), int(str(number)), path) for number, row in frame.iterrows())


def _read(row: Mapping[Any, str], number: int, path: Path) -> Judgement:
    from api.services.report import Judgement

    pairs = [part.partition("=") for part in row["antecedents"].split("|")]
    until = str(row.get("until", "")).strip()
    try:
        if not all(equals and name.strip() and value.strip() for name, equals, value in pairs):
            raise SettingRefused("antecedents are written batch=B07|product=手机")
        verdict = row["verdict"].strip()
        return Judgement(
            antecedents=frozenset((name.strip(), value.strip()) for name, _, value in pairs),
            issue=row["issue"].strip(),
            verdict=_VERDICTS.get(verdict, verdict),
            reason=row["reason"],
            by=row["by"],
            until=date.fromisoformat(until) if until else None,
        )
    except (SettingRefused, ValueError) as error:
        raise SettingRefused(f"{path.name}, row {number:,}: {error}") from None


_SHOWN = ("id", "department", "antecedents", "issue", "verdict", "reason", "until", "by", "at")


def _out(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _SHOWN}
