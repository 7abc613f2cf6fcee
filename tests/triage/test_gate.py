"""Tests of the gate: eight bad candidates, each really trained or really broken, and a good one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from api.services.example import write_history
from domain.errors import InputError, SettingRefused
from domain.taxonomy import Code, Taxonomy, shipped_taxonomy
from domain.text import clean
from triage.comparison import Comparison, answers, compare
from triage.desk import Desk
from triage.duplicates import near_duplicates
from triage.gate import (
    MAJOR,
    Candidate,
    Measurements,
    Policy,
    Source,
    Verdict,
    audit_sources,
    candidate,
    capped_rows,
    judge,
    paired_micros,
    unfinite_parts,
)
from triage.lesson import Recipe, Table
from triage.mislabels import out_of_fold_shares
from triage.model import Model
from triage.registry import open_model
from triage.train import library_versions, train

TAUGHT, SIZE = 2400, 12_000_000
POLICY = Policy(recall_floor=0.5, fewest_major=10)
HANDLERS = ("甲组", "乙组", "丙组", "丁组")
BASE = open_model("complaints")


@dataclass(frozen=True)
class House:
    """An example history, the model in use, and what is measured on the weeks that came after."""

    texts: list[str]
    categories: list[str]
    tiers: list[str]
    handlers: list[str]
    champion: Model

    @property
    def frozen(self) -> slice:
        return slice(TAUGHT, len(self.texts))

    def taught(
        self,
        rows: Sequence[int],
        categories: Sequence[str] | None = None,
        tiers: Sequence[str] | None = None,
        taxonomy: Taxonomy | None = None,
    ) -> Model:
        given = {"category": categories or self.categories, "tier": tiers or self.tiers}
        return _trained([self.texts[i] for i in rows],
                        {t: [labels[i] for i in rows] for t, labels in given.items()},
                        taxonomy)  # fmt: skip

    def compared(self, challenger: Model) -> Comparison:
        texts = self.texts[self.frozen]
        truth = {"category": self.categories[self.frozen], "tier": self.tiers[self.frozen]}
        old, new = (answers(Desk(model, BASE), texts) for model in (self.champion, challenger))
        return compare(truth, old, new, groups=near_duplicates(texts), rounds=300)

    def verdict(self, challenger: Model, **more: Any) -> Verdict:
        measured = Measurements({"frozen": self.compared(challenger)}, None, (), library_versions())
        return judge(self.seen(self.champion), self.seen(challenger), replace(measured, **more),
                     POLICY)  # fmt: skip

    def seen(self, model: Model) -> Candidate:
        return candidate(model, SIZE, library_versions())

    def audited(self, labels: Sequence[str]) -> list[Source]:
        shares, classes = out_of_fold_shares(self.texts[:TAUGHT], labels)
        return audit_sources(self.handlers[:TAUGHT], labels, shares, classes)


def _trained(
    texts: Sequence[str], labels: dict[str, list[str]], taxonomy: Taxonomy | None = None
) -> Model:
    recipe = Recipe(features=20_000, folds=3, min_examples=3)
    taxonomy = taxonomy or shipped_taxonomy()
    return train(Table(texts, labels), name="house", version="1.0.0", taxonomy=taxonomy,
                 recipe=recipe).model  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = Path(tmp_path_factory.mktemp("history"))
    write_history(folder, complaints=3_600, weeks=12, seed=5, causes="none")
    frame = pd.read_csv(folder / "complaints.csv", dtype=str, keep_default_na=False)
    frame = frame.sort_values("received_at", kind="stable")
    texts, categories, tiers = map(clean, frame["text"]), frame["category"], frame["tier"]
    handlers = [HANDLERS[i % 4] for i in range(len(frame))]
    labels = {"category": categories.tolist(), "tier": tiers.tolist()}
    held = list(texts)
    champion = _trained(held[:1800], {target: given[:1800] for target, given in labels.items()})
    return House(held, *labels.values(), handlers, champion)


@pytest.fixture(scope="module")
def good(house: House) -> Model:
    """A model of six hundred rows more than the champion's."""
    return house.taught(range(TAUGHT))


def flipped(labels: Sequence[str], rows: Sequence[int], seed: int = 3) -> list[str]:
    """The labels with those of some rows replaced by others."""
    random, changed, known = np.random.default_rng(seed), list(labels), sorted(set(labels))
    for row in rows:
        changed[row] = str(random.choice([label for label in known if label != changed[row]]))
    return changed


def test_a_model_of_more_of_the_same_rows_passes(house: House, good: Model) -> None:
    """Six hundred further rows, honest labels from four groups, and as fast: nothing is found."""
    read = [Desk(model, BASE).reader.read for model in (house.champion, good)]
    micros = paired_micros(*read, house.texts[house.frozen], time.process_time)
    sources = house.audited(house.categories[:TAUGHT])
    found = house.verdict(good, micros=micros, sources=sources)
    assert found.passed, found.refusals


def test_a_candidate_that_loses_two_points_of_macro_f1_is_refused(house: House) -> None:
    """A model of a tenth of the rows reads categories worse by more than two points."""
    worse = house.taught(range(0, TAUGHT, 8))
    gap = house.compared(worse)["category"].figures["macro_f1"]
    assert gap.difference <= -0.02
    refusals = house.verdict(worse).refusals
    said = next(r for r in refusals if r.code == "macro_f1" and r.target == "category")
    assert said.measured == gap.difference
    assert f"{gap.challenger:.3f}" in said.zh
    assert f"{gap.challenger:.3f}" in said.en


def test_a_candidate_that_lacks_a_class_is_refused(house: House) -> None:
    """Without the rows of one category the model cannot say it."""
    rows = [i for i in range(TAUGHT) if house.categories[i] != "服务态度"]
    refusals = house.verdict(house.taught(rows)).refusals
    said = next(r for r in refusals if r.code == "class_lost")
    assert "服务态度" in said.zh


def test_a_class_that_is_never_found_is_refused(house: House, good: Model) -> None:
    """The label is there, but no text ever gets it."""
    head = good.heads["category"]
    shift = head.shift.copy()
    shift[head.labels.index("服务态度")] -= 50
    heads = {**good.heads, "category": replace(head, shift=shift)}
    refusals = house.verdict(replace(good, heads=heads)).refusals
    assert any(r.code == "class_lost" and "一条也未识别" in r.zh for r in refusals)


@pytest.mark.parametrize("of_all", [True, False], ids=["of all rows", "of the source's rows"])
def test_five_percent_flipped_labels_of_one_source_are_refused(house: House, of_all: bool) -> None:
    """Flips that one group made give that group away, and no other."""
    mine = [i for i in range(TAUGHT) if house.handlers[i] == "丙组"]
    rows = mine[: TAUGHT // 20] if of_all else mine[::20]
    labels = flipped(house.categories[:TAUGHT], rows)
    bad = house.taught(range(TAUGHT), categories=labels)
    refusals = house.verdict(bad, sources=house.audited(labels)).refusals
    assert [r.en.split()[5] for r in refusals if r.code == "label_source"] == ["丙组"]


@pytest.fixture(scope="module")
def careless(house: House) -> Model:
    """Trained on severe rows of which every second was taken down."""
    severe = [i for i in range(TAUGHT) if house.tiers[i] == MAJOR]
    tiers = list(house.tiers)
    for i in severe[::2]:
        tiers[i] = "普通"
    return house.taught(range(TAUGHT), tiers=tiers)


def test_a_candidate_that_misses_more_severe_complaints_is_refused(
    house: House, careless: Model
) -> None:
    """Taught that half of the severe complaints are ordinary, it finds fewer of them."""
    gap = house.compared(careless)["tier"].per_class[MAJOR]["recall"]
    assert gap.difference <= -0.02
    said = next(r for r in house.verdict(careless).refusals if r.code == "major_recall")
    assert said.measured == gap.difference


def test_a_model_below_the_floor_is_refused_though_the_champion_is_no_better(
    house: House, careless: Model
) -> None:
    """The floor for severe complaints does not depend on what was there before."""
    same = replace(house, champion=careless)
    seen = same.seen(careless)
    here = Measurements({"frozen": same.compared(careless)}, libraries=library_versions())
    assert judge(seen, seen, here, POLICY).passed
    assert judge(seen, seen, here, replace(POLICY, recall_floor=1.0)).codes == ("major_floor",)


def test_a_model_of_another_scikit_learn_is_refused(house: House) -> None:
    """What was trained under another minor version is not believed; a patch does no harm."""
    seen = house.seen(house.champion)
    here = Measurements({"frozen": house.compared(house.champion)}, libraries=library_versions())
    old = replace(seen, libraries={**library_versions(), "scikit-learn": "0.24.2"})
    refused = judge(seen, old, here, POLICY)
    assert refused.codes == ("libraries",)
    assert "0.24.2" in refused.refusals[0].zh
    unknown = judge(seen, replace(seen, libraries={}), here, POLICY)
    assert unknown.codes == ("libraries",)
    patched = ".".join([*library_versions()["scikit-learn"].split(".")[:2], "99"])
    same = replace(seen, libraries={**library_versions(), "scikit-learn": patched})
    assert judge(seen, same, here, POLICY).passed


def test_a_model_of_another_label_set_is_refused(house: House) -> None:
    """A taxonomy in which a category has another name gives other labels."""
    taxonomy = Taxonomy(
        Code(code.code, tuple("礼貌" if part == "服务态度" else part for part in code.path))
        for code in shipped_taxonomy().codes.values()
    )
    categories = ["礼貌" if c == "服务态度" else c for c in house.categories]
    other = house.taught(range(TAUGHT), categories=categories, taxonomy=taxonomy)
    said = next(r for r in house.verdict(other).refusals if r.code == "label_set")
    assert "礼貌" in said.en
    assert "服务态度" in said.en


def test_a_model_with_a_weight_that_is_no_number_is_refused(house: House, good: Model) -> None:
    """One NaN among the steps of the weights is enough, and the part is named."""
    steps = good.scorer.steps.copy()
    steps[17] = np.nan
    broken = replace(good, scorer=replace(good.scorer, steps=steps))
    assert unfinite_parts(broken) == ("scorer.steps",)
    seen = replace(house.seen(good), unfinite=unfinite_parts(broken))
    here = Measurements({"frozen": house.compared(good)}, libraries=library_versions())
    found = judge(house.seen(house.champion), seen, here, POLICY)
    assert found.codes == ("not_finite",)


def test_a_candidate_that_takes_ten_times_as_long_is_refused(house: House) -> None:
    """Measured turn about with the champion by CPU time."""
    read = Desk(house.champion, BASE).reader.read
    texts = house.texts[house.frozen]

    def slowly(given: Sequence[str]) -> None:
        for _ in range(10):
            read(given)

    micros = paired_micros(read, slowly, texts, time.process_time, rounds=3)
    found = house.verdict(house.champion, micros=micros)
    assert found.codes == ("speed",)


def test_a_candidate_that_is_much_larger_or_unmeasured_is_refused(house: House) -> None:
    """Size is held against the champion's; without a frozen set nothing is proven."""
    seen = house.seen(house.champion)
    here = Measurements({"frozen": house.compared(house.champion)}, libraries=library_versions())
    large = replace(seen, size_bytes=5 * SIZE)
    assert judge(seen, large, here, POLICY).codes == ("size",)
    assert judge(seen, seen, replace(here, sets={})).codes == ("not_measured",)


def test_a_source_that_gave_too_many_rows_is_refused_and_can_be_capped() -> None:
    """What is capped to the allowed share passes; a trusted source has no cap."""
    sources = ["导入"] * 500 + ["甲组"] * 300 + ["乙组"] * 100
    policy = Policy(source_share=0.3, trusted=("导入",), libraries=())
    labels = ["甲", "乙"] * 450
    shares = np.tile([[0.6, 0.4], [0.4, 0.6]], (450, 1))

    def codes(rows: Sequence[int]) -> tuple[str, ...]:
        who, given = [sources[i] for i in rows], [labels[i] for i in rows]
        audited = audit_sources(who, given, shares[rows], ["甲", "乙"])
        empty = Candidate("m", "1.0.0", {})
        return judge(empty, empty, Measurements({}, sources=audited), policy).codes

    assert codes(range(900)) == ("source_share",)
    kept = capped_rows(sources, policy)
    assert codes(kept.tolist()) == ()
    assert sum(sources[i] == "导入" for i in kept) == 500
    assert capped_rows(["a"] * 5).tolist() == [0, 1, 2, 3, 4]


def test_settings_that_cannot_work_are_refused() -> None:
    """A share above 1 and a factor below 1 say what would be right."""
    with pytest.raises(SettingRefused, match="recall_floor is 80"):
        Policy(recall_floor=80)
    with pytest.raises(SettingRefused, match="at least 1"):
        Policy(slower=0.5)
    with pytest.raises(InputError, match="1 sources"):
        audit_sources(["a"], [], np.zeros((0, 2)), ["甲", "乙"])
