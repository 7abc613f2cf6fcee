"""Tests of suspected labels: what is planted is found, what is hard to tell is left alone."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import InputError, SettingRefused
from triage.duplicates import near_duplicates
from triage.mislabels import out_of_fold_shares, suspect_codes, suspected_labels, suspects

SHARED = Path(__file__).resolve().parents[3] / "shared"
PARTS = {
    "质量": (("屏幕", "电池", "键盘", "喇叭"), ("闪个不停", "坏了修不好", "用三天就裂", "冒烟")),
    "物流": (("快递", "包裹", "配送员", "驿站"), ("迟迟没到", "丢了没人管", "送错了", "拒绝上门")),
    "服务": (("客服", "店员", "经理", "热线"), ("态度恶劣", "不回话", "推来推去", "挂我电话")),
}
WHEN = ["昨天", "上周", "买来第二天", "刚才", "这个月"]


def written(seed: int = 1) -> tuple[list[str], list[str]]:
    """240 sentences with their labels, in random order."""
    rows = [
        (f"{when}{what}{how}", label)
        for label, (whats, hows) in PARTS.items()
        for when, what, how in product(WHEN, whats, hows)
    ]
    order = np.random.default_rng(seed).permutation(len(rows))
    return [rows[i][0] for i in order], [rows[i][1] for i in order]


def planted(labels: list[str], n: int, seed: int = 2) -> tuple[list[str], set[int]]:
    random, wrong = np.random.default_rng(seed), list(labels)
    rows = random.choice(len(labels), n, replace=False).tolist()
    for row in rows:
        wrong[row] = str(random.choice([label for label in PARTS if label != labels[row]]))
    return wrong, set(rows)


def test_planted_errors_are_found_with_the_right_label() -> None:
    """Twelve of 240 labels are flipped; the first twelve suspects are these."""
    texts, labels = written()
    wrong, rows = planted(labels, 12)
    found = suspected_labels(texts, wrong, below=0.2)
    assert set(found["row"][:12]) == rows
    assert [labels[row] for row in found["row"][:12]] == found["suggested"][:12].tolist()
    assert found["score"].is_monotonic_decreasing


def test_an_honest_table_has_next_to_no_suspects() -> None:
    """Of 240 right labels at most two are suspected."""
    assert len(suspected_labels(*written())) <= 2


def test_two_labels_that_are_taken_for_one_another_are_not_suspected() -> None:
    """Where a model would choose the other label at 60 %, the given one may well be right."""
    shares = np.tile([0.6, 0.4], (50, 1))
    assert suspects(["乙"] * 50, shares, ["甲", "乙"]).empty
    assert len(suspects(["乙"] * 50, shares, ["甲", "乙"], below=1.0)) == 50


def test_near_copies_speak_for_one_another() -> None:
    """One label against two of its own copies is suspected where the model alone is not sure."""
    shares = np.tile([0.7, 0.3], (3, 1))
    labels, groups = ["甲", "甲", "乙"], np.array([4, 4, 4])
    assert suspects(labels, shares, ["甲", "乙"]).empty
    found = suspects(labels, shares, ["甲", "乙"], groups)
    assert found["row"].tolist() == [2]


def test_no_row_is_judged_by_a_model_that_saw_its_copy() -> None:
    """Copies whose label is wrong in all of them are still suspected."""
    texts, labels = written()
    row = labels.index("质量")
    texts += [texts[row], texts[row] + "！"]
    labels += ["物流", "物流"]
    labels[row] = "物流"
    shares, classes = out_of_fold_shares(texts, labels)
    copies = [row, len(texts) - 2, len(texts) - 1]
    assert (shares[copies].argmax(axis=1) == classes.index("质量")).all()


def test_shares_are_probabilities_and_the_same_for_the_same_seed() -> None:
    """Rows sum to 1; progress is told; a rare class has its column."""
    texts, labels = written()
    labels[0] = "其他"
    told: list[float] = []
    shares, classes = out_of_fold_shares(
        texts, labels, progress=lambda _step, share: told.append(share)
    )
    assert classes == ["其他", "服务", "物流", "质量"]
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(texts)))
    assert told == [0.0, 0.2, 0.4, 0.6, 0.8]
    again, _ = out_of_fold_shares(texts, labels)
    assert np.array_equal(shares, again)


def test_codes_that_miss_or_are_too_many_are_told_apart() -> None:
    """Both kinds, ranked together; what may be either is left alone."""
    shares = np.array([[0.995, 0.5, 0.001], [0.2, 0.02, 0.5]])
    found = suspect_codes([["1002"], ["1002"]], shares, ["1001", "1002", "1003"])
    assert found[["row", "code", "error"]].to_numpy().tolist() == [
        [0, "1001", "missing"], [1, "1002", "extra"]
    ]  # fmt: skip


def test_what_does_not_fit_is_refused() -> None:
    """Unknown labels, other shapes, one label alone, copies alone, settings."""
    texts, labels = written()
    with pytest.raises(InputError, match="'丙' is none of the 2 classes"):
        suspects(["丙"], np.ones((1, 2)), ["甲", "乙"])
    with pytest.raises(InputError, match=r"shape \(1, 3\)"):
        suspects(["甲"], np.ones((1, 3)), ["甲", "乙"])
    with pytest.raises(InputError, match="at least two"):
        out_of_fold_shares(texts, ["甲"] * len(texts))
    with pytest.raises(InputError, match="near copies"):
        out_of_fold_shares(["屏幕一直闪个不停"] * 8, ["甲", "乙"] * 4)
    with pytest.raises(InputError, match="3 labels for 240 texts"):
        out_of_fold_shares(texts, labels[:3])
    with pytest.raises(SettingRefused, match="folds is 1"):
        out_of_fold_shares(texts, labels, folds=1)
    with pytest.raises(SettingRefused, match="below is 0"):
        suspects(["甲"], np.ones((1, 2)), ["甲", "乙"], below=0)


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="../shared is not here")
def test_one_in_twenty_planted_in_a_real_table_is_found() -> None:
    """Hotline rows with 5 % random flips: precision at least 0.8 at a recall of at least 0.6."""
    path = SHARED / "data" / "hotline_categories.csv.gz"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)[["text", "category"]][:3000]
    texts, labels = frame["text"].tolist(), frame["category"].to_numpy()
    random, known = np.random.default_rng(8), np.unique(labels)
    rows = random.choice(len(texts), len(texts) // 20, replace=False)
    wrong = labels.copy()
    for row in rows:
        wrong[row] = random.choice(known[known != labels[row]])
    groups = near_duplicates(texts)
    shares, classes = out_of_fold_shares(texts, wrong.tolist(), groups=groups)
    hit = np.isin(suspects(wrong.tolist(), shares, classes, groups)["row"], rows)
    assert hit.mean() >= 0.8
    assert hit.sum() >= 0.6 * len(rows)
