"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): (
        "ccdba77eec98b6cbcf4452f49769c4d001a9b66f8d0cf0f993e597c42151cae1"
    ),
    ("hotline", "1.0.0"): (
        "73715103cc22862849bdc374aff2564164e4ca98a36cf0f602a31baadb769cc6"
    ),
}
