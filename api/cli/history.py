"""``suyuan example``: a history with planted causes to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import JsonFlag, exits, out, print_grid, print_json, progress


@exits
def example(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the tables.")],
    complaints: Annotated[int, typer.Option(help="How many complaints.")] = 20_000,
    weeks: Annotated[int, typer.Option(help="How many weeks; 130 show a last year.")] = 26,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    causes: Annotated[
        str, typer.Option(help="all, none, or names from planted.json joined by commas.")
    ] = "all",
    json: JsonFlag = False,
) -> None:
    """Write the history of an invented retailer, with planted causes and their truth."""
    from api.services.example.history import write_history

    chosen = causes if causes in {"all", "none"} else [name.strip() for name in causes.split(",")]
    with progress("Writing complaints") as tick:
        summary = write_history(folder, complaints, weeks, seed, chosen, progress=tick)
    if json:
        print_json(
            {
                "out": str(folder),
                "complaints": summary.complaints,
                "weeks": summary.weeks,
                "start": summary.start.isoformat(),
                "planted": list(summary.planted),
                "decoys": list(summary.decoys),
                "left_out": summary.left_out,
            }
        )
        return
    rows = [(name, "planted", "") for name in summary.planted]
    rows += [(name, "decoy", "") for name in summary.decoys]
    rows += [(name, "left out", why) for name, why in summary.left_out.items()]
    print_grid(f"{summary.complaints:,} complaints in {folder}", ("name", "kind", "why"), rows)
    out.print(f"The truth is in {folder / 'planted.json'}.")
