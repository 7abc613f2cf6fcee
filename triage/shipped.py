"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("738ec5ded04d9f262c8d1ee52c2a51d1b4fad78de267c33d711b4a1000b61fbc"),
    ("hotline", "1.0.0"): ("7c3bafb0973bf0cb11b6575f7b573657c82350247d40472049b9fb52c575dea2"),
}
