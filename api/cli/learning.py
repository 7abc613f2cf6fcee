"""``suyuan models`` and ``suyuan labels``: which model decides, and what labels are worth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.decisions import open_desk
from api.cli.terminal import (
    JsonFlag,
    MapOption,
    TableArgument,
    column_map,
    err,
    exits,
    out,
    plain,
    print_grid,
    print_json,
    print_row_errors,
    progress,
)
from api.settings import Settings
from domain.complaint import LABELS, Complaint
from domain.errors import ColumnMissing, SettingRefused

if TYPE_CHECKING:
    from api.services.access import Caller
    from api.services.learning.gathering import Labelled
    from api.services.learning.trial import Judged
    from api.services.office import Office
    from api.services.tables import Table

models = typer.Typer(
    help="Models: listed, compared, promoted, rolled back.", invoke_without_command=True
)
labels = typer.Typer(
    help="Labels of a table: what to label next, what is wrong, who agrees.", no_args_is_help=True
)
_SHOWN = 25
_LETTERS = 40
Person = Annotated[str, typer.Option("--by", help="Who does it; written down.")]
Reason = Annotated[str, typer.Option(help="Why; written down.")]
Name = Annotated[str, typer.Argument(help="Name of the model.")]
Version = Annotated[str, typer.Argument(help="Version of the candidate.")]
Count = Annotated[int, typer.Option("--count", "-k", min=1, max=10_000, help="How many rows.")]
Target = Annotated[str, typer.Option(help="category, tier or sentiment.")]


@models.callback()
@exits
def models_there(context: typer.Context, json: JsonFlag = False) -> None:
    """List the models that are there, when nothing else is asked."""
    if context.invoked_subcommand is None:
        _list(json)


@models.command("list")
@exits
def list_models(json: JsonFlag = False) -> None:
    """List the models on the shelf, and the candidates that nothing decides with yet."""
    _list(json)


def _list(json: bool) -> None:
    from api.services import shelf

    found = [*shelf.shelved(Settings()), *shelf.waiting(Settings())]
    if json:
        print_json([{"name": m.name, "version": m.version, "origin": m.origin} for m in found])
        return
    rows = [(m.name, m.version, m.origin, _size(m.folder)) for m in found]
    print_grid("Models", ("name", "version", "origin", "size"), rows)


def _size(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.1f} MB"


@models.command()
@exits
def show(
    name: Name,
    version: Annotated[str | None, typer.Option(help="Its version; default the newest.")] = None,
) -> None:
    """Show a model's card: what it was made of, how right it is, where its limits are."""
    from api.services import shelf

    there = [*shelf.waiting(Settings()), *shelf.shelved(Settings())]
    found = [m for m in there if m.name == name and version in (None, m.version)]
    if not found:
        open_desk(name, version)
    out.print((found[-1].folder / "card.md").read_text(encoding="utf-8"), markup=False)


@models.command()
@exits
def compare(
    name: Name,
    version: Version,
    file: TableArgument,
    against: Annotated[
        str | None, typer.Option(help="Version to hold it against; default the newest there.")
    ] = None,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Hold a candidate against the model in use on a labelled table, with intervals and tests."""
    from triage.comparison import answers
    from triage.comparison import compare as compare_
    from triage.duplicates import near_duplicates

    held, _ = _read(file, mapping)
    challenger, champion = _opened(name, version), _opened(name, against)
    held = _unlearnt(held, name, (champion.model.version, version))
    with progress("Comparing") as tick:
        tick(0, len(held.texts))
        old, new = (answers(desk, held.texts) for desk in (champion, challenger))
        found = compare_(held.labels, old, new, groups=near_duplicates(held.texts))
    figures = {"table": {target: each.to_plain() for target, each in found.items()}}
    if json:
        print_json({"champion": champion.model.version, "challenger": version,
                    "targets": figures["table"]})  # fmt: skip
    else:
        print_comparison(figures)


def _opened(name: str, version: str | None) -> Any:
    """The desk of a version on the shelf, or of a candidate."""
    from api.services import shelf

    waiting = {(model.name, model.version) for model in shelf.waiting(Settings())}
    if version is not None and (name, version) in waiting:
        return shelf.open_candidate(Settings(), name, version)
    return shelf.open_desk(Settings(), name, version)


def _unlearnt(held: Labelled, name: str, versions: Sequence[str]) -> Labelled:
    """The rows without those, and near copies of those, that one of the models learnt from."""
    import numpy as np

    from api.services import shelf
    from triage.duplicates import near_duplicates

    seen = np.concatenate([shelf.learnt(Settings(), name, version) for version in versions])
    groups, known = near_duplicates(held.texts), np.isin(shelf.fingerprints(held.texts), seen)
    fair = np.flatnonzero(~np.isin(groups, np.unique(groups[known])))
    if not len(fair):
        raise SettingRefused(f"the models learnt from every row of {held.name}; give other rows")
    if left_out := len(held.texts) - len(fair):
        err.print(f"{left_out:,} rows are left out: one of the models learnt from them.")
    return held.rows(fair.tolist())


def print_comparison(sets: Mapping[str, Mapping[str, Any]]) -> None:
    """One line for each figure of each target on each set of rows."""
    rows = [
        (
            name, target, figure, f"{each['champion']:.3f}", f"{each['challenger']:.3f}",
            f"{each['difference']:+.3f}", f"{each['low']:+.3f} to {each['high']:+.3f}",
            "–" if each["p_value"] is None else f"{each['p_value']:.3f}",
        )
        for name, targets in sets.items()
        for target, found in targets.items()
        for figure, each in found["figures"].items()
    ]  # fmt: skip
    headers = ("rows", "target", "figure", "now", "new", "difference", "95 % interval", "p")
    print_grid("Comparison", headers, rows)


def print_verdict(found: Judged) -> None:
    """What the gate says, reason by reason."""
    if found.verdict.passed:
        out.print("[bold green]The gate lets it through.[/]")
        return
    out.print("[bold red]The gate refuses it:[/]")
    for refusal in found.verdict.refusals:
        out.print(f"  {refusal.code}: {plain(refusal.zh)} · {plain(refusal.en)}")


@models.command()
@exits
def promote(
    name: Name,
    version: Version,
    by: Person,
    reason: Annotated[str, typer.Option(help="Why; needed when asking.")] = "",
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Confirm what another person asked for.")
    ] = False,
) -> None:
    """Ask that a candidate goes live; with --confirm and another name, let it."""
    from api.services.learning import promotion

    if confirm:
        _done(lambda office: promotion.confirm(office, _person(by), name, version))
        out.print(f"{name} {version} is live; running services follow within seconds.")
        return
    if not reason:
        raise SettingRefused("--reason is missing; say why this candidate shall go live")
    _done(lambda office: promotion.ask(office, _person(by), name, version, reason))
    out.print(f"Asked. Another person confirms: suyuan models promote {name} {version} "
              "--confirm --by …")  # fmt: skip


@models.command()
@exits
def rollback(name: Name, by: Person, reason: Reason, json: JsonFlag = False) -> None:
    """Put the version before back to work, in one step; running services follow in seconds."""
    from api.services.learning import promotion

    told = _done(lambda office: promotion.roll_back(office, _person(by), name, reason))
    _print_history(told, json)


@models.command("history")
@exits
def live_history(name: Name, json: JsonFlag = False) -> None:
    """Show what was live when, by whom and why."""
    from api.services.learning import promotion

    _print_history(_done(lambda office: promotion.history(office, name)), json)


def _print_history(told: Mapping[str, Any], json: bool) -> None:
    items = [{**row, "since": row["since"].isoformat(timespec="seconds")} for row in told["items"]]
    if json:
        print_json({"items": items, "floor": told["floor"]})
        return
    rows = [
        (row["since"], row["version"], row["how"], row["by"], row["asked_by"] or "–",
         row["reason"] or "–")
        for row in items
    ]  # fmt: skip
    print_grid("Live", ("since", "version", "how", "by", "asked by", "why"), rows)
    if told["floor"]:
        out.print(f"Nothing older than {told['floor']} may go live.")


def _person(name: str) -> Caller:
    from api.services.access import LOCAL

    if not name.strip():
        raise SettingRefused("--by is empty; name who does it")
    return replace(LOCAL, id=f"cli {name.strip()[:60]}")


def _done(work: Callable[[Office], Coroutine[Any, Any, dict[str, Any]]]) -> dict[str, Any]:
    """Do it on the installation's database, beside a running service if there is one."""
    with _office() as office:
        return asyncio.run(work(office))


@contextmanager
def _office() -> Iterator[Office]:
    from api.app import make_office
    from api.store.migration import migrate

    settings = Settings(log_level="error")
    if settings.on_sqlite:
        migrate(settings)
    office = make_office(settings)
    try:
        yield office
    finally:
        office.database.close()


@labels.command("queue")
@exits
def label_queue(
    file: TableArgument,
    target: Target = "category",
    count: Count = 100,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Say which rows to label next: those without a label from which a model learns most."""
    from api.services.tables import read_table
    from triage.selection import next_texts

    table = read_table(file, mapping=column_map(mapping)).require("text")
    read = (row for _, row in table.complaints(("id", "text", *LABELS)))
    rows = [row for row in read if isinstance(row, Complaint)]
    texts = [row.text for row in rows]
    given = [row.values.get(_plain_target(target)) for row in rows]
    found = next_texts(texts, [None if g is None else str(g) for g in given], k=count)
    chosen = [
        {"id": rows[i].id, "reasons": list(why), "score": round(score, 4), "text": texts[i]}
        for i, why, score in zip(found.rows.tolist(), found.reasons, found.scores.tolist(),
                                 strict=True)
    ]  # fmt: skip
    if json:
        print_json(chosen)
        return
    lines = [(c["id"], "、".join(c["reasons"]), f"{c['score']:.2f}", _short(c["text"]))
             for c in chosen[:_SHOWN]]  # fmt: skip
    print_grid("Label next", ("id", "why", "score", "text"), lines)


@labels.command("suspects")
@exits
def label_suspects(
    file: TableArgument,
    target: Target = "category",
    below: Annotated[
        float, typer.Option(min=1e-6, max=1, help="Largest probability of a suspected label.")
    ] = 0.03,
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Say which labels of a table are probably wrong, the surest first, with a suggestion."""
    from triage.mislabels import suspected_labels

    held, _ = _read(file, mapping, (_plain_target(target),))
    given = [str(label) for label in held.labels[target]]
    with progress("Looking") as tick:
        frame = suspected_labels(
            held.texts, given, below=below,
            progress=lambda _, share: tick(round(100 * share), 100),
        )  # fmt: skip
    columns = (frame[name].tolist() for name in ("row", "given", "suggested", "score"))
    found = [
        {"id": held.ids[i], "given": was, "suggested": better, "score": round(score, 4),
         "text": held.texts[i]}
        for i, was, better, score in zip(*columns, strict=True)
    ]  # fmt: skip
    if json:
        print_json(found)
        return
    lines = [(f["id"], f["given"], f["suggested"], f"{f['score']:.3f}", _short(f["text"]))
             for f in found[:_SHOWN]]  # fmt: skip
    print_grid("Probably wrong", ("id", "given", "suggested", "score", "text"), lines)
    out.print(f"{len(found):,} of {len(given):,} labels are doubted.")


@labels.command("agreement")
@exits
def label_agreement(
    file: TableArgument,
    labeller: Annotated[
        str, typer.Option(help="Column that names who labelled; one row for each opinion.")
    ] = "handler",
    mapping: MapOption = None,
    json: JsonFlag = False,
) -> None:
    """Measure how far people agree who labelled the same complaints (rows of the same id)."""
    from api.services.learning.labels import measured
    from api.services.tables import read_table

    table = read_table(file, mapping=column_map(mapping)).require("id", "text")
    if labeller not in table.frame.columns:
        raise ColumnMissing(f"{table.name} has no column {labeller!r}; name it with --labeller")
    said: dict[str, dict[str, dict[str, Any]]] = {target: {} for target in LABELS}
    rows = table.complaints(("id", "text", *LABELS), numbered=True)
    for number, row in rows:
        if isinstance(row, Complaint):
            who = str(table.frame[labeller].loc[number])
            for target in set(LABELS) & set(row.values):
                value = row.values[target]
                told = list(value) if isinstance(value, tuple) else value
                said[target].setdefault(row.id, {})[who] = told
    found = measured(said)
    if json:
        print_json(found)
        return
    lines = [
        (target, f"{each['complaints']:,}", _figure(each["alpha"]), _figure(each["fleiss_kappa"]),
         f"{each['disputed_count']:,}")
        for target, each in found["targets"].items()
    ]  # fmt: skip
    print_grid("Agreement", ("target", "complaints", "alpha", "Fleiss", "disputed"), lines)


def _figure(number: float | None) -> str:
    return "–" if number is None else f"{number:.3f}"


def _plain_target(target: str) -> str:
    if target not in ("category", "tier", "sentiment"):
        raise SettingRefused(f"--target {target!r} is none of category, tier, sentiment")
    return target


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…"


def _read(
    file: Path, mapping: list[str] | None, targets: Sequence[str] | None = None
) -> tuple[Labelled, Table]:
    from api.services.tables import read_table

    table = read_table(file, mapping=column_map(mapping)).require("text")
    return labelled_rows(table, targets), table


def labelled_rows(
    table: Table, targets: Sequence[str] | None = None, *, blank_is_none: bool = False
) -> Labelled:
    """The rows of a table that have all the labels; the others are named."""
    from api.services.learning.gathering import labelled_table

    held, errors = labelled_table(table, targets, blank_is_none=blank_is_none)
    print_row_errors(errors, table.rows_in)
    return held


def retrain(
    held: Labelled, name: str, version: str, words: Sequence[str], *, json: bool, force: bool
) -> bool:
    """Train a further version, hold it against the newest, and shelve it when the gate agrees."""
    from api.services import shelf
    from api.services.learning.trial import Plan, judged, lesson, teach, unseen

    settings = Settings()
    plan = Plan(name, version, own_words=tuple(words))
    made = lesson(held, plan)
    with progress("Training") as tick:
        trained = teach(made, plan, tick)
        shelf.publish_candidate(settings, trained)
        shelf.note_learnt(settings, name, version, made.taught.texts)
        challenger = shelf.open_candidate(settings, name, version)
        champion = shelf.open_desk(settings, name)
        known = shelf.learnt(settings, name, champion.model.version)
        found = judged(unseen(made, known), champion, challenger, plan)
        tick(100, 100)
    shelved = found.verdict.passed or force
    if shelved:
        shelf.adopt(settings, name, version)
    if json:
        print_json({"model": {"name": name, "version": version}, "facts": trained.facts,
                    "comparison": found.metrics, "verdict": found.verdict.to_plain(),
                    "shelved": shelved})  # fmt: skip
        return shelved
    print_comparison(found.metrics)
    print_verdict(found)
    if not shelved:
        err.print(
            "It stays a candidate; commands go on with the version before. --force shelves it."
        )
    return shelved
