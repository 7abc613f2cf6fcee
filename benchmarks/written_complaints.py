"""Complaints that were written for this project, to teach where the lines run.

The labelled tables hold what people did write; they seldom hold two texts that differ in the one
fact that decides. These were written by a language model under the labelling guide, a third of
them as such pairs, and are ours to give away: ``written_complaints.csv.gz`` holds their texts.

    python benchmarks/written_complaints.py --data ../shared    # what half teaches of the rest
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from triage.lesson import Table
    from triage.model import Model
    from triage.train import Trained

FILE = Path(__file__).with_name("written_complaints.csv.gz")
SINGLE = ("category", "tier", "sentiment")


def written_complaints() -> pd.DataFrame:
    """All of them.

    Returns
    -------
    DataFrame
        Columns ``theme, part, text, issues, tier, sentiment, intent``; each theme was written in
        twelve parts.
    """
    return pd.read_csv(FILE, dtype=str, keep_default_na=False)


def trained_with(taught: pd.DataFrame, data: Path) -> Trained:
    """The shipped model's recipe with some of the written texts."""
    from benchmarks import train_shipped as shipped

    more = shipped.together(shipped.read_table(data), shipped.written_table(taught))
    return shipped.trained_complaints(shipped.complaints_table(data), more, data)


def figures_on(model: Model, asked: Table) -> dict[str, float]:
    """What a model reaches on written texts."""
    from triage.desk import Desk
    from triage.evaluate import issue_figures, label_figures

    reader = Desk(model).reader
    reading = reader.read(asked.texts)
    found: dict[str, float] = {}
    for target in SINGLE:
        labels = reader.heads[target].labels
        said = [labels[k] for k in reading.best[target]]
        found[f"{target} macro-F1"] = label_figures(asked.labels[target], said)["macro_f1"]
    codes = reader.heads["issues"].labels
    given = [[codes[k] for k in row if k >= 0] for row in reading.issues]
    truth = [list(row) for row in asked.labels["issues"]]
    found["issues micro-F1"] = issue_figures(truth, given)["micro_f1"]
    decided = reading.tiers == 2
    major = np.array([label == "重大" for label in asked.labels["tier"]])
    found["重大 as decided, recall"] = float(decided[major].mean())
    found["precision"] = float(major[decided].mean())
    return found


def figures_of(trained: Trained) -> dict[str, float]:
    """What it reaches on the table's random rows, cross-validated."""
    random = trained.facts["figures"]["cross_validation"]
    found = {f"{target} macro-F1": random[target]["macro_f1"] for target in SINGLE}
    return found | {"issues micro-F1": random["issues"]["micro_f1"]}


def shown(figures: dict[str, float]) -> str:
    """One line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


def main() -> None:
    """Train without them, and with every other part; measure both on the parts left out."""
    root = Path(__file__).resolve().parents[1]
    sys.path.insert(0, str(root))
    from benchmarks.train_shipped import written_table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=root.parent / "shared")
    data = parser.parse_args().data
    rows = written_complaints()
    held = np.array(rows["part"].astype(int) % 2 == 0)
    asked = written_table(rows[held])
    for name, taught in (("none of them", rows[:0]), ("every other part", rows[~held])):
        trained = trained_with(taught, data)
        print(f"taught {name} ({len(taught):,}), asked {len(asked.texts):,}:")
        print(f"  written texts: {shown(figures_on(trained.model, asked))}")
        print(f"  random rows of the table, cross-validated: {shown(figures_of(trained))}")


if __name__ == "__main__":
    main()
