"""Whether the judgement of measures keeps its promises, on measures whose effect is known.

python -m benchmarks.effects                     # 20,000 measures: coverage, false 有效, power
python -m benchmarks.effects --simulated 2000 --seed 5
python -m benchmarks.effects --hard              # measures that are not as assumed
python -m benchmarks.effects --peers --simulated 1200  # five other intervals on the same measures
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.effect_peers import PEERS, alone
from mining.baseline import Side, compared
from mining.effect import measure_effect

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Regime:
    """What one simulated measure is like."""

    design: str  # compared (with a comparison group), alone (season unknown), earlier years
    count: int  # complaints to expect in the shorter window, without the measure
    before: int
    after: int
    noise: str  # Poisson, or "x 2" for variance over mean, or "gamma 0.3" for a spread of weeks
    season: float
    size: float  # of the comparison group, against the group
    exposed: bool
    ratio: float


@dataclass(frozen=True)
class Case:
    """Its weekly counts."""

    regime: Regime
    counts: Floats
    done: int
    exposure: Floats | None
    comparison: Floats | None
    comparison_exposure: Floats | None


NOISES = ("Poisson", "x 1.5", "x 2", "x 3", "gamma 0.2", "gamma 0.4")


def draw_regime(rng: np.random.Generator) -> Regime:
    """Any combination."""
    design = str(rng.choice(["compared", "compared", "alone", "earlier years"]))
    return Regime(
        design,
        int(rng.choice([5, 20, 100, 500])),
        int(rng.choice([6, 9, 13, 26])),
        int(rng.choice([4, 6, 9, 13, 26])),
        str(rng.choice(NOISES)),
        float(rng.choice([0, 0.15, 0.3, 0.5])),
        float(rng.choice([1, 3, 10, 30])),
        bool(rng.random() < 0.3),
        float(rng.choice([0.3, 0.5, 0.8, 1.0, 1.0])),
    )


def noisy(rng: np.random.Generator, mean: Floats, noise: str) -> Floats:
    """Counts with this mean."""
    kind, _, much = noise.partition(" ")
    if kind == "x":
        over = float(much) - 1
        mean = rng.gamma(mean / over) * over
    elif kind == "gamma":
        shape = 1 / float(much) ** 2
        mean = mean * rng.gamma(shape, 1 / shape, mean.size)
    return rng.poisson(mean).astype(np.float64)


def draw_case(rng: np.random.Generator, regime: Regime) -> Case:
    """Weekly counts of a regime; the season starts anywhere."""
    earlier = 104 if regime.design == "earlier years" else 0
    done = earlier + regime.before
    weeks = done + regime.after
    turn = 2 * np.pi * (np.arange(weeks) / 52 + rng.random())
    season = 1 + regime.season * np.sin(turn)
    exposure = comparison_exposure = None
    units = other_units = np.ones(weeks)
    if regime.exposed:
        units, other_units = (np.exp(rng.normal(0, 0.2, weeks)) * 1000 for _ in range(2))
        exposure, comparison_exposure = units, other_units
    level = regime.count / min(regime.before, regime.after)
    fall = np.where(np.arange(weeks) >= done, regime.ratio, 1.0)
    counts = noisy(rng, level * season * units / units.mean() * fall, regime.noise)
    comparison = None
    if regime.design == "compared":
        usual = level * regime.size * season * other_units / other_units.mean()
        comparison = noisy(rng, usual, regime.noise)
    else:
        comparison_exposure = None
    return Case(regime, counts, done, exposure, comparison, comparison_exposure)


def ours(case: Case) -> tuple[Interval | None, bool, float]:
    """Interval, whether 有效, milliseconds."""
    start = time.process_time()
    effect = measure_effect(
        case.counts,
        case.done,
        exposure=case.exposure,
        comparison=case.comparison,
        comparison_exposure=case.comparison_exposure,
    )
    spent = 1000 * (time.process_time() - start)
    return effect.interval, effect.verdict == "有效", spent


def simulate(n: int, seed: int) -> pd.DataFrame:
    """One row a measure."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        regime = draw_regime(rng)
        interval, worked, spent = ours(draw_case(rng, regime))
        low, high = interval or (np.nan, np.nan)
        rows.append(
            asdict(regime)
            | {"low": low, "high": high, "given": interval is not None}
            | {"worked": worked, "ms": spent}
        )
    table = pd.DataFrame(rows)
    table["covered"] = (table.low <= table.ratio) & (table.ratio <= table.high)
    table["below"], table["above"] = table.high < table.ratio, table.low > table.ratio
    return table


def line(table: pd.DataFrame) -> str:
    """Coverage and the rest of some measures."""
    known, null = table[table.given], table[table.ratio == 1]
    real = table[table.ratio <= 0.5]
    return (
        f"{len(table):6,}  {known.covered.mean():8.2%}  {known.below.mean():7.2%} "
        f"{known.above.mean():7.2%}  {null.worked.mean():7.2%} ({len(null):,})  "
        f"{real.worked.mean():7.2%}"
    )


FACTORS = [
    "design",
    "design, season",
    "count",
    "before",
    "after",
    "noise",
    "size",
    "exposed",
    "ratio",
]
AT_ONCE = 2_000


def summary(table: pd.DataFrame) -> None:
    """Overall, in runs of 2,000, and by each factor."""
    print(f"{'':28} {'n':>6}  {'covered':>8}  {'below':>7} {'above':>7}  false 有效  power <= .5")
    print(f"{'all':28} {line(table)}")
    table["design, season"] = table.design + ", " + table.season.astype(str)
    for factor in FACTORS:
        part = table[table.design == "compared"] if factor == "size" else table
        for value, group in part.groupby(factor):
            print(f"{factor + ' ' + str(value):28} {line(group)}")
    runs = [group for _, group in table.groupby(np.arange(len(table)) // AT_ONCE)]
    covered = [run[run.given].covered.mean() for run in runs]
    false = [run[run.ratio == 1].worked.mean() for run in runs]
    print(f"{len(runs)} runs of {AT_ONCE:,}: covered {min(covered):.2%} to {max(covered):.2%}, "
          f"false 有效 {min(false):.2%} to {max(false):.2%}")  # fmt: skip
    print(f"no interval: {(~table.given).mean():.2%}; ms: median {table.ms.median():.1f}, "
          f"99 % {table.ms.quantile(0.99):.1f}, longest {table.ms.max():.1f}")  # fmt: skip


HARD = {
    "group x 3, comparison Poisson": ("x 3", "Poisson"),
    "group Poisson, comparison x 4": ("Poisson", "x 4"),
    "gamma 0.7 in both": ("gamma 0.7", "gamma 0.7"),
    "weeks hit both alike": ("x 2", "x 2"),
    "level wanders": ("Poisson", "x 2"),
    "one week four times as high": ("x 2", "x 2"),
    "comparison a quarter": ("x 2", "x 2"),
    "four weeks before and after": ("x 2", "x 2"),
}


def hard(n: int, seed: int) -> None:
    """Measures that are not as the judgement assumes, all with a comparison."""
    rng = np.random.default_rng(seed)
    rows = [_hard(rng, str(rng.choice(list(HARD)))) for _ in range(n)]
    table = pd.DataFrame(rows, columns=["kind", "covered", "false"])
    for kind, group in table.groupby("kind"):
        print(f"{kind:32} {len(group):6,}  {group.covered.mean():8.2%}  {group.false.mean():7.2%}")


def _hard(rng: np.random.Generator, kind: str) -> tuple[str, float, float]:
    before, after = (4, 4) if kind.startswith("four") else rng.choice([8, 13, 26], 2)
    weeks, ratio = before + after, float(rng.choice([0.5, 1, 1]))
    fall = np.where(np.arange(weeks) >= before, ratio, 1)
    usual = float(rng.choice([1, 5, 25])) * (
        1 + 0.3 * np.sin(2 * np.pi * (np.arange(weeks) / 52 + rng.random()))
    )
    if kind.startswith("weeks"):
        usual = usual * rng.gamma(6, 1 / 6, weeks)
    mine = usual.copy()
    if kind.startswith("level"):
        mine = mine * wandering(rng, weeks)
    if kind.startswith("one"):
        mine[rng.integers(before)] *= 4
    size = 0.25 if kind.startswith("comparison") else float(rng.choice([1, 5]))
    noises = HARD[kind]
    other = noisy(rng, size * usual, noises[1])
    effect = measure_effect(noisy(rng, mine * fall, noises[0]), int(before), comparison=other)
    low, high = effect.interval or (0.0, np.inf)
    return kind, low <= ratio <= high, effect.verdict == "有效" if ratio == 1 else np.nan


def wandering(rng: np.random.Generator, weeks: int) -> Floats:
    """A level whose weeks hang together: correlation 1/2 from one to the next, spread 0.25."""
    logs = np.zeros(weeks)
    for week in range(weeks):
        last = logs[week - 1] / 2 if week else 0.0
        logs[week] = last + rng.normal(0, 0.25 * (np.sqrt(0.75) if week else 1))
    level: Floats = np.exp(logs)
    return level


def compare_peers(n: int, seed: int) -> None:
    """Coverage of every method on the same measures, those with a comparison and those alone."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    while len(rows) < n * len(PEERS):
        regime = draw_regime(rng)
        if regime.design == "alone":
            regime = replace(regime, season=0.0)
        case = draw_case(rng, regime)
        sides = [_sides(case, first, last) for first, last in ((0, case.done), (case.done, None))]
        if (
            regime.design == "earlier years"
            or min(side.total for pair in sides for side in pair) == 0
        ):
            continue
        baseline = alone(sides[0][0], sides[1][0])
        if regime.design == "compared":
            baseline = compared(*((pair[0], pair[1]) for pair in sides))
        for name, method in PEERS.items():
            start = time.process_time()
            low, high = method(baseline)
            spent = 1000 * (time.process_time() - start)
            fact = {"method": name, "low": low, "high": high, "ms": spent}
            rows.append(asdict(regime) | fact)
    table = pd.DataFrame(rows)
    table["covered"] = (table.low <= table.ratio) & (table.ratio <= table.high)
    table["false"] = (table.high < 1).where(table.ratio == 1)
    print(f"{n:,} measures; coverage, high < 1 under no effect, median ms")
    print(f"{'':24}{'all':>7}" + "".join(f"{noise:>11}" for noise in NOISES) + f"{'5':>7}{'20':>7}"
          f"{'100':>7}{'500':>7}{'false':>8}{'ms':>8}")  # fmt: skip
    for name in PEERS:
        print(_peer_line(name, table[table.method == name]))


def _sides(case: Case, first: int, last: int | None) -> list[Side]:
    """Group and, where there is one, comparison in a span of weeks."""
    weeks = np.arange(case.counts.size)[first:last]
    pairs = [(case.counts, case.exposure), (case.comparison, case.comparison_exposure)]
    ones = np.ones(case.counts.size)
    return [
        Side(weeks, counts[weeks], (ones if base is None else base)[weeks])
        for counts, base in pairs
        if counts is not None
    ]


def _peer_line(name: str, table: pd.DataFrame) -> str:
    noises = "".join(f"{table[table.noise == noise].covered.mean():11.1%}" for noise in NOISES)
    counts = "".join(f"{table[table['count'] == n].covered.mean():7.1%}" for n in (5, 20, 100, 500))
    false = table["false"].dropna().astype(float).mean()
    return (
        f"{name:24}{table.covered.mean():7.1%}{noises}{counts}{false:8.2%}{table.ms.median():8.1f}"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulated", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--hard", action="store_true")
    given = parser.parse_args()
    if given.hard:
        hard(given.simulated, given.seed)
    elif given.peers:
        compare_peers(given.simulated, given.seed)
    else:
        summary(simulate(given.simulated, given.seed))


if __name__ == "__main__":
    main()
