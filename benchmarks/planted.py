"""How often the search for causes is right, on histories whose truth is known.

python -m benchmarks.planted planted --seeds 20          # five thousand complaints each
python -m benchmarks.planted nothing --seeds 200         # nothing to find
python -m benchmarks.planted example --seeds 20          # the example history, 20,000 complaints
python -m benchmarks.planted example-nothing --seeds 50  # the same with no cause, 1,500
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from api.services.example import write_history
from api.services.example.truth import judge
from mining.causes import CauseReport, find_causes
from mining.findings import Finding

_path = Path(__file__).parents[1] / "tests/mining/histories.py"
_spec = importlib.util.spec_from_file_location("histories", _path)
assert _spec is not None
assert _spec.loader is not None
histories = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(histories)

ATTRIBUTES = ["product", "batch", "region", "outlet", "channel"]


def sides(finding: Finding) -> tuple[dict[str, str], str]:
    """Attributes and issue of a finding."""
    left = {item.attribute: item.value for item in finding.antecedents}
    return left, finding.consequents[0].value


def planted(seeds: int, complaints: int) -> None:
    """The histories of the tests: four causes, and traps beside them."""
    wanted = found = reported = 0
    for seed in range(seeds):
        table, causes = histories.write_history(complaints, seed)
        said = [sides(finding) for finding in find_causes(table, ATTRIBUTES).unconfounded]
        hits = [cause for cause in causes if cause in said]
        wanted, found, reported = wanted + len(causes), found + len(hits), reported + len(said)
        for missed in (cause for cause in causes if cause not in said):
            print(f"  seed {seed}: missed {missed}")
        for false in (finding for finding in said if finding not in causes):
            print(f"  seed {seed}: not planted {false}")
    summary(f"{seeds} histories of {complaints:,}", wanted, found, reported)


def summary(what: str, wanted: int, found: int, reported: int) -> None:
    """One line."""
    false = reported - found
    share = false / max(reported, 1)
    print(
        f"{what}: {found} of {wanted} causes found; {false} of {reported} not planted ({share:.1%})"
    )


def nothing(seeds: int, complaints: int) -> None:
    """The same histories with nothing planted."""
    loud = 0
    for seed in range(seeds):
        table, _ = histories.write_history(complaints, seed, planted=False)
        loud += bool(find_causes(table, ATTRIBUTES).unconfounded)
    print(f"{loud} of {seeds} histories of {complaints:,} with nothing planted report something")


def example_report(seed: int, complaints: int, causes: str) -> tuple[CauseReport, dict[str, Any]]:
    """What is said of one example history, and its truth."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_history(folder, complaints=complaints, weeks=26, seed=seed, causes=causes)
        table = pd.read_csv(folder / "complaints.csv", dtype=str)
        truth = json.loads((folder / "planted.json").read_text("utf-8"))
    return find_causes(table, [*ATTRIBUTES, "courier"]), truth


def example(seeds: int, complaints: int) -> None:
    """The example history, judged by its own truth."""
    wanted = found = reported = 0
    for seed in range(seeds):
        report, truth = example_report(seed, complaints, "all")
        causes = [sides(f) for f in report.unconfounded if f.kind == "cause"]
        pairs = [
            {f.antecedents[0].value, sides(f)[1]} for f in report.unconfounded if f.kind != "cause"
        ]
        words = [judge(left, issue, truth) for left, issue in causes]
        named = {name for word, name in words if word == "planted"}
        aims = [p for p in truth["plants"] if p["attributes"] or p["given_issue"]]
        hits = [
            plant for plant in aims
            if plant["name"] in named or {plant["given_issue"], plant["issue"]} in pairs
        ]  # fmt: skip
        for plant in (plant for plant in aims if plant not in hits):
            print(f"  seed {seed}: missed {plant['name']}")
        for word, left in zip(words, causes, strict=True):
            if word[0] != "planted":
                print(f"  seed {seed}: {word} {left}")
        wanted, found = wanted + len(aims), found + len(hits)
        reported += len(report.unconfounded)
    summary(f"{seeds} example histories of {complaints:,}", wanted, found, reported)


def example_nothing(seeds: int, complaints: int) -> None:
    """The example history with nothing planted."""
    reports = [example_report(seed, complaints, "none")[0] for seed in range(seeds)]
    loud = sum(bool(report.unconfounded) for report in reports)
    print(f"{loud} of {seeds} example histories of {complaints:,} with no cause report something")


PARTS = {
    "planted": (planted, 20, 5_000),
    "nothing": (nothing, 200, 1_000),
    "example": (example, 20, 20_000),
    "example-nothing": (example_nothing, 50, 1_500),
}


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--complaints", type=int)
    options = parser.parse_args()
    run, seeds, complaints = PARTS[options.part]
    run(options.seeds or seeds, options.complaints or complaints)


if __name__ == "__main__":
    main()
