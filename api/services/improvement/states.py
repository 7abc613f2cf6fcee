"""Where a problem and a measure may go from where they are, as tables."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import Conflict

OPEN = "open"
OWNED = "owned"
ACTING = "acting"
WATCHING = "watching"
CLOSED = "closed"
KNOWN = "known"
ACCEPTED = "accepted"
MERGED = "merged"
LIVE = (OPEN, OWNED, ACTING, WATCHING)
ENDED = (CLOSED, KNOWN, ACCEPTED)

SUGGESTED = "suggested"
PLANNED = "planned"
DONE = "done"
DROPPED = "dropped"

Steps = Mapping[str, Mapping[str, str]]
_STAY = {state: state for state in LIVE}

PROBLEM: Steps = {
    "edit": _STAY | {state: state for state in ENDED},
    "propose a measure": _STAY,
    "assign": {OPEN: OWNED, OWNED: OWNED, ACTING: ACTING, WATCHING: WATCHING},
    "approve a measure": {OWNED: ACTING, ACTING: ACTING, WATCHING: ACTING},
    "watch": {OWNED: WATCHING, ACTING: WATCHING, WATCHING: WATCHING},
    "go back": {ACTING: OWNED, WATCHING: OWNED},
    "split": _STAY,
    "merge": dict.fromkeys(LIVE, MERGED),
    "close": {WATCHING: CLOSED},
    "know": dict.fromkeys(LIVE, KNOWN),
    "accept": dict.fromkeys(LIVE, ACCEPTED),
    "reopen": dict.fromkeys(ENDED, OWNED),
}
MEASURE: Steps = {
    "edit": {SUGGESTED: SUGGESTED, PLANNED: SUGGESTED},
    "approve": {SUGGESTED: PLANNED},
    "carry out": {PLANNED: DONE},
    "drop": {SUGGESTED: DROPPED, PLANNED: DROPPED},
}
_HINTS = {
    ("approve a measure", OPEN): "assign an owner first",
    ("close", OPEN): "assign an owner, approve a measure and carry it out first",
    ("close", OWNED): "approve a measure and carry it out first",
    ("close", ACTING): "carry its measures out first",
    ("carry out", SUGGESTED): "somebody else must approve it first",
}


def step(table: Steps, name: str, state: str, thing: str = "problem") -> str:
    """The state after a step; `Conflict` says what would be possible instead."""
    after = table[name].get(state)
    if after is not None:
        return after
    possible = ", ".join(each for each, moves in table.items() if state in moves)
    instead = _HINTS.get((name, state)) or f"possible is: {possible or 'nothing more'}"
    raise Conflict(f"a {thing} that is {state} can't take the step {name!r}; {instead}")
