"""The card of a model: what it is for, what it was made of, how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def write_card(name: str, version: str, facts: Mapping[str, Any]) -> str:
    """Markdown card of a trained model.

    Parameters
    ----------
    name, version : str
    facts : mapping
        As `triage.train.Trained` holds them.

    Returns
    -------
    str
        Holds names of tables, counts and figures; no text of any row.
    """
    return "\n".join(_lines(name, version, facts)) + "\n"


def _lines(name: str, version: str, facts: Mapping[str, Any]) -> Iterator[str]:
    data, figures = facts["data"], facts["figures"]
    yield f"# {name} {version}"
    yield ""
    yield f"Decides {', '.join(facts['targets'])} of Chinese complaints."
    yield ""
    yield "## Made of"
    yield ""
    yield f"- Table: {data['source']}, {data['rows']:,} rows, SHA-256 `{data['sha256'][:16]}…`."
    yield f"- Rows drawn at random: {data['drawn_at_random']:,}; the shares of labels are theirs."
    for more in facts["more"]:
        yield (
            f"- Further texts, at less weight, with no part in any share or figure below: "
            f"{more['source']}, {more['rows']:,} rows."
        )
    for helper in facts["helpers"]:
        yield f"- To tell moods and trades apart: {helper['source']}, {helper['rows']:,} rows."
    if facts["grounds"]:
        yield (
            f"- Passages that raise a tier were pointed at in {facts['grounds']:,} texts, or found "
            "to be missing."
        )
    yield f"- Taxonomy version: `{facts['taxonomy_version']}`."
    yield "- The files hold hashed n-grams and numbers; no text and no word of a text."
    yield ""
    yield "## Measured"
    yield ""
    yield "By cross-validation on the rows drawn at random; near duplicates share a fold."
    yield ""
    for target, found in figures["cross_validation"].items():
        yield from _target_lines(target, found, data["rows_by_label"][target])
    yield from _abstention_lines(figures.get("abstention"))
    yield "## Limits"
    yield ""
    yield "- Labels are those of the table: its mistakes and habits are the model's."
    yield "- Complaints of other trades, years or languages may be read worse than stated here."
    yield "- Classes with few rows have figures with wide margins; the counts stand beside them."
    yield "- A decision helps a person to act in time; it is no finding of fact."
    yield ""
    yield "## Recipe"
    yield ""
    yield from (f"- {key}: {value}" for key, value in facts["recipe"].items())


def _target_lines(target: str, found: Mapping[str, Any], rows: Mapping[str, int]) -> Iterator[str]:
    yield f"### {target}"
    yield ""
    if target == "issues":
        yield (
            f"micro-F1 {found['micro_f1']:.3f}, macro-F1 {found['macro_f1']:.3f}, "
            f"jaccard {found['jaccard']:.3f}, n = {found['n']:,}, {len(rows)} codes."
        )
        yield ""
        return
    yield (
        f"macro-F1 {found['macro_f1']:.3f}, accuracy {found['accuracy']:.3f}, "
        f"calibration error {found['ece']:.3f}, n = {found['n']:,}; log loss of all rows, weighed "
        f"to the shares of these, {found['log_loss']:.3f}."
    )
    yield ""
    yield "| label | precision | recall | F1 | n | rows of the table |"
    yield "|---|---|---|---|---|---|"
    for label, each in found["per_class"].items():
        yield (
            f"| {label} | {each['precision']:.3f} | {each['recall']:.3f} | {each['f1']:.3f} "
            f"| {each['n']} | {rows.get(label, 0)} |"
        )
    yield ""
    if "decided" in found:
        yield from _decided_lines(found)


def _decided_lines(found: Mapping[str, Any]) -> Iterator[str]:
    for key, rows in (("decided", "rows drawn at random"), ("decided_all_rows", "all rows")):
        major = found[key]["per_class"].get("重大", {"recall": 0.0, "precision": 0.0, "n": 0})
        yield (
            f"As decided with words and the cost of a miss, {rows}: 重大 recall "
            f"{major['recall']:.3f} at precision {major['precision']:.3f} (n = {major['n']})."
        )
    yield ""


def _abstention_lines(found: Mapping[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    yield "### abstention"
    yield ""
    yield (
        f"Asked: {found['accuracy_asked']:.2f} of the answers right, at most "
        f"{found['most_doubted']:.2f} to a person. Reached: {found['accuracy_of_answers']:.3f} "
        f"right, {found['doubted']:.3f} to a person (confidence below {found['cut']:.3f})."
    )
    yield ""
