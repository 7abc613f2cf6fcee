"""Further texts that teach at less weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.errors import InputError
from domain.taxonomy import shipped_taxonomy
from tests.triage.sentences import written_table
from triage.lesson import Recipe
from triage.train import Trained, train

SMALL = Recipe(features=2_000, folds=3, min_examples=3)


def test_more_texts_move_weights_and_no_share(trained: Trained) -> None:
    """They are named in the facts; rows, shares and counts stay the table's own."""
    table = written_table()
    more = replace(table, texts=[f"另有一件：{text}" for text in table.texts], source="more")
    taught = train(
        table, name="own", version="1.0.0", taxonomy=shipped_taxonomy(), more=more, recipe=SMALL
    )
    assert taught.facts["data"] == trained.facts["data"]
    assert taught.facts["more"][0]["rows"] == len(table.texts)
    assert "Further texts" in taught.card
    assert not np.array_equal(taught.model.scorer.slots, trained.model.scorer.slots)


def test_more_texts_without_weight_change_no_margin() -> None:
    """At weight 0 the labels of more texts are not heard."""
    table, silent = written_table(), replace(SMALL, more_weight=0.0)
    more = replace(table, source="more")
    swapped = {name: list(reversed(given)) for name, given in table.labels.items()}
    models = [
        train(table, name="own", version="1.0.0", taxonomy=shipped_taxonomy(),
              more=replace(more, labels=labels), recipe=replace(silent, features=1_000_000)).model
        for labels in (table.labels, swapped)
    ]  # fmt: skip
    assert np.array_equal(models[0].scorer.weights, models[1].scorer.weights)


def test_more_texts_with_a_label_the_table_lacks_are_refused() -> None:
    """No row of the table could say what that label's share is."""
    table = written_table()
    rows = len(table.texts)
    categories = ["安全卫生" if i % 2 else "产品质量" for i in range(rows)]
    few = replace(table, labels={"category": categories})
    more = replace(few, labels={"category": ["物流配送"] * rows})
    with pytest.raises(InputError, match="物流配送"):
        train(few, name="own", version="1.0.0", taxonomy=shipped_taxonomy(), more=more,
              recipe=SMALL)  # fmt: skip
