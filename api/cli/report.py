"""``suyuan report``: the root-cause report of a table, or of what the installation stores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.causes import ExposureOption, IssueNamesOption, ItemsOption, item_columns
from api.cli.terminal import (
    JsonFlag,
    MapOption,
    Tick,
    column_map,
    err,
    exits,
    plain,
    print_json,
    print_row_errors,
    progress,
)
from domain.errors import SettingRefused

if TYPE_CHECKING:
    from api.services.report import Report, ReportOptions
    from api.services.tables import Table


@exits
def report(
    folder: Annotated[Path, typer.Option("--out", help="Folder for report.html and the others.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="CSV, XLSX, JSON Lines or Parquet; also .gz. Without it what is stored."
        ),
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day, 2026-01-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day, inclusive.")] = None,
    period: Annotated[
        str | None, typer.Option(help="The newest whole week, month, quarter or year.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=VALUE: one product line or unit, once for each column."),
    ] = None,
    items: ItemsOption = None,
    title: Annotated[str | None, typer.Option(help="Title on the first page.")] = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    exposure: ExposureOption = None,
    issue_names: IssueNamesOption = None,
    judgements: Annotated[
        Path | None,
        typer.Option(
            help="Table of what was said of findings: antecedents (batch=B07), issue, verdict "
            "(known or not a cause), reason, by, until."
        ),
    ] = None,
    personal: Annotated[
        str, typer.Option(help="Columns that name persons, by commas; the report numbers them.")
    ] = "handler",
    public: Annotated[
        bool, typer.Option("--public", help="Write the version for the public (白皮书) too.")
    ] = False,
    formats: Annotated[
        str | None, typer.Option(help="Formats joined by commas; default all.")
    ] = None,
    predict: Annotated[
        bool, typer.Option(help="Predict the labels that rows lack with the shipped model.")
    ] = True,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Write the root-cause report of a period."""
    from api.services.codes import read_issue_names
    from api.services.exposure import read_exposure
    from api.services.judgements import read_judgements
    from api.services.report import FORMATS, ReportOptions

    columns = item_columns(items, ()) if items else None
    options = ReportOptions(
        start=_day(start, "--from"),
        end=_day(end, "--to"),
        period=period,
        items=tuple(columns) if columns else None,
        only=dict(_pair(each) for each in only or ()),
        language=lang,
        title=title,
        exposure=read_exposure(exposure, columns) if exposure else None,
        issue_names=read_issue_names(issue_names) if issue_names else {},
        judgements=read_judgements(judgements) if judgements else (),
        personal=tuple(name.strip() for name in personal.split(",") if name.strip()),
    )
    wanted = formats.split(",") if formats else FORMATS
    with progress("Report") as tick:
        built = (
            _of_file(file, options, column_map(mapping), predict, tick)
            if file
            else (_of_stored(options, tick))
        )
    _written(built, folder, wanted)
    if public:
        _written(built.public(), folder / "public", [kind for kind in wanted if kind != "json"])
    if json:
        print_json(built.content)


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise SettingRefused(f"--only {written!r} is no COLUMN=VALUE; write product=手机")
    return name.strip(), value.strip()


def _day(raw: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        raise SettingRefused(f"{option} {raw!r} is no day; write 2026-01-31") from None


def write_report(
    file: Path,
    folder: Path,
    options: ReportOptions,
    formats: Sequence[str],
    tick: Tick,
    *,
    predict: bool = True,
) -> dict[str, Any]:
    """Build a table's report, write it, say where it is; the content of report.json comes back."""
    built = _of_file(file, options, {}, predict, tick)
    _written(built, folder, formats)
    return built.content


def _of_file(
    file: Path, options: ReportOptions, mapping: dict[str, str], predict: bool, tick: Tick
) -> Report:
    from api.cli.decisions import labeller
    from api.services.report import build_report
    from api.services.tables import read_table

    table = read_table(file, mapping=mapping)
    lacking = predict and "text" in table.frame and "issues" not in table.frame
    desk = labeller() if lacking else None
    built = build_report(table, options, desk=desk, progress=lambda _, at, of: tick(at, of))
    print_row_errors(table.errors, table.rows_in)
    return built


def _of_stored(options: ReportOptions, tick: Tick) -> Report:
    """The report of the installation's own complaints; the database is only read."""
    from dataclasses import replace

    from api.services.analysis import read_stored
    from api.services.clock import wall_clock
    from api.services.periods import last_whole
    from api.services.report import build_report
    from api.settings import Settings
    from domain.calendar import china_day

    today = china_day(wall_clock())
    if options.period:
        whole = last_whole(options.period, today)
        options = replace(options, period=None, start=whole.start, end=whole.end)
    days = {"start": options.start, "end": options.end}
    asked = {name: day.isoformat() for name, day in days.items() if day}
    told = {"asked": asked, "department": None, "today": today.isoformat()}
    stored = read_stored(Settings(), told)
    said = (*options.judgements, *stored.judgements)
    options = replace(options, judgements=said, problems=stored.problems)
    table: Table = stored.table
    return build_report(table, options, progress=lambda _, at, of: tick(at, of))


def _written(built: Report, folder: Path, formats: Sequence[str]) -> None:
    written = built.write(folder, formats)
    for path in written.files:
        err.print(f"Wrote {path}")
    for name, why in written.left_out.items():
        err.print(f"[yellow]Left out {name}:[/] {plain(why)}")
