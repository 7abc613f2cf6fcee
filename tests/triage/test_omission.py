"""Leaving words out of a text: estimates agree with scoring each text anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.triage.sentences import COMPLAINTS
from triage.alphabet import joined
from triage.desk import Desk
from triage.model import Model
from triage.omission import omitted, picked
from triage.registry import open_model
from triage.tier import word_features

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 6)), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def hotline() -> Model:
    """A shipped model whose scorer is linear, with an opening."""
    return open_model("hotline")


def _bounds(text: str, spans: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    starts = [min(start, len(text)) for start, _ in spans]
    stops = [min(start + size, len(text)) for start, (_, size) in zip(starts, spans, strict=True)]
    return np.array(starts, np.int64), np.array(stops, np.int64)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(COMPLAINTS), SPANS)
def test_the_text_without_each_span_is_what_slicing_gives(
    text: str, spans: list[tuple[int, int]]
) -> None:
    """Code points and offsets are those of the sliced strings, and can be picked from."""
    starts, stops = _bounds(text, spans)
    sliced = [text, *(text[:a] + text[b:] for a, b in zip(starts, stops, strict=True))]
    points, offsets = omitted(joined([text])[0], starts, stops)
    wanted = joined(sliced)
    assert points.tolist() == wanted[0].tolist()
    assert offsets.tolist() == wanted[1].tolist()
    chosen = np.arange(len(sliced))[::2]
    some, wanted = picked(points, offsets, chosen), joined(sliced[::2])
    assert some[0].tolist() == wanted[0].tolist()
    assert some[1].tolist() == wanted[1].tolist()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*COMPLAINTS, "屏屏屏屏屏", "屏\u200b 幕😡闪", "屏"]), SPANS)
def test_linear_estimates_are_the_scores_but_for_rounding(
    hotline: Model, text: str, spans: list[tuple[int, int]]
) -> None:
    """Wherever a span lies, the difference of its n-grams is the difference of the scores."""
    starts, stops = _bounds(text, spans)
    points = joined([text])[0]
    estimated = hotline.scorer.scores_without(points, starts, stops)
    exact = hotline.scorer.scores(*omitted(points, starts, stops))
    assert np.abs(estimated - exact).max() < 1e-4


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_network_is_measured_once_and_estimated_along_its_slopes(desk: Desk, text: str) -> None:
    """The whole text is exact; without a word, more often than not the direction is right."""
    starts = np.arange(0, max(1, len(text) - 1), 2, dtype=np.int64)
    stops = np.minimum(starts + 2, len(text))
    points = joined([text])[0]
    pieces, bounds = omitted(points, starts, stops)
    stated = word_features(desk.reader.lexicon.find_in(pieces, bounds).counts)
    scorer = desk.model.scorer
    estimated = scorer.scores_without(points, starts, stops, stated)
    exact = scorer.scores(pieces, bounds, stated)
    assert np.array_equal(estimated[0], exact[0])
    moved, measured = (estimated - estimated[0])[1:], (exact - exact[0])[1:]
    assert (np.sign(moved) == np.sign(measured)).mean() > 0.6
