"""Checksums of the manifests of the models that this release ships.

Written by benchmarks/train_shipped.py.
"""

from __future__ import annotations

PINNED: dict[tuple[str, str], str] = {
    ("complaints", "1.0.0"): ("030e648fab7568d8d43eb09dff935dc9e1fc6ed346327b0498e21d9c49eff211"),
    ("hotline", "1.0.0"): ("b5a036f601d494fb420da5000761195ee8bc540b22fb07223925cca30ca69bff"),
}
