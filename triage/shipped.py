"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("85a800fe656b975da444d2dd89b94926c905b3d8aed705003383e380740314e4"),
    ("hotline", "1.0.0"): ("7c3bafb0973bf0cb11b6575f7b573657c82350247d40472049b9fb52c575dea2"),
}
