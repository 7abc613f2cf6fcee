"""One trial: rows split, a challenger trained, held against the champion, and judged."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.services.learning.gathering import Labelled
from api.services.shelf import fingerprints
from domain.errors import InputError
from domain.taxonomy import NO_COMPLAINT, Code, Taxonomy, shipped_taxonomy
from triage import gate
from triage.comparison import Answers, Comparison, answers, compare
from triage.desk import Desk
from triage.duplicates import near_duplicates
from triage.gate import Measurements, Policy, Verdict, audit_sources, capped_rows, judge
from triage.lesson import Recipe, Table
from triage.migration import taxonomy_of
from triage.mislabels import out_of_fold_shares
from triage.noise import noisy_copies
from triage.split import Split, split_rows
from triage.train import Trained, library_versions, train

Tell = Callable[[int, int], None]
TRUSTED = ("import", "unknown")
_CHANGED = 200
_TIMED = 500
_TRAINING = 80  # of 100 steps
_CODE = ("triage", "domain")


@dataclass(frozen=True)
class Plan:
    """How a trial is run."""

    name: str
    version: str
    seed: int = 7
    min_examples: int = 8
    leave_rare_out: bool = False
    own_words: tuple[str, ...] = ()
    policy: Policy = field(default_factory=lambda: Policy(trusted=TRUSTED))

    @property
    def recipe(self) -> Recipe:
        """Training's part of it."""
        return Recipe(seed=self.seed, min_examples=self.min_examples)


@dataclass(frozen=True)
class Lesson:
    """Rows that teach and rows that judge."""

    labelled: Labelled
    split: Split
    taught: Labelled
    left_out: Mapping[str, int]


def lesson(labelled: Labelled, plan: Plan) -> Lesson:
    """Split the rows; cap what one source may teach; leave out or refuse rare labels."""
    split = split_rows(labelled.texts, labelled.times, seed=plan.seed)
    taught = labelled.rows(np.flatnonzero(split.train).tolist())
    if len(set(taught.sources)) > 1:
        taught = taught.rows(capped_rows(taught.sources, plan.policy, plan.seed).tolist())
    left_out: dict[str, int] = {}
    if plan.leave_rare_out:
        taught, left_out = without_rare(taught, plan.min_examples)
    if not taught.texts:
        raise InputError(f"{len(labelled.texts)} labelled rows leave none to teach; label more")
    return Lesson(labelled, split, taught, left_out)


def without_rare(taught: Labelled, fewest: int) -> tuple[Labelled, dict[str, int]]:
    """The rows without those of labels too rare to learn, and how many each label had."""
    left_out: dict[str, int] = {}
    while True:
        counted = {target: _counted(given) for target, given in taught.labels.items()}
        rare = {
            (target, label): n
            for target, labels in counted.items()
            for label, n in labels.items()
            if n < fewest
        }
        if not rare:
            return taught, left_out
        left_out |= {f"{target}: {label}": n for (target, label), n in rare.items()}
        kept = [
            i
            for i in range(len(taught.texts))
            if not any((t, label) in rare for t, g in taught.labels.items() for label in _all(g[i]))
        ]
        taught = taught.rows(kept)


def _counted(given: Sequence[Any]) -> Counter[str]:
    return Counter(label for row in given for label in _all(row))


def _all(row: Any) -> tuple[str, ...]:
    return tuple(row) if isinstance(row, tuple) else (str(row),)


def _unheard(_done: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


def teach(made: Lesson, plan: Plan, tell: Tell = _unheard) -> Trained:
    """Train on the rows that teach; the card and the manifest say from what and with what."""
    taught = made.taught
    trained = train(
        Table(taught.texts, taught.labels, source=taught.name),
        name=plan.name,
        version=plan.version,
        taxonomy=taxonomy_for(made.labelled.labels),
        recipe=plan.recipe,
        own_words=plan.own_words,
        progress=lambda _, share: tell(round(_TRAINING * share), 100),
    )
    return replace(trained, facts={**trained.facts, "made": provenance(made, plan)})


def provenance(made: Lesson, plan: Plan) -> dict[str, Any]:
    """What it takes to make the same model again."""
    split = made.split
    words = "\n".join(plan.own_words).encode()
    return {
        "seed": plan.seed,
        "min_examples": plan.min_examples,
        "data_sha256": Table(made.labelled.texts, made.labelled.labels).checksum,
        "code": {"suyuan": installed("suyuan"), "sha256": code_digest()},
        "words_sha256": hashlib.sha256(words).hexdigest(),
        "rows": len(made.labelled.texts),
        "taught": len(made.taught.texts),
        "frozen": int(split.frozen.sum()),
        "recent": int(split.recent.sum()),
        "left_out": dict(made.left_out),
    }


def code_digest() -> str:
    """SHA-256 over the source of everything that training is made of."""
    root = Path(__file__).resolve().parents[3]
    digest = hashlib.sha256()
    for file in sorted(path for room in _CODE for path in (root / room).rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def taxonomy_for(labels: Mapping[str, Sequence[Any]]) -> Taxonomy:
    """The shipped codes where they know every label; else the labels themselves."""
    shipped = shipped_taxonomy()
    categories = set(labels.get("category", ())) - {NO_COMPLAINT}
    codes = [code for row in labels.get("issues", ()) for code in row]
    if categories <= set(shipped.categories) and all(code in shipped for code in codes):
        return shipped
    if codes:
        return taxonomy_of(codes)
    return Taxonomy(Code(name, (name,)) for name in sorted(categories))


@dataclass(frozen=True)
class Judged:
    """What a trial found out."""

    metrics: dict[str, Any]
    verdict: Verdict
    measured: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the metrics as they are written: the same inputs give the same."""
        written = json.dumps(self.metrics, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()


def unseen(made: Lesson, seen: NDArray[np.uint64]) -> Lesson:
    """Leave out of the judging sets what the champion learnt from, with all near copies."""
    split = made.split
    known = np.isin(fingerprints(made.labelled.texts), seen)
    fair = ~np.isin(split.groups, np.unique(split.groups[known]))
    return replace(
        made, split=replace(split, frozen=split.frozen & fair, recent=split.recent & fair)
    )


def judged(made: Lesson, champion: Desk | None, challenger: Desk, plan: Plan) -> Judged:
    """Hold the challenger against the champion and the gate."""
    targets = [target for target in made.labelled.labels if target in challenger.model.heads]
    sets, rows = _compared(made, champion, challenger, targets, plan.seed)
    micros = _timed(champion, challenger, made.labelled.texts[:_TIMED])
    sources = _audited(made.taught)
    verdict = judge(
        None if champion is None else _narrowed(champion, targets),
        gate.candidate(challenger.model),
        Measurements(sets, micros, sources, library_versions()),
        plan.policy,
    )
    metrics = {name: _plain(found, rows[name], made.labelled.ids) for name, found in sets.items()}
    measured = {
        "micros": None if micros is None else [round(each, 2) for each in micros],
        "sources": [vars(source) for source in sources],
    }
    return Judged(metrics, verdict, measured)


def _narrowed(champion: Desk, targets: Sequence[str]) -> gate.Candidate:
    """The champion as far as the challenger decides; the rest stays with the shipped model."""
    seen = gate.candidate(champion.model)
    return replace(seen, labels={t: labels for t, labels in seen.labels.items() if t in targets})


def _compared(
    made: Lesson, champion: Desk | None, challenger: Desk, targets: Sequence[str], seed: int
) -> tuple[dict[str, Comparison], dict[str, NDArray[np.int64]]]:
    frozen, recent = np.flatnonzero(made.split.frozen), np.flatnonzero(made.split.recent)
    rows = {"frozen": frozen, "recent": recent, "noise": frozen}
    found: dict[str, Comparison] = {}
    for name, numbers in rows.items():
        if not len(numbers):
            continue
        held = made.labelled.rows(numbers.tolist())
        texts = noisy_copies(held.texts, seed) if name == "noise" else list(held.texts)
        truth = {target: held.labels[target] for target in targets}
        old = _majority(made.taught, len(texts)) if champion is None else answers(champion, texts)
        new = answers(challenger, texts)
        found[name] = compare(truth, old, new, groups=near_duplicates(held.texts), seed=seed)
    return found, rows


def _majority(taught: Labelled, n: int) -> dict[str, Answers]:
    """What the most frequent labels would say: the least that a first model must beat."""
    return {
        target: Answers([Counter(given).most_common(1)[0][0]] * n)
        for target, given in taught.labels.items()
    }


def _timed(
    champion: Desk | None, challenger: Desk, texts: Sequence[str]
) -> tuple[float, float] | None:
    if champion is None:
        return None
    readers = (champion.reader.read, challenger.reader.read)
    return gate.paired_micros(*readers, texts, time.process_time)


def _audited(taught: Labelled) -> list[gate.Source]:
    """Whether the labels of one source fit those of the others."""
    target = next((t for t in ("category", "tier", "sentiment") if t in taught.labels), None)
    if target is None or len(set(taught.sources)) < 2:
        return []
    given = [str(label) for label in taught.labels[target]]
    shares, classes = out_of_fold_shares(taught.texts, given)
    return audit_sources(taught.sources, given, shares, classes)


def _plain(comparison: Comparison, rows: NDArray[np.int64], ids: Sequence[str]) -> dict[str, Any]:
    found = {}
    for target, each in comparison.items():
        plain = each.to_plain()
        changed = plain.pop("changed")
        shown = [{**row, "id": ids[int(rows[row["row"]])]} for row in changed[:_CHANGED]]
        found[target] = {**plain, "changed": shown, "changed_count": len(changed)}
    return found
