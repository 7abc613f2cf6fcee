"""Learning, measured: what a label is worth, which labels are wrong, what is drifting.

    python benchmarks/learning.py curve    [--data ../shared] [--seeds 5]
    python benchmarks/learning.py mislabels [--data ../shared] [--seeds 3]
    python benchmarks/learning.py drift    [--seeds 10]

``curve`` starts from 300 random rows of the hotline table and adds 100 at a time, at random or as
`triage.selection.next_texts` asks, up to 1,800 (at random up to 3,000). Each time three models are
trained anew and measured on a fifth of the table that shares no near copy with the rest:
Suyuan's classifier, scikit-learn's LinearSVC on jieba's words, and Suyuan's recipe with the
naive Bayes tilt. ``mislabels`` plants wrong labels and looks for them; rows of the table that
were wrong before count against it. ``drift`` watches example histories week by week.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

from api.services.example import write_history  # noqa: E402
from benchmarks.train_shipped import hotline_table  # noqa: E402
from domain.text import clean  # noqa: E402
from triage.classifier import ComplaintClassifier  # noqa: E402
from triage.drift import History, Vigilance, history_of, watch  # noqa: E402
from triage.duplicates import group_folds, near_duplicates  # noqa: E402
from triage.features import HashedNgrams  # noqa: E402
from triage.mislabels import out_of_fold_shares, suspects  # noqa: E402
from triage.registry import open_desk  # noqa: E402
from triage.selection import next_texts  # noqa: E402
from triage.solver import balanced_costs, fit_margins  # noqa: E402

Strings = NDArray[np.str_]
FIRST, STEP, ACTIVE, RANDOM = 300, 100, 1_800, 3_000
ATTRIBUTES = ("product", "batch", "channel", "region", "outlet")
PLANTED = (("random", 0.01), ("random", 0.05), ("random", 0.1), ("next label", 0.05),
           ("confusable", 0.05))  # fmt: skip
WEEKS = 26
END = pd.Timestamp("2025-09-01")


def jieba_words(text: str) -> list[str]:
    """Words by jieba's dictionary and algorithm."""
    import rjieba

    return list(rjieba.cut(text))


class Tilted:
    """Suyuan's recipe for the hotline, its first stage alone."""

    def fit(self, texts: Sequence[str], labels: Strings) -> Tilted:
        """Choose n-grams, fit margins."""
        self.classes, place = np.unique(labels, return_inverse=True)
        told = place[:, None] == np.arange(len(self.classes))
        self.ngrams = HashedNgrams(3, 20, 65_000)
        matrix = self.ngrams.fit(texts, told).transform(texts)
        self.margins = fit_margins(matrix, told, balanced_costs(told, 0.2, 0.5), 7, True)
        return self

    def predict(self, texts: Sequence[str]) -> Strings:
        """Best labels."""
        weights, bias = self.margins
        best = (self.ngrams.transform(texts) @ weights + bias).argmax(axis=1)
        return np.asarray(self.classes[best])


LEARNERS: dict[str, Callable[[], Any]] = {
    "Suyuan's classifier": lambda: ComplaintClassifier(features=65_000),
    "the same with tilt": Tilted,
    "jieba words, LinearSVC": lambda: make_pipeline(
        TfidfVectorizer(tokenizer=jieba_words, token_pattern=None), LinearSVC()
    ),
}


def curve(data: Path, seeds: int) -> None:
    """Macro-F1 by number of labels, chosen and at random."""
    table = hotline_table(data)
    texts, labels = list(table.texts), np.array(table.labels["category"])
    groups = near_duplicates(texts)
    found: dict[str, list[dict[int, list[float]]]] = {"chosen": [], "random": []}
    for seed in range(seeds):
        test = group_folds(groups, 5, 100 + seed) == 0
        pool = np.random.default_rng(seed).permutation(np.flatnonzero(~test))
        for how, sizes in (("chosen", _chosen), ("random", _at_random)):
            rows = sizes(texts, labels, pool, seed)
            found[how].append({len(r): _measured(texts, labels, r, test) for r in rows})
            print(f"seed {seed}, {how}: done", flush=True)
    _print_curve(found)


def _chosen(
    texts: list[str], labels: Strings, pool: NDArray[np.int64], seed: int
) -> Iterator[NDArray[np.int64]]:
    rows = pool[:FIRST]
    asked = [texts[i] for i in pool]
    while True:
        yield rows
        if len(rows) >= ACTIVE:
            return
        known = set(rows.tolist())
        given = [str(labels[i]) if i in known else None for i in pool.tolist()]
        rows = np.concatenate([rows, pool[next_texts(asked, given, k=STEP, seed=seed).rows]])


def _at_random(
    _texts: list[str], _labels: Strings, pool: NDArray[np.int64], _seed: int
) -> Iterator[NDArray[np.int64]]:
    for size in (*range(FIRST, ACTIVE + 1, 3 * STEP), RANDOM):
        yield pool[:size]


def _measured(
    texts: list[str], labels: Strings, rows: NDArray[np.int64], test: NDArray[np.bool_]
) -> list[float]:
    held = np.flatnonzero(test)
    asked = [texts[i] for i in held]
    scores = []
    for learner in LEARNERS.values():
        model = learner().fit([texts[i] for i in rows], labels[rows])
        scores.append(float(f1_score(labels[held], model.predict(asked), average="macro")))
    return scores


def _print_curve(found: dict[str, list[dict[int, list[float]]]]) -> None:
    """Means over seeds, and from how many chosen labels on 3,000 random ones are reached."""
    means = {
        how: {n: np.mean([run[n] for run in runs], axis=0) for n in runs[0]}
        for how, runs in found.items()
    }
    print("| labels | " + " | ".join(f"{name}: chosen / random" for name in LEARNERS) + " |")
    print("|---|" + "---|" * len(LEARNERS))
    for n in sorted({*means["random"], *range(FIRST, ACTIVE + 1, 3 * STEP)}):
        cells = []
        for k in range(len(LEARNERS)):
            pair = (means[how].get(n) for how in ("chosen", "random"))
            cells.append(" / ".join("" if each is None else f"{each[k]:.4f}" for each in pair))
        print(f"| {n:,} | " + " | ".join(cells) + " |")
    for k, name in enumerate(LEARNERS):
        bar = means["random"][RANDOM][k]
        first = next((n for n, of in means["chosen"].items() if of[k] >= bar), None)
        each = [_reached(a, r, k) for a, r in zip(found["chosen"], found["random"], strict=True)]
        print(f"{name}: {bar:.4f} of {RANDOM:,} random labels reached with {first}; by seed {each}")


def _reached(chosen: dict[int, list[float]], random: dict[int, list[float]], k: int) -> int | None:
    return next((n for n, of in chosen.items() if of[k] >= random[RANDOM][k]), None)


def mislabels(data: Path, seeds: int) -> None:
    """Precision of what is suspected, against planted errors."""
    table = hotline_table(data)
    texts, labels = list(table.texts), np.array(table.labels["category"])
    groups = near_duplicates(texts)
    print("| planted | of rows | suspected | precision | recall | precision at recall 0.6 "
          "| right label suggested |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    odds = _confusions(texts, labels)
    for kind, share in PLANTED:
        rows = [_planted_once(texts, labels, groups, odds[kind], share, s) for s in range(seeds)]
        cells = " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)[1:])
        print(f"| {kind} | {share:.0%} | {np.mean(rows, axis=0)[0]:.0f} | {cells} |", flush=True)


def _planted_once(
    texts: list[str],
    labels: Strings,
    groups: NDArray[np.int64],
    odds: NDArray[np.float64],
    share: float,
    seed: int,
) -> list[float]:
    wrong, planted = _planted(labels, odds, share, seed)
    shares, classes = out_of_fold_shares(texts, wrong.tolist(), seed=seed, groups=groups)
    found = suspects(wrong.tolist(), shares, classes, groups)
    hit = planted[found["row"].to_numpy()]
    ranked = suspects(wrong.tolist(), shares, classes, groups, below=1.0)["row"].to_numpy()
    right = found["suggested"].to_numpy()[hit] == labels[found["row"].to_numpy()[hit]]
    return [len(found), hit.mean(), hit.sum() / planted.sum(),
            _precision_at(planted[ranked], planted.sum(), 0.6), right.mean()]  # fmt: skip


def _precision_at(hit: NDArray[np.bool_], n_planted: int, recall: float) -> float:
    enough = np.flatnonzero(np.cumsum(hit) >= np.ceil(recall * n_planted))
    return float(hit[: enough[0] + 1].mean()) if len(enough) else 0.0


def _planted(
    labels: Strings, odds: NDArray[np.float64], share: float, seed: int
) -> tuple[Strings, NDArray[np.bool_]]:
    """Labels of which a share is another one, drawn by its odds given the right one."""
    random = np.random.default_rng(seed)
    known = np.unique(labels)
    rows = random.permutation(len(labels))[: round(share * len(labels))]
    wrong, planted = labels.copy(), np.zeros(len(labels), np.bool_)
    wrong[rows] = [random.choice(known, p=odds[np.searchsorted(known, labels[i])]) for i in rows]
    planted[rows] = True
    return wrong, planted


def _confusions(texts: list[str], labels: Strings) -> dict[str, NDArray[np.float64]]:
    """Odds of each wrong label: all alike, always the next one, or as a model confuses them."""
    known = np.unique(labels)
    shares, classes = out_of_fold_shares(texts, labels.tolist())
    given = np.searchsorted(known, np.array(classes)[shares.argmax(axis=1)])
    counts = np.full((len(known), len(known)), 0.5)
    np.add.at(counts, (np.searchsorted(known, labels), given), 1)
    np.fill_diagonal(counts, 0)
    alike = 1 - np.eye(len(known))
    return {
        "random": alike / alike.sum(axis=1, keepdims=True),
        "next label": np.roll(np.eye(len(known)), 1, axis=1),
        "confusable": counts / counts.sum(axis=1, keepdims=True),
    }


def drift(seeds: int) -> None:
    """Alarms in example histories with one plant, with the season, and with nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for causes in ("none", "new_product", "privacy_rise", "summer_season"):
            start, alarms = time.process_time(), 0
            for seed in range(40, 40 + (seeds if causes == "none" else min(seeds, 4))):
                history = example(Path(folder) / f"{causes}-{seed}", causes, seed)
                found = watch(history)
                alarms += len(found)
                first = [f"week {a.week + 1} {a.kind} {a.what}" for a in found[:3]]
                weeks = len({a.week for a in found})
                print(f"{causes} {seed}: {len(found)} alarms in {weeks} weeks; {'; '.join(first)}",
                      flush=True)  # fmt: skip
            spent = time.process_time() - start
            print(f"{causes}: {alarms} alarms in all, {spent:.0f} s of CPU", flush=True)
        quiet = [example(Path(folder) / f"none-{s}", "none", s) for s in range(40, 40 + seeds)]
        for level in (1e-2, 5e-2):
            found = [watch(history, Vigilance(false_alarms=level)) for history in quiet]
            print(f"none, false_alarms={level:g}: {sum(map(len, found))} alarms")


def example(folder: Path, causes: str, seed: int) -> History:
    """An example history, read by the shipped model and counted by week."""
    if not folder.exists():
        write_history(folder, complaints=20_000, weeks=WEEKS, seed=seed,
                      causes=causes if causes == "none" else [causes])  # fmt: skip
    frame = pd.read_csv(folder / "complaints.csv", dtype=str, keep_default_na=False)
    received = pd.to_datetime(frame["received_at"]).dt.tz_localize(None)
    frame["week"] = (received - END + pd.Timedelta(weeks=WEEKS)).dt.days // 7
    frame = frame[frame["week"] >= 0]
    texts = [clean(text) for text in frame["text"]]
    reading = open_desk().reader.read(texts)
    heads = open_desk().reader.heads
    codes = heads["issues"].labels
    predicted: dict[str, list[Any]] = {
        target: [heads[target].labels[k] for k in reading.best[target].tolist()]
        for target in ("category", "tier", "sentiment")
    }
    predicted["issues"] = [[codes[k] for k in row if k >= 0] for row in reading.issues.tolist()]
    return history_of(
        texts,
        frame["week"].tolist(),
        attributes={name: frame[name].tolist() for name in ATTRIBUTES},
        predictions=predicted,
        confidence={"category": reading.confidence("category").tolist()},
        labels={"issues": [row.split("|") if row else () for row in frame["issues"]],
                "category": frame["category"].tolist(), "tier": frame["tier"].tolist()},
        persons=frame["customer_id"].tolist(),
    )  # fmt: skip


def main() -> None:
    """Measure one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("curve", "mislabels", "drift"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--seeds", type=int)
    chosen = parser.parse_args()
    if chosen.what == "curve":
        curve(chosen.data, chosen.seeds or 5)
    elif chosen.what == "mislabels":
        mislabels(chosen.data, chosen.seeds or 3)
    else:
        drift(chosen.seeds or 10)


if __name__ == "__main__":
    main()
