"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("ea0aa0be0e8af3aec333ea04af1bf32bd7a4a1f8bc3fa18ae7527cf6491450af"),
    ("hotline", "1.0.0"): ("a3812c83548cebfe036e8fff428723d6a96aa02c95e22d65962799f8ef24e6bc"),
}
