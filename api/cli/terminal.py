"""What the commands share: tables for people, JSON for programs, progress, errors, exit codes."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TextIO, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from domain.errors import SettingRefused, SuyuanError

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Tick = Callable[[int, int], None]

PIPE_COLUMNS = 120


def _width(stream: TextIO | None) -> int | None:
    """As wide as the terminal; a pipe gets room for a table."""
    return None if stream is not None and stream.isatty() else PIPE_COLUMNS


out = Console(width=_width(sys.stdout))
err = Console(width=_width(sys.stderr), stderr=True)
SHOWN_ERRORS = 10

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs instead of tables.")
]
TableArgument = Annotated[Path, typer.Argument(help="CSV, XLSX, JSON Lines or Parquet; also .gz.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="COLUMN=HEADER, once for each header that is not recognised."),
]


def exits(command: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Turn an error into its sentence and exit code: 2 for wrong use, else 1."""

    @functools.wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return command(*args, **kwargs)
        except SettingRefused as error:
            err.print(f"[bold red]Wrong use:[/] {plain(str(error))}")
            raise typer.Exit(2) from None
        except ValidationError as error:
            err.print(f"[bold red]Wrong use:[/] {plain(_first_fault(error))}")
            raise typer.Exit(2) from None
        except SuyuanError as error:
            err.print(f"[bold red]Failed:[/] {plain(str(error))}")
            raise typer.Exit(1) from None
        except BrokenPipeError:
            _close_quietly()
            raise typer.Exit(0) from None
        except OSError as error:
            where = f" {error.filename}" if error.filename else ""
            err.print(f"[bold red]Failed:[/]{plain(where)}: {error.strerror or error}")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            err.print("Stopped; nothing half-written was kept.")
            raise typer.Exit(1) from None

    return run


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def _close_quietly() -> None:
    """The reader has gone: leave nothing for the interpreter to flush at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain(text: str) -> str:
    """Text that rich prints as it stands."""
    return text.replace("[", r"\[")


def print_json(answer: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def print_grid(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people; columns of figures stand right."""
    grid = Grid(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, header in enumerate(headers):
        figures = all(_is_figure(row[index]) for row in rows)
        grid.add_column(header, justify="right" if figures and rows else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(plain(cell) for cell in row))
    out.print(grid)


def _is_figure(cell: str) -> bool:
    return bool(cell) and cell.strip("+-–%×≤≥<> ").replace(",", "").replace(".", "").isdigit()


def print_row_errors(errors: Sequence[object], rows_in: int) -> None:
    """The first rows that were left out, on standard error, and how many there are."""
    if not errors:
        return
    err.print(f"[yellow]{len(errors):,} of {rows_in:,} rows were left out:[/]")
    for error in errors[:SHOWN_ERRORS]:
        err.print(f"  {plain(str(error))}")
    if len(errors) > SHOWN_ERRORS:
        err.print(f"  … and {len(errors) - SHOWN_ERRORS:,} more")


@contextmanager
def progress(what: str) -> Iterator[Tick]:
    """A progress bar on standard error; the yielded function takes done and total."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def column_map(pairs: Sequence[str] | None) -> dict[str, str]:
    """``["text=留言详情"]`` as a mapping; `SettingRefused` where an equals sign is missing."""
    mapping: dict[str, str] = {}
    for pair in pairs or ():
        name, sign, header = pair.partition("=")
        if not (sign and name.strip() and header.strip()):
            raise SettingRefused(f"--map {pair!r} is no COLUMN=HEADER, such as text=留言详情")
        if name.strip() in mapping:
            raise SettingRefused(f"--map names {name.strip()!r} twice; name it once")
        mapping[name.strip()] = header.strip()
    return mapping


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the whole new one."""
    if path.is_dir():
        raise SettingRefused(f"{str(path)!r} is a folder; name a file in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def percent(share: float | None) -> str:
    """A share as people read it; – for none."""
    return "–" if share is None else f"{100 * share:.1f} %"
