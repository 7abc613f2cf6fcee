"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("f3dd7e562bb695d82e5eaa09ea3dae75c9e69ac66fb549b36d80ef37c95fec14"),
    ("hotline", "1.0.0"): ("a3812c83548cebfe036e8fff428723d6a96aa02c95e22d65962799f8ef24e6bc"),
}
