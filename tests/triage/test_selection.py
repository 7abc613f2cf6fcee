"""Tests of the queue: what teaches most comes first, for reasons that are named."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from domain.errors import InputError, SettingRefused
from tests.triage.test_mislabels import written
from triage.classifier import ComplaintClassifier
from triage.selection import (
    DISAGREEING,
    NEW_WORDS,
    RARE,
    REASONS,
    UNSURE,
    next_texts,
    next_to_label,
    novelty,
)

SURE = [0.98, 0.01, 0.01]


def shares_of(*rows: list[float]) -> NDArray[np.float64]:
    return np.array(rows)


def test_the_least_sure_rows_come_first() -> None:
    """By the lead of the best label over the second, whatever the third has."""
    found = next_to_label(shares_of(SURE, [0.5, 0.49, 0.01], [0.4, 0.3, 0.3]), k=2)
    assert found.rows.tolist() == [1, 2]
    assert found.reasons[0] == (UNSURE,)
    assert found.scores[0] > found.scores[1]


def test_of_equally_unsure_rows_the_rare_label_comes_first() -> None:
    """A row that may be of a label with three rows, before one between two frequent labels."""
    shares = shares_of([0.5, 0.5, 0.0], [0.5, 0.0, 0.5])
    found = next_to_label(shares, counts=[500, 500, 3], k=2)
    assert found.rows.tolist() == [1, 0]
    assert RARE in found.reasons[0]
    assert RARE not in found.reasons[1]


def test_rows_on_which_models_disagree_come_first() -> None:
    """Both models are sure, of different labels."""
    shares = shares_of(SURE, SURE)
    other = shares_of(SURE, [0.01, 0.98, 0.01])
    found = next_to_label(shares, others=[other], k=1)
    assert found.rows.tolist() == [1]
    assert found.reasons == [(DISAGREEING,)]


def test_words_that_no_labelled_text_holds_come_first() -> None:
    """Two texts of a new product, before texts whose words are known."""
    texts = ["快递没有送到", "灵犀环测不准心率", "灵犀环测不准血氧", "快递没有送达"]
    found = next_to_label(np.tile(SURE, (4, 1)), texts=texts, known=["快递没有送到"] * 3, k=2)
    assert sorted(found.rows.tolist()) == [1, 2]
    assert found.reasons[0] == (NEW_WORDS,)
    assert novelty(texts, ["快递没有送到"])[0] == 0


def test_the_same_is_not_asked_twice() -> None:
    """Of three copies and another unsure text, the two chosen are no copies."""
    texts = ["屏幕一直闪个不停"] * 3 + ["快递丢了没人管", "客服不回话"]
    shares = np.tile([0.5, 0.5], (5, 1)) - [[0.0, 0], [0, 0], [0, 0], [0, 0.1], [0, 0.1]]
    chosen = next_to_label(shares, texts=texts, k=3).rows.tolist()
    assert len({texts[i] for i in chosen}) == 3
    vectors = csr_matrix([[1.0, 0], [1, 0], [1, 0], [0, 1], [0, 1]])
    assert len({*next_to_label(shares, vectors=vectors, k=2).rows.tolist()} & {0, 1, 2}) == 1


def test_targets_are_weighed_together_and_codes_by_the_nearest_to_a_half() -> None:
    """A row that is unsure in its codes comes before one that is sure of everything."""
    shares = {
        "tier": shares_of(SURE, SURE, [0.6, 0.4, 0.0]),
        "issues": shares_of([0.99, 0.01], [0.99, 0.5], [0.99, 0.5]),
    }
    assert next_to_label(shares, k=3).rows.tolist() == [2, 1, 0]
    counts = {"issues": [100, 2]}
    assert next_to_label(shares, counts=counts, k=1).rows.tolist() == [2]


def test_chosen_labels_teach_more_than_random_ones() -> None:
    """From 20 rows on, 60 chosen ones beat 60 random ones on the rest, over five starts."""
    texts, labels = written()
    wins = 0
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(texts))
        start, pool = order[:20].tolist(), order[:160].tolist()
        known: list[str | None] = [labels[i] if i in start else None for i in pool]
        queue = next_texts([texts[i] for i in pool], known, k=40, seed=seed)
        chosen = start + [pool[i] for i in queue.rows]
        held = order[160:].tolist()

        def right(rows: list[int], held: list[int] = held) -> float:
            model = ComplaintClassifier(min_texts=1)
            model.fit([texts[i] for i in rows], [labels[i] for i in rows])
            given = model.predict([texts[i] for i in held])
            return float(np.mean([g == labels[i] for g, i in zip(given, held, strict=True)]))

        wins += right(chosen) >= right(order[:60].tolist())
    assert wins >= 4


def test_without_labels_texts_far_from_one_another_are_asked() -> None:
    """A start from nothing; only rows without a label are named, each once, with a reason."""
    texts, labels = written()
    found = next_texts(texts, [None] * len(texts), k=9)
    assert len({labels[i] for i in found.rows}) == 3
    half: list[str | None] = [label if i % 2 else None for i, label in enumerate(labels)]
    found = next_texts(texts, half, k=500)
    assert sorted(found.rows.tolist()) == list(range(0, len(texts), 2))
    assert all(set(why) <= set(REASONS) and why for why in found.reasons)
    again = next_texts(texts, half, k=500)
    assert np.array_equal(found.rows, again.rows)


def test_what_does_not_fit_is_refused() -> None:
    """Shapes, counts, models with other labels, settings."""
    shares = shares_of(SURE, SURE)
    with pytest.raises(SettingRefused, match="k is 0"):
        next_to_label(shares, k=0)
    with pytest.raises(InputError, match="shapes"):
        next_to_label({"tier": shares, "category": shares[:1]})
    with pytest.raises(InputError, match="2 counts for 3 labels"):
        next_to_label(shares, counts=[1, 2])
    with pytest.raises(InputError, match="other labels"):
        next_to_label(shares, others=[shares[:, :2]])
    with pytest.raises(InputError, match="1 texts for 2 rows"):
        next_to_label(shares, texts=["屏闪"])
    with pytest.raises(InputError, match="every text has a label"):
        next_texts(["屏闪"], ["质量"])
    with pytest.raises(InputError, match="at least one target"):
        next_to_label({})
