"""``suyuan mine``: many complaints in, root causes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import (
    JsonFlag,
    MapOption,
    TableArgument,
    column_map,
    err,
    exits,
    out,
    percent,
    plain,
    print_grid,
    print_json,
    print_row_errors,
    progress,
)
from domain.errors import SettingRefused, SuyuanError

if TYPE_CHECKING:
    from mining.causes import Demands

SHOWN_EXPLAINED = 8
ItemsOption = Annotated[
    str | None,
    typer.Option("--items", help="Columns whose values may be causes, joined by commas."),
]
ExposureOption = Annotated[
    Path | None,
    typer.Option(help="Table of units sold or customers served, the denominators."),
]


IssueNamesOption = Annotated[
    Path | None,
    typer.Option(help="Table of code and name, for issue codes that are not Suyuan's own."),
]


@exits
def mine(
    file: TableArgument,
    items: ItemsOption = None,
    issues: Annotated[str, typer.Option(help="Column of what goes wrong.")] = "issues",
    min_support: Annotated[
        float | None, typer.Option(help="Least share of all complaints; default 5 complainants.")
    ] = None,
    min_confidence: Annotated[float, typer.Option(help="Least share of the antecedent.")] = 0.0,
    min_lift: Annotated[float, typer.Option(help="Least lower bound of the lift.")] = 1.2,
    max_q: Annotated[float, typer.Option(help="False discovery rate.")] = 0.05,
    max_antecedents: Annotated[int, typer.Option(help="Most values on the left.")] = 2,
    permutations: Annotated[int, typer.Option(help="Shuffled tables to check against.", min=0)] = 0,
    exposure: ExposureOption = None,
    issue_names: IssueNamesOption = None,
    engine: Annotated[
        str, typer.Option(help="suyuan, or mlxtend as the reference to check against.")
    ] = "suyuan",
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Find what occurs together far more than chance, and why it is no accident."""
    from api.services.exposure import read_exposure
    from api.services.tables import read_table
    from mining.causes import Demands, find_causes

    table = read_table(file, mapping=_map(mapping, issues)).require("issues")
    columns = item_columns(items, table.frame.columns)
    demands = Demands(min_support, min_confidence, min_lift, max_q, max_antecedents)
    if engine == "mlxtend":
        _check_against_mlxtend(table.frame, columns, demands)
    elif engine != "suyuan":
        raise SettingRefused(f"--engine {engine!r} is neither suyuan nor mlxtend")
    with progress("Mining") as tick:
        found = find_causes(
            table.require(*columns).frame,
            columns,
            demands=demands,
            exposure=read_exposure(exposure, columns) if exposure else None,
            permutations=permutations,
            progress=lambda _, done, total: tick(done, total),
        )
    print_row_errors(table.errors, table.rows_in)
    names = issue_names_of(issue_names, table.frame)
    if json:
        print_json(named(found.to_dict(), names))
        return
    print_findings(named([finding.to_dict() for finding in found.findings], names))
    for message in found.messages:
        err.print(plain(message))
    if found.reason:
        out.print(plain(found.reason))
        nearest = named([finding.to_dict() for finding in found.nearest], names)
        print_findings(nearest, "Nearest misses")


def issue_names_of(file: Path | None, frame: Any) -> dict[str, str]:
    """What foreign codes mean: from a table of codes, else from a column beside the codes."""
    from api.services.codes import names_beside, read_issue_names
    from domain.taxonomy import shipped_taxonomy

    beside = names_beside(frame, shipped_taxonomy())
    return {**beside, **(read_issue_names(file) if file else {})}


def named(told: Any, names: Mapping[str, str]) -> Any:
    """The same with a name beside every issue code that has one."""
    if isinstance(told, list):
        return [named(each, names) for each in told]
    if not isinstance(told, dict):
        return told
    kept = {key: named(value, names) for key, value in told.items()}
    if kept.get("attribute") == "issues" and kept.get("value") in names:
        kept["name"] = names[kept["value"]]
    return kept


def _map(pairs: Sequence[str] | None, issues: str) -> dict[str, str]:
    mapping = column_map(pairs)
    if issues != "issues":
        mapping.setdefault("issues", issues)
    return mapping


def item_columns(items: str | None, headers: Iterable[str]) -> list[str]:
    from api.services.report.options import ITEMS

    if items:
        return [name.strip() for name in items.split(",") if name.strip()]
    usual = [name for name in ITEMS if name in set(headers)]
    if not usual:
        raise SettingRefused(
            f"the table has none of the usual item columns ({', '.join(ITEMS)}); name them with "
            f"--items; it has {', '.join(list(headers)[:15])}"
        )
    return usual


def print_findings(findings: Sequence[dict[str, Any]], title: str = "Root causes") -> None:
    """Findings as a table; what another one explains stands below, with its explanation."""
    shown = [finding for finding in findings if not finding["confounded_by"]]
    shown.sort(key=lambda finding: finding["kind"] != "cause")
    explained = [finding for finding in findings if finding["confounded_by"]]
    rows = [
        (
            str(place),
            side(finding["antecedents"]),
            side(finding["consequents"]),
            f"{finding['count']:,}",
            percent(finding["confidence"]),
            f"{finding['lift']:.1f}×",
            _small(finding["q_value"]),
            _explained(finding),
        )
        for place, finding in enumerate([*shown, *explained[:SHOWN_EXPLAINED]], start=1)
    ]
    headers = ("#", "if", "then", "complaints", "confidence", "lift", "q", "note")
    if rows:
        print_grid(title, headers, rows)
        if len(explained) > SHOWN_EXPLAINED:
            out.print(
                f"… and {len(explained) - SHOWN_EXPLAINED:,} more that others explain (--json)."
            )
        out.print("Co-occurrence, not proof of cause · 共现，不等于因果", style="dim")


def side(items: Sequence[dict[str, str]]) -> str:
    """One side of a rule, issue codes with their names."""
    return " + ".join(_named(item) for item in items)


def _named(item: dict[str, str]) -> str:
    from domain.taxonomy import shipped_taxonomy

    attribute, value = item["attribute"], item["value"]
    if attribute == "issues":
        name = item.get("name") or shipped_taxonomy().codes.get(value)
        return f"{value} {getattr(name, 'name', name) or ''}".strip()
    return f"{attribute} {value}" if value else f"{attribute}s of the period"


def _explained(finding: dict[str, Any]) -> str:
    confounder = finding.get("confounded_by")
    if confounder:
        return f"explained by {side(confounder)}"
    return {"unknown": "", None: ""}.get(finding.get("status"), str(finding.get("status")))


def _small(number: float | None) -> str:
    if number is None:
        return "–"
    return "< 1e-9" if number < 1e-9 else f"{number:.2g}"


def _check_against_mlxtend(frame: Any, columns: Sequence[str], demands: Demands) -> None:
    """Count the same itemsets with mlxtend and refuse to go on where the counts differ."""
    from mining.baskets import baskets_from_table
    from mining.reference import compare_with_mlxtend

    baskets = baskets_from_table(frame, [*columns, "issues"])
    longest = demands.max_antecedents + 1
    compared = compare_with_mlxtend(baskets.matrix, demands.min_count(len(baskets)), longest)
    if compared.differing:
        raise SuyuanError(
            f"mlxtend counts {len(compared.differing):,} of {compared.itemsets:,} itemsets "
            "differently; please report this with your table's shape"
        )
    err.print(f"mlxtend counts the same {compared.itemsets:,} itemsets.")
