"""How far a problem is, by its measures."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from api.services.improvement.hands import Hand
from api.services.improvement.states import DONE, PLANNED, PROBLEM, step
from api.store import problems


def settle(hand: Hand, problem: Row[Any]) -> None:
    """Bring a problem to the state that its measures put it in."""
    states = {row.state for row in problems.measures_of(hand.connection, [problem.id])}
    if PLANNED in states:
        name = "approve a measure"
    elif DONE in states:
        name = "watch"
    else:
        name = "go back"
    if PROBLEM[name].get(problem.state, problem.state) != problem.state:
        hand.change(problem, {"state": step(PROBLEM, name, problem.state)}, "moved on")
