"""``suyuan demo``: the whole road in one command, on complaints of an invented retailer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.cli.causes import print_findings
from api.cli.decisions import decided, open_desk, print_decisions
from api.cli.report import write_report
from api.cli.terminal import exits, out, progress

_SHOWN_CAUSES = 12


@exits
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder for all that is written.")] = Path(
        "out/demo"
    ),
    complaints: Annotated[int, typer.Option(help="Length of the example history.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Another seed, another history.")] = 7,
) -> None:
    """Classify example complaints, mine an example history, write its root-cause report."""
    from api.services.example.history import write_history
    from api.services.report import FORMATS, ReportOptions

    with progress("1/3 Writing the example history") as tick:
        write_history(folder, complaints=complaints, seed=seed, progress=tick)
    _classify_examples(folder / "examples.csv")
    with progress("3/3 Mining and writing the report") as tick:
        content = write_report(
            folder / "complaints.csv", folder, ReportOptions(), FORMATS, tick, predict=False
        )
    findings = [each for each in content["findings"] if not each["confounded_by"]]
    print_findings(findings[:_SHOWN_CAUSES])
    out.print(f"\nOpen [bold]{folder / 'report.html'}[/] in a browser: the root-cause report.")
    out.print("Serve with [bold]make serve[/] (or suyuan serve), then open http://127.0.0.1:8000/")


def _classify_examples(file: Path) -> None:
    """Decide the hand-written examples by their texts alone: their labels stay unread."""
    from api.services.tables import read_table

    table = read_table(file)
    texts = replace(table, frame=table.frame[["id", "text"]])
    with progress("2/3 Classifying examples (prepares itself once, for some seconds)") as tick:
        rows = list(decided(texts, open_desk("complaints"), tick))
    print_decisions(rows, "Example complaints, decided")
    labels = table.frame["category"].to_dict()
    sure = [row for row in rows if row.decision and not row.decision.abstained]
    right = sum(row.decision.category.name == labels[row.number] for row in sure if row.decision)
    out.print(
        f"Held against the labels beside them, the category is right in {right} of the "
        f"{len(sure)} that no person has to look at.\n"
    )
