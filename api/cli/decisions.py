"""``suyuan classify, evaluate, train, models``: one complaint at a time, by the thousand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import (
    JsonFlag,
    MapOption,
    TableArgument,
    Tick,
    column_map,
    err,
    exits,
    out,
    print_grid,
    print_json,
    print_row_errors,
    progress,
    write_whole,
)
from api.settings import Settings
from domain.complaint import LABELS, Complaint
from domain.errors import ColumnMissing, SettingRefused, TextRefused
from domain.text import has_chinese

if TYPE_CHECKING:
    from api.services.tables import RowError, Table
    from domain.taxonomy import Taxonomy
    from triage.decision import Decision
    from triage.desk import Desk

_CHUNK = 2_000
_SHOWN = 20
_SHOWN_LETTERS = 48
_USED = ("id", "text", "received_at", "customer_value", *LABELS)
ADDED = (
    "category_code",
    "category",
    "category_confidence",
    "issues",
    "tier",
    "tier_confidence",
    "sentiment",
    "sentiment_confidence",
    "anger",
    "anxiety",
    "abstained",
    "error",
)


@dataclass(frozen=True)
class Row:
    """One row of a table with what was decided on it, or why nothing was."""

    number: int
    complaint: Complaint | None
    decision: Decision | None
    error: RowError | None


def open_desk(name: str, version: str | None = None) -> Desk:
    """A model's desk, by the settings of this environment."""
    from api.services import shelf

    return shelf.open_desk(Settings(), name, version)


@dataclass
class Said:
    """What a desk says of one text, as far as a report uses it."""

    category: str
    issues: Sequence[str]
    tier: str
    sentiment: str


def labeller(name: str = "complaints") -> Callable[[Sequence[str]], list[Said]]:
    """A function from texts to labels, for the rows of a report that have none."""
    desk = open_desk(name)

    def label(texts: Sequence[str]) -> list[Said]:
        return [_said(outcome) for outcome in desk.decide_many(texts, datetime.now(UTC))]

    return label


def _said(outcome: Any) -> Said:
    if isinstance(outcome, TextRefused):
        return Said("", (), "", "")
    issues = tuple(issue.code for issue in outcome.issues)
    return Said(outcome.category.name, issues, outcome.tier.label, outcome.sentiment.label)


def decided(table: Table, desk: Desk, tick: Tick, explain: bool = False) -> Iterator[Row]:
    """Decide every row of a table, in order."""
    now = datetime.now(UTC)
    chunk: list[tuple[int, Complaint | RowError]] = []
    total, done = len(table.frame), 0
    for number, row in table.complaints(_USED, numbered=True):
        chunk.append((number, row))
        if len(chunk) == _CHUNK:
            yield from _decided(chunk, desk, now, explain)
            done += len(chunk)
            tick(done, total)
            chunk = []
    yield from _decided(chunk, desk, now, explain)
    tick(total, total)


def _decided(
    chunk: Sequence[tuple[int, Complaint | RowError]], desk: Desk, now: datetime, explain: bool
) -> Iterator[Row]:
    good = [row for _, row in chunk if isinstance(row, Complaint)]
    outcomes = iter(
        desk.decide_many(
            [_readable(row.text) for row in good],
            [row.values.get("received_at", now) for row in good],  # type: ignore[misc]
            [row.values for row in good],
            explain=explain,
        )
    )
    for number, row in chunk:
        if isinstance(row, Complaint):
            decision = next(outcomes)._replace(id=row.id)  # type: ignore[union-attr]
            yield Row(number, row, decision, None)
        else:
            yield Row(number, None, None, row)


def _readable(text: str) -> str:
    """The text as the service reads it: personal data decides nothing, offsets stay."""
    from domain.privacy import hidden

    read = hidden(text)
    return read if has_chinese(read) else text


@exits
def classify(
    file: TableArgument,
    model: Annotated[str, typer.Option(help="Model that decides.")] = "complaints",
    target: Annotated[
        Path | None, typer.Option("--out", help="CSV with the decisions beside every row.")
    ] = None,
    ignore_labels: Annotated[
        bool, typer.Option(help="Decide afresh where the table brings labels.")
    ] = False,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Decide every complaint of a table: category, issues, tier, sentiment, route."""
    from api.services.tables import read_table

    table = read_table(file, mapping=column_map(mapping)).require("text")
    brought = [name for name in LABELS if name in table.frame.columns]
    if ignore_labels:
        table = replace(table, frame=table.frame.drop(columns=brought))
    elif brought:
        err.print(
            f"The table brings {', '.join(brought)}: kept as they are, the rest is decided. "
            "--ignore-labels decides afresh."
        )
    desk = open_desk(model)
    with progress("Classifying") as tick:
        rows = list(decided(table, desk, tick, explain=json))
    if target is not None:
        write_whole(target, decision_table(table, rows))
        err.print(f"Wrote {target}")
    print_row_errors([*table.errors, *(row.error for row in rows if row.error)], table.rows_in)
    if json:
        print_json([row.decision.to_dict() for row in rows if row.decision])
    elif target is None:
        print_decisions(rows)
    if not any(row.decision for row in rows):
        raise ColumnMissing(f"no row of {file.name} could be decided; see the reasons above")


def decision_table(table: Table, rows: Sequence[Row]) -> bytes:
    """The table as CSV with the decisions' columns, safe to open in a spreadsheet."""
    from api.services.exports import write_csv

    kept = [name for name in table.frame.columns if name not in ADDED]
    cells = table.frame[kept].itertuples(index=False, name=None)
    return write_csv(
        (*kept, *ADDED), ((*cell, *_added(row)) for cell, row in zip(cells, rows, strict=True))
    )


def _added(row: Row) -> tuple[Any, ...]:
    if row.decision is None:
        return (*[""] * (len(ADDED) - 1), str(row.error))
    decision = row.decision
    return (
        decision.category.code,
        decision.category.name,
        round(decision.category.confidence, 4),
        "|".join(issue.code for issue in decision.issues),
        decision.tier.label,
        round(decision.tier.confidence, 4),
        decision.sentiment.label,
        round(decision.sentiment.confidence, 4),
        round(decision.sentiment.anger, 4),
        round(decision.sentiment.anxiety, 4),
        int(decision.abstained),
        "",
    )


def print_decisions(rows: Sequence[Row], title: str = "Decisions") -> None:
    """The first decisions as a table, with how many there are of each tier."""
    shown = [(row.complaint, row.decision) for row in rows if row.complaint and row.decision]
    lines = []
    for complaint, decision in shown[:_SHOWN]:
        lines.append(
            (
                complaint.id,
                _shortened(complaint.text),
                decision.tier.label,
                decision.category.name + ("?" if decision.abstained else ""),
                "\n".join(f"{issue.code} {issue.name}" for issue in decision.issues) or "–",
                decision.sentiment.label,
                decision.route.queue,
                decision.route.acknowledge_by.strftime("%m-%d %H:%M"),
            )
        )
    headers = ("id", "text", "tier", "category", "issues", "sentiment", "queue", "acknowledge by")
    print_grid(title, headers, lines)
    if len(shown) > _SHOWN:
        out.print(f"… and {len(shown) - _SHOWN:,} more; --out FILE.csv writes them all.")
    tiers = [decision.tier.label for _, decision in shown]
    abstained = sum(decision.abstained for _, decision in shown)
    counts = ", ".join(f"{tiers.count(tier):,} {tier}" for tier in ("重大", "紧急", "普通"))
    out.print(f"{len(tiers):,} decided: {counts}; {abstained:,} go to a person (?).")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_LETTERS else f"{line[: _SHOWN_LETTERS - 1]}…"


@exits
def evaluate(
    model: Annotated[str, typer.Argument(help="Model to evaluate.")],
    file: TableArgument,
    version: Annotated[str | None, typer.Option(help="Its version; default the newest.")] = None,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Hold a model's answers against the labels of a table; nobody abstains meanwhile."""
    from api.services.tables import read_table
    from triage.evaluate import evaluate as figures_of

    table = read_table(file, mapping=column_map(mapping)).require("text")
    desk = open_desk(model, version)
    texts, labels, errors = labelled(table)
    with progress("Evaluating") as tick:
        tick(0, len(texts))
        figures = figures_of(desk, texts, labels)
        tick(len(texts), len(texts))
    print_row_errors(errors, table.rows_in)
    if _learnt_from(desk, texts, labels):
        err.print(
            "[bold yellow]The model learnt from these very rows: the figures flatter it.[/] "
            f"Its card has those on rows it did not see: suyuan models show {model}"
        )
    if json:
        print_json(
            {"model": {"name": desk.model.name, "version": desk.model.version}, "targets": figures}
        )
    else:
        print_figures(figures)


def _learnt_from(desk: Desk, texts: list[str], labels: dict[str, list[Any]]) -> bool:
    """Whether these are the rows that the model was trained on."""
    told = str(desk.model.manifest.get("data", {}).get("sha256"))
    return bool(told == _training_table(texts, labels, "").checksum)


def labelled(
    table: Table, needed: Sequence[str] = ()
) -> tuple[list[str], dict[str, list[Any]], list[RowError]]:
    """Texts with their labels, and the rows left out.

    A row without a label that is needed is left out. An empty category or issue is “no
    complaint”; a tier or sentiment that was not given is None.
    """
    from api.services.learning.gathering import MAY_BE_BLANK
    from api.services.tables import RowError
    from domain.taxonomy import NO_COMPLAINT

    named = [name for name in LABELS if name in table.frame.columns]
    if not named:
        raise ColumnMissing(
            f"{table.name} has no labels; it needs one of {', '.join(LABELS)} (or --map one)"
        )
    texts: list[str] = []
    labels: dict[str, list[Any]] = {name: [] for name in named}
    errors: list[Any] = list(table.errors)
    for number, row in table.complaints(("text", *named), numbered=True):
        if not isinstance(row, Complaint):
            errors.append(row)
            continue
        if lacking := [name for name in needed if name not in row.values]:
            errors.append(RowError(number, "is blank; give a label to learn from", lacking[0]))
            continue
        texts.append(row.text)
        for name in named:
            empty: Any = () if name == "issues" else NO_COMPLAINT
            labels[name].append(row.values.get(name, empty if name in MAY_BE_BLANK else None))
    return texts, labels, errors


def print_figures(figures: dict[str, dict[str, Any]]) -> None:
    """One line for each target, then each class."""
    lines = []
    for target, found in _with_decided(figures):
        coverage = found.get("accuracy_at_coverage", {})
        lines.append(
            (
                target,
                f"{found['n']:,}",
                _figure(found, "accuracy"),
                _figure(found, "macro_f1"),
                _figure(found, "micro_f1"),
                _figure(found, "ece"),
                _figure(coverage, "0.9"),
            )
        )
    headers = ("target", "n", "accuracy", "macro-F1", "micro-F1", "ECE", "right in surest 90 %")
    print_grid("Figures", headers, lines)
    for target, found in _with_decided(figures):
        classes = [
            (
                label,
                *(f"{each[name]:.3f}" for name in ("precision", "recall", "f1")),
                f"{each['n']:,}",
            )
            for label, each in found.get("per_class", {}).items()
        ]
        if classes:
            print_grid(target, ("label", "precision", "recall", "F1", "n"), classes)


def _with_decided(figures: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for target, found in figures.items():
        yield target, found
        if "decided" in found:
            yield f"{target} as decided", found["decided"]


def _figure(found: dict[str, Any], name: str) -> str:
    number = found.get(name)
    return "–" if number is None or math.isnan(number) else f"{number:.3f}"


@exits
def train(
    file: TableArgument,
    name: Annotated[str, typer.Option(help="Name of the new model.")],
    target: Annotated[
        str | None,
        typer.Option(help="category, issues, tier or sentiment, joined by commas; default all."),
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Header of the texts.")] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(help="CSV of codes; default the shipped ones, or the labels.")
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="User dictionary: one word of yours a line.")
    ] = None,
    migration: Annotated[
        Path | None, typer.Option(help="CSV old,new: codes of the table in today's taxonomy.")
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all-rows", help="Keep no rows back to compare with a version before.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Shelve a further version that the gate refuses.")
    ] = False,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Train a model on labelled complaints, judge it on rows it did not see, sign and keep it."""
    from api.services import shelf
    from api.services.tables import read_table
    from triage.train import train as train_model
    from triage.words import read_words

    settings = Settings()
    version = shelf.next_version(settings, name)
    columns = column_map(mapping)
    if text_column:
        columns["text"] = text_column
    table = read_table(file, mapping=columns).require("text")
    own_words = read_words(words) if words else []
    plain_run = taxonomy is None and migration is None and not all_rows
    if plain_run and shelf.shelved(settings, name):
        _retrain(table, target, name, version, own_words, json, force)
        return
    texts, labels, errors = labelled(table, _never_blank(table, target))
    labels = _chosen(labels, target, table.name)
    codes = _taxonomy(taxonomy, labels)
    if migration is not None:
        labels = _migrated(labels, migration, codes)
    print_row_errors(errors, table.rows_in)
    with progress("Training") as tick:
        trained = train_model(
            _training_table(texts, labels, table.name),
            name=name,
            version=version,
            taxonomy=codes,
            own_words=own_words,
            progress=lambda _, share: tick(round(100 * share), 100),
        )
    folder = shelf.publish(settings, trained)
    shelf.note_learnt(settings, name, version, texts)
    err.print(f"Wrote {folder}; its figures are in {folder / 'card.md'}")
    if json:
        print_json({"model": {"name": name, "version": version}, "facts": trained.facts})
    else:
        out.print(trained.card, markup=False)


def _retrain(
    table: Table,
    target: str | None,
    name: str,
    version: str,
    words: Sequence[str],
    json: bool,
    force: bool,
) -> None:
    from api.cli.learning import labelled_rows, retrain

    named = [name for name in LABELS if name in table.frame.columns]
    wanted = _chosen({name: [] for name in named}, target, table.name)
    held = labelled_rows(table, tuple(wanted), blank_is_none=True)
    if not retrain(held, name, version, words, json=json, force=force):
        raise typer.Exit(1)


def _chosen(labels: dict[str, list[Any]], target: str | None, name: str) -> dict[str, list[Any]]:
    wanted = [each.strip() for each in target.split(",")] if target else list(labels)
    for each in wanted:
        if each not in LABELS:
            raise SettingRefused(f"--target {each!r} is none of {', '.join(LABELS)}")
        if each not in labels:
            raise ColumnMissing(f"{name} has no column {each!r}; name it with --map {each}=HEADER")
    return {each: labels[each] for each in wanted}


def _never_blank(table: Table, target: str | None) -> list[str]:
    """Targets that every complaint has: a blank cell is a label not given."""
    from api.services.learning.gathering import MAY_BE_BLANK

    named: dict[str, list[Any]] = {name: [] for name in LABELS if name in table.frame.columns}
    return [name for name in _chosen(named, target, table.name) if name not in MAY_BE_BLANK]


def _training_table(texts: list[str], labels: dict[str, list[Any]], source: str) -> Any:
    from triage.lesson import Table as Labelled

    return Labelled(texts, labels, source=source)


def _migrated(labels: dict[str, list[Any]], file: Path, codes: Taxonomy) -> dict[str, list[Any]]:
    """Issue codes of an older taxonomy in the new one; the category follows from them."""
    from triage.migration import migrated, read_migration

    if "issues" not in labels:
        raise SettingRefused("--migration needs issue codes; train with --target issues")
    old_to_new = read_migration(file)
    issues = [migrated(row, old_to_new, codes) for row in labels["issues"]]
    moved = {**labels, "issues": issues}
    if "category" in labels:
        moved["category"] = [codes.category_of(row) for row in issues]
    return moved


def _taxonomy(file: Path | None, labels: dict[str, list[Any]]) -> Taxonomy:
    """The caller's codes; else the shipped ones where they know every label; else the labels."""
    from api.services.learning.trial import taxonomy_for
    from domain.taxonomy import read_taxonomy

    return taxonomy_for(labels) if file is None else read_taxonomy(file)
