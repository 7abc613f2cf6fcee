"""Rows whose exact method is a test of the suite: the runner calls the same test."""

from __future__ import annotations

import re
import subprocess
import sys

from benchmarks.reliability.rows import Outcome


def tested(*tests: str) -> Outcome:
    """Run tests of the suite; all must pass and none be skipped."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    said = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "no word"
    counted = re.search(r"(\d+ (?:passed|failed|skipped)[^(]*?) in [\d.]+s", said)
    figure = (counted[1] if counted else said).strip("= ")
    return Outcome(f"tests: {figure}", done.returncode == 0 and "skipped" not in figure)
