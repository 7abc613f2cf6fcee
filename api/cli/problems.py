"""``suyuan problems``: measures of a table judged, and the problems of the installation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.service import open_office
from api.cli.terminal import (
    JsonFlag,
    MapOption,
    column_map,
    exits,
    out,
    plain,
    print_grid,
    print_json,
    print_row_errors,
    progress,
    write_whole,
)
from domain.errors import SettingRefused, SuyuanError

_MOST = 1_000


@exits
def problems(
    file: Annotated[
        Path | None,
        typer.Argument(help="Table of complaints; without it, the problems of the installation."),
    ] = None,
    measures: Annotated[
        Path | None,
        typer.Option(help="Table of measures: id, issue, done_on and where they apply."),
    ] = None,
    exposure: Annotated[
        Path | None, typer.Option(help="Table of units by week: week_start, units and places.")
    ] = None,
    charts: Annotated[
        Path | None, typer.Option(help="Folder for a chart of each measure (SVG).")
    ] = None,
    show: Annotated[str | None, typer.Option(help="Show the problem of this id.")] = None,
    measure: Annotated[
        str | None, typer.Option(help="Measure the effects of the problem of this id now.")
    ] = None,
    close: Annotated[
        str | None, typer.Option(help="Close the problem of this id; it needs a verdict.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is closed.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="List measures that are due soon or overdue.")
    ] = False,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Judge whether measures worked; list, show, measure and close stored problems."""
    if file is not None:
        if measures is None:
            raise SettingRefused("name the table of measures with --measures")
        _judge(file, measures, exposure, charts, column_map(mapping), json)
        return
    if measures or exposure or charts or mapping:
        raise SettingRefused(
            "--measures, --exposure, --charts and --map need a table of complaints"
        )
    if sum(bool(each) for each in (show, measure, close, due)) > 1:
        raise SettingRefused("give one of --show, --measure, --close, --due")
    if (close is None) != (reason is None):
        raise SettingRefused("--close ID and --reason go together")
    answer = _stored(show, measure, close, reason, due)
    print_json(_plain(answer)) if json else _print(answer)


def _judge(
    file: Path,
    measures: Path,
    exposure: Path | None,
    charts: Path | None,
    mapping: dict[str, str],
    json: bool,
) -> None:
    from api.services.improvement.tables import judge_table, read_measures, read_units
    from api.services.tables import read_table

    table = read_table(file, mapping=mapping)
    units = read_units(exposure) if exposure else ()
    carried = read_measures(measures)
    with progress("Measuring") as tick:
        judged = judge_table(table, carried.measures, units, tick)
    print_row_errors(table.errors, table.rows_in)
    print_row_errors(carried.errors, carried.rows_in)
    if charts is not None:
        _draw(charts, judged)
    if json:
        print_json({"measures": judged})
        return
    rows = [(each["id"], _where(each), each["done_on"], *_verdict(each)) for each in judged]
    headers = ("measure", "where", "done", "verdict", "ratio", "95 %", "why")
    print_grid("Measured effects", headers, rows)


def _draw(folder: Path, judged: Sequence[Mapping[str, Any]]) -> None:
    from api.services.improvement.drawing import effect_chart

    for place, each in enumerate(judged):
        safe = "".join(c for c in each["id"] if c.isalnum() or c in "-_")[:60] or str(place + 1)
        chart = effect_chart(each, f"{each['id']} {_where(each)}")
        write_whole(folder / f"{safe}.svg", str(chart).encode())


def _where(each: Mapping[str, Any]) -> str:
    return " ".join([*(place["value"] for place in each["places"]), each["issue"]])


def _verdict(effect: Mapping[str, Any]) -> tuple[str, str, str, str]:
    ratio, interval = effect["rate_ratio"], effect["interval"]
    low, high = interval or (None, None)
    span = "–" if low is None or high is None else f"{low:.2f}–{high:.2f}"
    return effect["verdict"], "–" if ratio is None else f"{ratio:.2f}", span, effect["sentence"]


def _stored(
    show: str | None, measure: str | None, close: str | None, reason: str | None, due: bool
) -> dict[str, Any]:
    from api.services.access import LOCAL
    from api.services.improvement import endings, proof, register
    from api.services.improvement.hands import Hand
    from api.services.improvement.measures import due as due_measures

    with open_office() as office:
        if due:
            return asyncio.run(due_measures(office, LOCAL))
        if measure is not None:
            find = office.database.submit(lambda c: Hand.of(c, office, LOCAL).problem(measure))
            with progress("Measuring") as tick:
                if proof.measure_problem(office, find.result(), proof.Histories(office, tick)) == 0:
                    raise SuyuanError("no measure of this problem is carried out yet")
        if close is not None:
            version = asyncio.run(register.shown(office, LOCAL, close))["version"]
            ending = {"ending": "closed", "reason": reason, "version": version}
            return asyncio.run(endings.end(office, LOCAL, close, ending))
        if (named := show or measure) is not None:
            return asyncio.run(register.shown(office, LOCAL, named))
        wanted = {"state": None, "issue": None, "owner": None}
        return asyncio.run(register.page(office, LOCAL, wanted, None, _MOST))


def _print(answer: Mapping[str, Any]) -> None:
    if "items" in answer:
        _print_problems(answer["items"])
    elif "overdue" in answer:
        _print_due(answer)
    else:
        _print_one(answer)


def _print_problems(items: Sequence[Mapping[str, Any]]) -> None:
    if not items:
        out.print("There are no problems; POST /problems makes one of a finding of a report.")
        return
    rows = [
        (each["id"], each["title"], each["state"], each["owner"] or "–", f"{each['complaints']:,}")
        for each in items
    ]
    print_grid("Problems", ("id", "title", "state", "owner", "complaints"), rows)


def _print_due(answer: Mapping[str, Any]) -> None:
    rows = [
        (each["due_on"], each["title"], each["problem_title"], each["owner"] or "–", when)
        for when, each in (
            *(("overdue", each) for each in answer["overdue"]),
            *(("due", each) for each in answer["due"]),
        )
    ]
    print_grid("Measures", ("day", "measure", "problem", "owner", ""), rows)


def _print_one(problem: Mapping[str, Any]) -> None:
    out.print(f"[bold]{plain(problem['title'])}[/] · {problem['id']}")
    out.print(
        f"{problem['state']}, {problem['complaints']:,} complaints, "
        f"owner {plain(problem['owner'] or '–')}, since {problem['since'] or '–'}"
    )
    rows = [
        (each["title"], each["state"], each["done_on"] or each["due_on"] or "–",
         *(_verdict(each["effect"]) if each["effect"] else ("–",) * 4))
        for each in problem["measures"]
    ]  # fmt: skip
    if rows:
        headers = ("measure", "state", "day", "verdict", "ratio", "95 %", "why")
        print_grid("Measures", headers, rows)


def _plain(value: Any) -> Any:
    """Times as text, so that the answer is JSON."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value
