"""Suyuan's triage and its peers, side by side, in one run.

    python benchmarks/triage.py [--data ../shared] [--rows N] [--rounds 3]

Every pipeline is fitted to the same rows of the hotline table and measured on the same others
(a split by a hash of the text). The peers predict the category; Suyuan runs from the raw string
to the whole decision (category, issue codes, tier with its words, sentiment, route), without
evidence. Times are of one process and one thread: texts per second is the best of several
rounds in CPU time, p50 and p99 are of one text at a time on the clock. Memory is what loading
adds to the process.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import io
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import joblib  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.feature_selection import SelectKBest, chi2  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

from benchmarks.train_shipped import hotline_recipe, hotline_taxonomy, readable  # noqa: E402
from triage.desk import Desk  # noqa: E402
from triage.lesson import Table  # noqa: E402
from triage.registry import open_desk, open_model  # noqa: E402
from triage.train import train  # noqa: E402

NOW = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)
Predict = Callable[[Sequence[str]], Sequence[str]]


@dataclass
class Result:
    """One row of the table."""

    name: str
    macro_f1: float | None
    per_second: float
    p50_ms: float
    p99_ms: float
    model_mb: float
    load_s: float | None


def jieba_words(text: str) -> list[str]:
    """Words by jieba."""
    import jieba

    return jieba.lcut(text)


def rjieba_words(text: str) -> list[str]:
    """Words by rjieba."""
    import rjieba

    return rjieba.cut(text)


def jieba_joined(text: str) -> str:
    """Words by jieba, joined by blanks."""
    return " ".join(jieba_words(text))


class _Joined(TfidfVectorizer):  # type: ignore[misc]
    """The recipe that most tutorials show: jieba, blanks, the default vectoriser."""

    def build_preprocessor(self) -> Callable[[str], str]:
        return jieba_joined


def peers() -> dict[str, Pipeline]:
    """The pipelines that people ship."""
    words = {"token_pattern": None, "lowercase": False, "ngram_range": (1, 2), "min_df": 2}
    return {
        "jieba joined by blanks, default TfidfVectorizer, LinearSVC": make_pipeline(
            _Joined(), LinearSVC()
        ),
        "jieba words 1-2, LinearSVC": make_pipeline(
            TfidfVectorizer(tokenizer=jieba_words, sublinear_tf=True, **words), LinearSVC()
        ),
        "rjieba words 1-2, LinearSVC": make_pipeline(
            TfidfVectorizer(tokenizer=rjieba_words, sublinear_tf=True, **words), LinearSVC()
        ),
        "scikit-learn characters 1-2, 30,000 by chi-square, LinearSVC": make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True, min_df=2),
            SelectKBest(chi2, k=30_000),
            LinearSVC(),
        ),
    }


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four fifths to fit, one to measure, by a hash of the text."""
    held = frame["text"].map(lambda t: hashlib.sha256(t.encode()).digest()[0] % 5 == 0)
    return frame[~held], frame[held]


def timed(name: str, predict: Callable[[Sequence[str]], Any], texts: list[str], rounds: int,
          macro_f1: float | None, model_mb: float, load_s: float | None) -> Result:  # fmt: skip
    """Throughput of all texts together, and the time of each alone.

    The collector walks through everything once before the rounds, not before each: it pushes the
    models out of the processor's caches.
    """
    predict(texts[:50])
    gc.collect()
    fastest = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        predict(texts)
        fastest = min(fastest, time.process_time() - start)
    single: list[float] = []
    for text in texts[:1_000]:
        start = time.perf_counter()
        predict([text])
        single.append((time.perf_counter() - start) * 1_000)
    p50, p99 = np.percentile(single, [50, 99])
    return Result(name, macro_f1, len(texts) / fastest, p50, p99, model_mb, load_s)


def peer_result(name: str, model: Pipeline, fit: pd.DataFrame, held: pd.DataFrame,
                rounds: int) -> Result:  # fmt: skip
    """Fit a peer and measure it."""
    texts = held["text"].tolist()
    model.fit(fit["text"], fit["category"])
    macro_f1 = f1_score(held["category"], model.predict(texts), average="macro")
    buffer = io.BytesIO()
    joblib.dump(model, buffer, compress=3)
    start = time.perf_counter()
    joblib.load(io.BytesIO(buffer.getvalue()))
    loaded = time.perf_counter() - start
    size = len(buffer.getvalue()) / 1e6
    return timed(name, model.predict, texts, rounds, macro_f1, size, loaded)


def suyuan_desk(data: Path, fit: pd.DataFrame) -> Desk:
    """A desk whose category model has seen the same rows as the peers, and no other."""
    table = Table(fit["text"].tolist(), {"category": fit["category"].tolist()}, None, "split")
    trained = train(table, name="hotline", version="0.0.0", taxonomy=hotline_taxonomy(data),
                    recipe=hotline_recipe())  # fmt: skip
    return Desk(trained.model, open_model("complaints"))


def suyuan_results(desk: Desk, held: pd.DataFrame, rounds: int) -> list[Result]:
    """The kernel alone, and whole decisions by two models and by one."""
    texts = held["text"].tolist()
    labels = desk.reader.heads["category"].labels
    best = desk.reader.read(texts).best["category"]
    macro_f1 = f1_score(held["category"], [labels[k] for k in best], average="macro")
    base = open_desk("complaints")
    sizes = {name: model_mb(name) for name in ("complaints", "hotline")}
    loads = {name: load_seconds(name) for name in ("complaints", "hotline")}
    scorer = desk.model.scorer
    return [
        timed("Suyuan: category scores alone (fused kernel)", scorer.scores_of, texts, rounds,
              macro_f1, sizes["hotline"], None),
        timed("Suyuan: whole decision, hotline and complaints models",
              lambda batch: desk.decide_many(batch, NOW), texts, rounds, macro_f1,
              sum(sizes.values()), loads["hotline"]),
        timed("Suyuan: whole decision, complaints model",
              lambda batch: base.decide_many(batch, NOW), texts, rounds, None,
              sizes["complaints"], loads["complaints"]),
    ]  # fmt: skip


def model_mb(name: str) -> float:
    """Size of a shipped model's file."""
    newest = max((ROOT / "models" / name).glob("*/model.joblib"))
    return newest.stat().st_size / 1e6


def load_seconds(name: str) -> float:
    """Importing and opening a desk in a fresh interpreter, compiled code at hand."""
    code = (
        "import time; start = time.perf_counter()\n"
        "from triage.registry import open_desk\n"
        f"desk = open_desk({name!r})\n"
        "print(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
        for _ in range(3)
    ]
    return min(float(run.stdout) for run in runs)


def resident_mb(name: str) -> float:
    """What a desk that has decided once adds to the memory of an interpreter with numba."""
    code = (
        "import datetime, pathlib\n"
        "page_mb = 4096 / 1e6\n"
        "used = lambda: int(pathlib.Path('/proc/self/statm').read_text().split()[1]) * page_mb\n"
        "import numpy, scipy, numba; before = used()\n"
        "from triage.registry import open_desk\n"
        f"open_desk({name!r}).decide('屏幕一直闪，客服不理人', "
        "datetime.datetime.now(datetime.UTC), explain=False)\n"
        "print(used() - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    return float(run.stdout)


def fasttext_result(fit: pd.DataFrame, held: pd.DataFrame, rounds: int) -> Result | None:
    """fastText on characters, where it is installed."""
    try:
        import fasttext
    except ImportError:
        return None
    import tempfile

    def line(text: str) -> str:
        return " ".join(text.replace("\n", ""))

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "fit.txt"
        rows = zip(fit["category"], fit["text"], strict=True)
        path.write_text("\n".join(f"__label__{c} {line(t)}" for c, t in rows), encoding="utf-8")
        model = fasttext.train_supervised(
            str(path), wordNgrams=3, epoch=25, lr=0.5, dim=50, bucket=300_000, thread=1, verbose=0
        )
        saved = Path(directory) / "model.bin"
        model.save_model(str(saved))
        size = saved.stat().st_size / 1e6

    def predict(texts: Sequence[str]) -> list[str]:
        said = (model.f.predict(line(text) + "\n", 1, 0.0, "strict") for text in texts)
        return [pairs[0][1].removeprefix("__label__") for pairs in said]

    texts = held["text"].tolist()
    macro_f1 = f1_score(held["category"], predict(texts), average="macro")
    return timed("fastText on characters 1-3", predict, texts, rounds, macro_f1, size, None)


def main() -> None:
    """Print the table and the ratios that are promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--rows", type=int, help="measure on the first N held-out rows only")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")
    fit, held = split(readable(chosen.data / "data" / "hotline_categories.csv.gz"))
    held = held.head(chosen.rows) if chosen.rows else held
    print(f"{len(fit):,} rows to fit, {len(held):,} to measure, "
          f"{held['text'].str.len().mean():.0f} characters on average")  # fmt: skip
    results = suyuan_results(suyuan_desk(chosen.data, fit), held, chosen.rounds)
    for name, model in peers().items():
        results.append(peer_result(name, model, fit, held, chosen.rounds))
    fast = fasttext_result(fit, held, chosen.rounds)
    results += [fast] if fast else []
    show(results)
    print(f"memory that a desk adds: complaints {resident_mb('complaints'):.0f} MB, "
          f"hotline and complaints {resident_mb('hotline'):.0f} MB")  # fmt: skip
    if fast is None:
        print("fastText is not installed: left out (python -m pip install fasttext-wheel)")


def show(results: Sequence[Result]) -> None:
    """The table as markdown, with ratios to the first peer."""
    baseline = next(r for r in results if r.name.startswith("jieba joined"))
    print("| pipeline | macro-F1 | texts/s | x jieba | p50 ms | p99 ms | model MB | load s |")
    print("|---|---|---|---|---|---|---|---|")
    for r in results:
        macro_f1 = "" if r.macro_f1 is None else f"{r.macro_f1:.3f}"
        load = "" if r.load_s is None else f"{r.load_s:.2f}"
        print(f"| {r.name} | {macro_f1} | {r.per_second:,.0f} | "
              f"{r.per_second / baseline.per_second:.1f} | {r.p50_ms:.3f} | {r.p99_ms:.3f} | "
              f"{r.model_mb:.1f} | {load} |")  # fmt: skip


if __name__ == "__main__":
    main()
