"""The second stage that is not linear."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from domain.calendar import CHINA
from domain.errors import ModelRefused, SettingRefused
from domain.taxonomy import shipped_taxonomy
from tests.triage.sentences import COMPLAINTS, written_table
from triage.desk import Desk
from triage.gate import unfinite_parts
from triage.lesson import Recipe
from triage.network import Goal, Network, fit_network
from triage.scorer import LayeredScorer, scorer_from
from triage.train import Trained, train

RANDOM = np.random.default_rng(5)


def network_of(inputs: int, hidden: int, outputs: int) -> Network:
    """A network of random weights."""
    shapes = ((inputs, hidden), (hidden,), (hidden, outputs), (inputs, outputs), (outputs,))
    return Network(*(RANDOM.standard_normal(shape).astype(np.float32) for shape in shapes))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (7, 3, 5), (30, 17, 20), (64, 32, 16)])
@pytest.mark.parametrize("texts", [0, 1, 2, 5, 11])
def test_logits_are_those_of_matrix_products(sizes: tuple[int, int, int], texts: int) -> None:
    """Whatever does not fill a register or a pair."""
    network = network_of(*sizes)
    given = RANDOM.standard_normal((texts, sizes[0])).astype(np.float32)
    active = np.maximum(given @ network.lower + network.threshold, 0)
    wanted = given @ network.direct + active @ network.upper + network.shift
    np.testing.assert_allclose(network.logits(given), wanted, rtol=1e-4, atol=1e-4)


def test_a_text_alone_gets_the_bits_it_gets_in_any_batch() -> None:
    """In pairs, left over, or by itself."""
    network = network_of(30, 17, 20)
    given = RANDOM.standard_normal((11, 30)).astype(np.float32)
    together = network.logits(given)
    for first in range(11):
        for size in (1, 2, 3):
            part = network.logits(given[first : first + size])
            assert np.array_equal(part, together[first : first + size])


def test_what_no_line_parts_is_learned() -> None:
    """Exclusive or, beside a second goal that several labels may fulfil."""
    given = RANDOM.integers(0, 2, (4_000, 2)).astype(np.float32)
    odd = given[:, 0] != given[:, 1]
    truth = np.column_stack([odd, ~odd, given > 0])
    goals = [Goal(slice(0, 2), False), Goal(slice(2, 4), True)]
    made = [fit_network(given, truth, goals, np.ones(4_000, np.float32), 32, 1) for _ in range(2)]
    logits = made[0].logits(given[:200])
    assert np.array_equal(logits[:, 0] > logits[:, 1], odd[:200])
    assert np.array_equal(logits[:, 2:] > 0, given[:200] > 0)
    assert np.array_equal(made[0].lower, made[1].lower)


def test_slopes_are_what_a_small_step_shows() -> None:
    """Near a text the network is straight."""
    network = network_of(12, 9, 4)
    given = RANDOM.standard_normal((1, 12)).astype(np.float32)
    slopes = network.slopes(given[0], network.lower, network.direct)
    for i in range(12):
        step = np.zeros_like(given)
        step[0, i] = 1e-3
        moved = network.logits(given + step) - network.logits(given)
        np.testing.assert_allclose(moved[0] / 1e-3, slopes[i], atol=2e-2)


@pytest.fixture(scope="module")
def layered() -> Trained:
    """A small model with a network, taught by the written table and once more by its texts."""
    table = written_table()
    more = replace(table, texts=[f"另有一件：{text}" for text in table.texts], source="more")
    recipe = Recipe(features=2_000, folds=3, min_examples=3, hidden=12)
    return train(
        table, name="own", version="1.0.0", taxonomy=shipped_taxonomy(), more=more, recipe=recipe
    )


def test_a_layered_model_decides_and_says_why(layered: Trained, desk: Desk) -> None:
    """Training, model file, decision and evidence go through the network."""
    scorer = scorer_from(layered.model.scorer.to_arrays())
    assert isinstance(scorer, LayeredScorer)
    assert unfinite_parts(layered.model) == ()
    own = Desk(replace(layered.model, scorer=scorer), desk.model)
    moment = datetime(2026, 3, 10, 12, tzinfo=CHINA)
    decided = [own.decide(text, moment) for text in COMPLAINTS]
    assert decided == [Desk(layered.model, desk.model).decide(t, moment) for t in COMPLAINTS]
    assert any(decision.evidence for decision in decided)
    figures = layered.facts["figures"]["cross_validation"]
    assert 0 < figures["category"]["macro_f1"] <= 1


def test_what_does_not_fit_together_is_refused(layered: Trained) -> None:
    """A network of other inputs, of other units, or with a value that is no number."""
    arrays = layered.model.scorer.to_arrays()
    network = arrays["network"]
    short = {**network, "lower": network["lower"][:-1], "direct": network["direct"][:-1]}
    with pytest.raises(ModelRefused, match="its network reads"):
        scorer_from({**arrays, "network": short})
    with pytest.raises(ModelRefused, match="does not fit together"):
        scorer_from({**arrays, "network": {**network, "upper": network["upper"][:-1]}})
    with pytest.raises(ModelRefused, match="no numbers"):
        scorer_from({**arrays, "network": {**network, "shift": network["shift"] + np.nan}})


def test_negative_units_are_refused() -> None:
    """There is nothing they could mean."""
    with pytest.raises(SettingRefused, match="hidden"):
        Recipe(hidden=-1)
