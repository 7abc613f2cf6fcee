"""Desks and models that the triage tests share."""

from __future__ import annotations

import pytest

from domain.taxonomy import shipped_taxonomy
from tests.triage.sentences import written_table
from triage.desk import Desk
from triage.lesson import Recipe
from triage.registry import open_desk
from triage.train import Trained, train


@pytest.fixture(scope="session")
def desk() -> Desk:
    """The shipped complaints model at work."""
    return open_desk("complaints")


@pytest.fixture(scope="session")
def hotline_desk() -> Desk:
    """The shipped hotline model, with the complaints model for the rest."""
    return open_desk("hotline")


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A small model of the written table."""
    recipe = Recipe(features=2_000, folds=3, min_examples=3)
    return train(
        written_table(), name="own", version="1.0.0", taxonomy=shipped_taxonomy(), recipe=recipe
    )
