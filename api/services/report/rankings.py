"""Which issues are frequent, which cost most, which are dangerous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.services.report.cases import Cases
from api.services.report.counts import Compared, group_counts, ratio, shares
from api.services.report.options import ReportOptions

_DANGER = (("major", "tier", "重大"), ("angry", "sentiment", "愤怒"))


def rankings(
    cases: Cases, options: ReportOptions, earlier: Sequence[Compared]
) -> dict[str, list[dict[str, Any]]]:
    """The three rankings, worst first."""
    frequent = _frequent(cases, options, earlier)
    return {
        "frequent": frequent,
        "costly": _costly(cases, options),
        "dangerous": _dangerous(cases, options),
    }


def issue_of(code: str, options: ReportOptions) -> dict[str, str]:
    """An issue as the report names it: its code, its name, its category where one is known."""
    if code in options.taxonomy and code not in options.issue_names:
        taxonomy = options.taxonomy
        return {"code": code, "name": taxonomy.name(code), "category": taxonomy.category(code)}
    return {"code": code, "name": options.issue_names.get(code, code), "category": ""}


def _frequent(
    cases: Cases, options: ReportOptions, earlier: Sequence[Compared]
) -> list[dict[str, Any]]:
    """Issues by the share of complaints that raise them, with the running share of all issues."""
    found = group_counts(cases.issue_codes, len(cases.codes))
    order = [code for code in np.argsort(-found, kind="stable") if found[code]]
    rows = shares([cases.codes[code] for code in order], [int(found[c]) for c in order], len(cases))
    running = np.cumsum(found[order]) / max(int(found.sum()), 1)
    for row, code, reached in zip(rows, order, running, strict=True):
        row.update(issue_of(row.pop("value"), options))
        row["running_share"] = float(reached)
        row["over_threshold"] = row["share"] >= options.frequent_share
        for other in earlier:
            row[other.name] = _issue_change(int(found[code]), len(cases), other, code)
    return rows


def _issue_change(count: int, total: int, other: Compared, code: int) -> dict[str, Any] | None:
    before = int((other.cases.issue_codes == code).sum())
    if not len(other.cases) or not total:
        return None
    return {"count": before, **ratio(count, total, before, len(other.cases))}


def _costly(cases: Cases, options: ReportOptions) -> list[dict[str, Any]]:
    """What complaints cost by their main issue, so that no yuan counts twice."""
    main = cases.main_issue
    spent = {name: cases.frame[name].fillna(0.0).to_numpy() for name in ("compensation", "cost")}
    total = spent["compensation"] + spent["cost"]
    if not total.any():
        return []
    sums = {name: _sum_by(main, amount, len(cases.codes)) for name, amount in spent.items()}
    all_sums = sums["compensation"] + sums["cost"]
    complaints = group_counts(main, len(cases.codes))
    return [
        {
            **issue_of(cases.codes[code], options),
            "amount": float(all_sums[code]),
            "share": float(all_sums[code] / total.sum()),
            "compensation": float(sums["compensation"][code]),
            "cost": float(sums["cost"][code]),
            "complaints": int(complaints[code]),
            "per_complaint": round(float(all_sums[code] / complaints[code]), 2),
        }
        for code in np.argsort(-all_sums, kind="stable")
        if all_sums[code] > 0
    ]


def _sum_by(
    codes: NDArray[np.int64], amounts: NDArray[np.float64], n_groups: int
) -> NDArray[np.float64]:
    held = codes >= 0
    sums = np.bincount(codes[held], weights=amounts[held], minlength=n_groups)
    return sums.astype(np.float64)


def _dangerous(cases: Cases, options: ReportOptions) -> list[dict[str, Any]]:
    """Issues by the complaints that are 重大, angry or escalated."""
    marks = danger_marks(cases)
    any_mark = np.logical_or.reduce(list(marks.values()))
    if not any_mark.any():
        return []
    rows, codes, n = cases.issue_rows, cases.issue_codes, len(cases.codes)
    by = {name: group_counts(codes[mark[rows]], n) for name, mark in marks.items()}
    dangerous, found = group_counts(codes[any_mark[rows]], n), group_counts(codes, n)
    severe = group_counts(codes[(marks["major"] | marks["escalated"])[rows]], n)
    order = [c for c in np.lexsort((-dangerous, -severe)) if dangerous[c]]
    ranked = []
    for code in order:
        share = shares([cases.codes[code]], [int(dangerous[code])], int(found[code]))[0]
        share.update(issue_of(share.pop("value"), options))
        ranked.append({**share, **{name: int(part[code]) for name, part in by.items()}})
    return ranked


def danger_marks(cases: Cases) -> dict[str, NDArray[np.bool_]]:
    """Which cases are 重大, which angry, which were escalated."""
    marks = {name: (cases.frame[column] == value).to_numpy(bool) for name, column, value in _DANGER}
    marks["escalated"] = (cases.frame["escalated_to"] != "").to_numpy(bool)
    return marks
