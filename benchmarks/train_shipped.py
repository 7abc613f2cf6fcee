"""Train the models that Suyuan ships, from the tables beside the repository.

    python benchmarks/train_shipped.py --data ../shared --version 1.0.0 [--only complaints]

Writes models/<name>/<version> and the pins in triage/shipped.py. The tables stay where they are;
model files hold hashed features and numbers.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.further_labels import further_labels  # noqa: E402
from benchmarks.tier_grounds import tier_grounds  # noqa: E402
from benchmarks.written_complaints import written_complaints  # noqa: E402
from domain.errors import TextRefused  # noqa: E402
from domain.taxonomy import NO_COMPLAINT, Code, Taxonomy, shipped_taxonomy  # noqa: E402
from domain.text import clean  # noqa: E402
from triage.artefact import manifest_pin  # noqa: E402
from triage.lesson import Recipe, Table  # noqa: E402
from triage.train import Progress, Trained, categories_only, train  # noqa: E402

MODELS = ROOT / "models"
FURTHER = "benchmarks/further_labels.csv.gz (read by a language model under the labelling guide)"
WRITTEN = "benchmarks/written_complaints.csv.gz (written by one)"
PINS = ROOT / "triage" / "shipped.py"


def readable(path: Path) -> pd.DataFrame:
    """Rows of a table whose text a desk would take, with the text cleaned."""
    return cleaned(pd.read_csv(path, dtype=str, keep_default_na=False))


def cleaned(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows whose text a desk would take, with the text cleaned."""
    texts: list[str | None] = []
    for text in frame["text"]:
        try:
            texts.append(clean(text))
        except TextRefused:
            texts.append(None)
    return frame.assign(text=texts).dropna(subset=["text"])


def complaints_table(data: Path) -> Table:
    """The labelled complaints."""
    frame = readable(data / "labels" / "train.csv.gz")
    labels = complaint_labels(frame) | {"category": frame["category"].tolist()}
    drawn = np.asarray(frame["sample"] == "random")
    texts = frame["text"].tolist()
    return Table(texts, labels, drawn, "labels/train.csv.gz", tier_grounds(texts))


def further_table(data: Path) -> Table:
    """Complaints that a language model read or wrote under the guide for this project."""
    return together(read_table(data), written_table(written_complaints()))


def read_table(data: Path) -> Table:
    """Real texts with the labels that a language model gave them."""
    return labelled(further_labels(data), FURTHER)


def written_table(frame: pd.DataFrame) -> Table:
    """Texts of `written_complaints`."""
    return labelled(frame, WRITTEN)


def together(first: Table, second: Table) -> Table:
    """Two tables with the same kinds of labels as one."""
    labels = {name: [*first.labels[name], *second.labels[name]] for name in first.labels}
    source = f"{first.source}; {second.source}"
    grounds = [*(first.grounds or ()), *(second.grounds or ())]
    return Table([*first.texts, *second.texts], labels, None, source, grounds)


def labelled(frame: pd.DataFrame, source: str) -> Table:
    """Rows whose main code gives the category."""
    frame = cleaned(frame)
    taxonomy = shipped_taxonomy()
    main = [codes.split("|")[0] for codes in frame["issues"]]
    category = [taxonomy.category(code) if code else NO_COMPLAINT for code in main]
    labels = complaint_labels(frame) | {"category": category}
    texts = frame["text"].tolist()
    return Table(texts, labels, None, source, tier_grounds(texts))


def complaint_labels(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Labels of complaints but for the category.

    Of the intents four are left, so that sixty-four outputs in all fill one cache line.
    """
    return {
        "issues": [tuple(codes.split("|")) if codes else () for codes in frame["issues"]],
        "tier": frame["tier"].tolist(),
        "sentiment": frame["sentiment"].tolist(),
        "intent": ["咨询" if said in ("建议", "其他") else said for said in frame["intent"]],
    }


def hotline_table(data: Path) -> Table:
    """Hotline messages with the first of three levels as their category."""
    path = data / "data" / "hotline_categories.csv.gz"
    frame = readable(path)
    labels = {"category": frame["category"].tolist()}
    return Table(frame["text"].tolist(), labels, None, f"data/{path.name}")


def helper_tables(data: Path) -> list[Table]:
    """Other labels of other texts: emotions."""
    path = data / "data" / "weibo_emotions.csv.gz"
    emotions = readable(path)
    labels = {"emotion": emotions["emotion"].tolist()}
    return [Table(emotions["text"].tolist(), labels, None, f"data/{path.name}")]


def hotline_taxonomy(data: Path) -> Taxonomy:
    """The first level of the hotline's codes."""
    frame = pd.read_csv(data / "data" / "hotline_taxonomy.csv.gz", dtype=str, keep_default_na=False)
    rows = zip(frame["level3_code"], frame["level1"], frame["level2"], frame["level3"], strict=True)
    return categories_only(Taxonomy(Code(code, tuple(path)) for code, *path in rows))


def hotline_recipe() -> Recipe:
    """How the hotline model is trained."""
    return replace(Recipe(), cost=0.2, balance=0.5, tilt=True, opening=20, lean=("category",))


def complaints_recipe() -> Recipe:
    """How the complaints model is trained."""
    return replace(Recipe(), hidden=256)


def trained_complaints(table: Table, more: Table, data: Path, *, version: str = "0.0.0",
                       seed: int = 7, progress: Progress | None = None) -> Trained:  # fmt: skip
    """The complaints model of some tables, by the shipped recipe."""
    recipe = replace(complaints_recipe(), seed=seed)
    return train(table, name="complaints", version=version, taxonomy=shipped_taxonomy(),
                 more=more, helpers=helper_tables(data), recipe=recipe,
                 progress=progress)  # fmt: skip


def publish(trained: Trained) -> None:
    """Put the model in place of one of the same version."""
    target = MODELS / trained.model.name / trained.model.version
    if target.exists():
        shutil.rmtree(target)
    trained.publish(MODELS)


def write_pins() -> None:
    """Write the checksums of all manifests below models/ into the code."""
    pins = {
        (path.parents[1].name, path.parent.name): manifest_pin(path.parent)
        for path in sorted(MODELS.glob("*/*/manifest.json"))
    }
    lines = [f'    ("{name}", "{version}"): ("{pin}"),\n' for (name, version), pin in pins.items()]
    PINS.write_text(
        '"""Checksums of the manifests of the models that this release ships.\n\n'
        'Written by benchmarks/train_shipped.py.\n"""\n\n'
        "from __future__ import annotations\n\n"
        "PINNED: dict[tuple[str, str], str] = {\n" + "".join(lines) + "}\n",
        encoding="utf-8",
    )


def main() -> None:
    """Train, publish and pin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--only", choices=("complaints", "hotline"))
    chosen = parser.parse_args()

    def tell(step: str, share: float) -> None:
        print(f"{share:6.1%}  {step}", flush=True)

    if chosen.only != "hotline":
        tables = complaints_table(chosen.data), further_table(chosen.data)
        publish(trained_complaints(*tables, chosen.data, version=chosen.version, progress=tell))
    if chosen.only != "complaints":
        table, taxonomy = hotline_table(chosen.data), hotline_taxonomy(chosen.data)
        publish(train(table, name="hotline", version=chosen.version, taxonomy=taxonomy,
                      recipe=hotline_recipe(), progress=tell))  # fmt: skip
    write_pins()


if __name__ == "__main__":
    main()
