"""Tests of drift: planted changes are found in their week, and stationary weeks stay quiet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from api.services.example import write_history
from domain.errors import InputError, SettingRefused
from domain.text import clean
from triage.drift import Alarm, History, Vigilance, history_of, rows_to_label, watch

WEEKS = 26
TOTALS = np.full(WEEKS, 500)


def poisson(mean: float, seed: int, weeks: int = WEEKS) -> NDArray[np.int64]:
    return np.random.default_rng(seed).poisson(mean, weeks)


def example(folder: Path, causes: str | list[str], seed: int, complaints: int) -> History:
    """The example history with its attributes and main issues, counted by week."""
    write_history(folder, complaints=complaints, weeks=WEEKS, seed=seed, causes=causes)
    frame = pd.read_csv(folder / "complaints.csv", dtype=str, keep_default_na=False)
    received = pd.to_datetime(frame["received_at"]).dt.tz_localize(None)
    week = (received - pd.Timestamp("2025-09-01") + pd.Timedelta(weeks=WEEKS)).dt.days // 7
    frame = frame[week >= 0]
    return history_of(
        [clean(text) for text in frame["text"]],
        week[week >= 0].tolist(),
        attributes={name: frame[name].tolist() for name in ("product", "channel", "outlet")},
        labels={"issues": [codes.split("|") if codes else () for codes in frame["issues"]],
                "category": frame["category"].tolist()},
        persons=frame["customer_id"].tolist(),
    )  # fmt: skip


def test_a_new_product_and_new_phrases_are_flagged_in_their_first_week(tmp_path: Path) -> None:
    """The ring of week 21 by its attribute and its word, the data leak of week 18 by both."""
    history = example(tmp_path, ["new_product", "privacy_rise"], 7, 20_000)
    alarms = watch(history)
    first = {(a.kind, a.what): a.week for a in alarms}
    assert first["attribute", "product: 灵犀环G1"] == 20
    assert first["label", "issues: 8002"] in (17, 18)
    word = next(a for a in alarms if a.kind == "word" and "灵犀环" in a.what)
    assert word.week == 20
    assert all("环" in history.texts[row] for row in word.rows)
    assert set(rows_to_label([word], k=3)) <= set(word.rows)
    assert min(a.week for a in alarms) == 17


@pytest.mark.parametrize("seed", [31, 32])
def test_a_stationary_history_stays_quiet(tmp_path: Path, seed: int) -> None:
    """Twenty-two weeks, a hundred thousand n-grams and two hundred series: no alarm."""
    assert watch(example(tmp_path, "none", seed, 8_000)) == []


def test_the_season_does_not_alarm_every_week(tmp_path: Path) -> None:
    """Late deliveries rise for weeks; what once alarmed stays quiet while it lasts."""
    alarms = watch(example(tmp_path, ["summer_season"], 12, 10_000))
    assert len({a.week for a in alarms}) <= 4
    assert len({(a.kind, a.what) for a in alarms}) == len(alarms)


def test_overdispersed_counts_alarm_no_more_often_than_is_stated() -> None:
    """Counts with three times Poisson's variance, which a Poisson test would flag in crowds."""
    random = np.random.default_rng(5)
    words = {f"词{k}": random.negative_binomial(5, 1 / 3, WEEKS).tolist() for k in range(400)}
    assert watch(History(TOTALS, words=words), Vigilance(word_rise=1.2)) == []


def test_what_falls_away_is_flagged_as_well() -> None:
    """A word that stood in thirty complaints a week and now stands in none."""
    counts = poisson(30, 1)
    counts[24:] = 0
    alarms = watch(History(TOTALS, words={"旧活动": counts.tolist()}))
    assert [(a.week, a.direction, a.observed) for a in alarms] == [(24, "down", 0)]
    assert "少于" in alarms[0].zh


def test_a_slow_change_is_found_by_four_weeks_together() -> None:
    """A share that grows by half alarms through the month before any week alarms alone."""
    counts = poisson(40, 2)
    counts[20:] = [52, 55, 58, 57, 60, 56]
    found = watch(History(TOTALS, predictions={"tier": {"紧急": counts.tolist()}}))
    assert [a.direction for a in found] == ["up"]
    assert "近 4 周" in found[0].zh


def test_confidence_labels_and_corrections_are_watched() -> None:
    """Each kind of series alarms for its own reason, and names it."""
    bins = np.zeros((WEEKS, 10), np.int64)
    bins[:, 9], bins[:, 4] = 450, 50
    bins[-1, 9], bins[-1, 4] = 350, 150
    labels, corrected = poisson(20, 3), poisson(5, 4)
    labels[-1], corrected[-1] = 70, 30
    history = History(
        TOTALS, confidence={"category": bins}, labels={"category": {"物流": labels.tolist()}},
        labelled=[200] * WEEKS, corrected=corrected.tolist(), reviewed=[100] * WEEKS,
    )  # fmt: skip
    found = {(a.kind, a.what) for a in watch(history) if a.week == WEEKS - 1}
    assert {kind for kind, _ in found} == {"confidence", "label", "correction"}
    assert ("confidence", "category: < 0.5") in found


def test_weeks_without_complaints_are_gaps() -> None:
    """A holiday without a complaint is neither an alarm nor a baseline."""
    totals, counts = TOTALS.copy(), poisson(20, 6)
    totals[10:12] = 0
    counts[10:12] = 0
    assert watch(History(totals, words={"发票": counts.tolist()})) == []


def test_one_person_who_writes_often_is_one_voice() -> None:
    """Sixty texts of one customer are no new word; of sixty customers they are."""
    texts = ["快递还没有送到"] * 600 + ["纳米涂层起泡"] * 60
    weeks = [i // 100 for i in range(600)] + [6] * 60
    same: list[str | None] = [None] * 600 + ["c1"] * 60
    assert watch(history_of(texts, weeks, persons=same)) == []
    found = watch(history_of(texts, weeks))
    assert any(a.what == "纳米涂层起泡" and a.observed == 60 for a in found)


def test_alarms_start_where_asked_and_serve_as_json() -> None:
    """Earlier alarms are left out; an alarm turns into plain values."""
    counts = [0] * 20 + [9] * 6
    history = History(TOTALS, words={"灵犀环": counts})
    found = watch(history)
    assert [a.week for a in found] == [20]
    assert watch(history, since=21) == []
    assert found[0].to_plain()["what"] == "灵犀环"
    assert isinstance(found[0], Alarm)


def test_counts_that_do_not_fit_are_refused() -> None:
    """Lengths and settings are checked with a word on what would be right."""
    with pytest.raises(InputError, match="3 weeks, the history 26"):
        watch(History(TOTALS, words={"a": [1, 2, 3]}))
    with pytest.raises(InputError, match="2 weeks for 1 texts"):
        history_of(["屏闪"], [0, 1])
    with pytest.raises(InputError, match="from 0"):
        history_of(["屏闪"], [-1])
    with pytest.raises(SettingRefused, match="least=30"):
        Vigilance(least=30)
    with pytest.raises(SettingRefused, match="false_alarms"):
        Vigilance(false_alarms=1.0)
