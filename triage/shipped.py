"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("548e066e98eee5810b1dd9d9a0c160e69920ec8e6a8ad87374423d80da754c79"),
    ("hotline", "1.0.0"): ("7c3bafb0973bf0cb11b6575f7b573657c82350247d40472049b9fb52c575dea2"),
}
